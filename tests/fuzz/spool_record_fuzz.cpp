// What the spool stores of an envelope: whatever is in the database is read without harm, and
// what is read is written the same way again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.hpp"
#include "spool/record.hpp"

namespace {

using namespace postern::spool;

message row()
{
    message m;
    m.queue_id = "Q0123456789AB";
    m.accepted_at = postern::from_microseconds(1'795'330'000'000'000);
    m.size = 4096;
    return m;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string text(reinterpret_cast<char const*>(data), size);
    message m = row();
    std::uint64_t sum = 0;
    static_cast<void>(decode(text, m, sum));

    // With the right checksum, which no fuzzer would find.
    message const seed = row();
    std::uint64_t const seeded =
        checksum(seed.queue_id, seed.size ^ static_cast<std::uint64_t>(postern::to_microseconds(seed.accepted_at)));
    std::uint64_t end = checksum(text, seeded);
    for (int i = 0; i < 8; ++i, end >>= 8) text += static_cast<char>(end);
    m = row();
    if (!decode(text, m, sum)) return 0;
    std::string const once = encode(m, sum);
    message again = row();
    std::uint64_t sum_again = 0;
    require(decode(once, again, sum_again));
    require(sum_again == sum && again.recipients.size() == m.recipients.size());
    require(encode(again, sum_again) == once);
    return 0;
}
