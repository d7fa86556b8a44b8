// Answers of token endpoints. The first octet stands for the HTTP status. What is taken as a token can
// be sent, and lasts no longer than a day.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "delivery/token_answer.hpp"
#include "sasl/oauth.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    long const status = (data[0] & 3) == 0 ? 200 : (data[0] & 3) == 1 ? 400 : 100 + data[0] * 2;
    auto const a = postern::delivery::parse_token_answer(
        status, std::string_view{reinterpret_cast<char const*>(data + 1), size - 1});
    if (!a) {
        if (a.error().logged.empty()) std::abort();
        return 0;
    }
    bool const fine = status == 200 && postern::sasl::oauth::is_token(a->access_token.reveal()) &&
                      a->life.count() >= 0 && a->life.count() <= 86'400;
    if (!fine) std::abort();
    return 0;
}
