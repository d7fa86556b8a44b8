// What strangers write where their mail is checked: Authentication-Results fields, DMARC records,
// return addresses of forwarded mail.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mail/authentication.hpp"
#include "mail/srs.hpp"

namespace {

using namespace postern;
using namespace postern::mail;

// Whatever was found, the field is one field.
void check_field(std::string_view input)
{
    findings f;
    f.spf = {auth_result::fail, std::string{input}, false};
    f.dkim.push_back({auth_result::fail, std::string{input}, std::string{input}, std::string{input}, std::string{input},
                      std::string{input}});
    auto const field = authentication_results("mail.example", f);
    for (std::size_t at = field.find('\n'); at + 1 != field.size(); at = field.find('\n', at + 1)) {
        if (at == 0 || field[at - 1] != '\r' || field[at + 1] != '\t') std::abort();
    }
    if (!claims_to_be_of(std::string_view{field}.substr(field.find(':') + 1), "mail.example")) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const input{reinterpret_cast<char const*>(data), size};
    static_cast<void>(claims_to_be_of(input, "mail.example"));
    if (auto const record = parse_dmarc_record(input); record && record->percent > 100) std::abort();
    check_field(input);

    secret const key{"key"};
    auto const now = from_microseconds(1'800'000'000'000'000);
    auto const sender = parse_mailbox(input);
    if (!sender) return 0;
    // Nobody guesses an address that we did not make; what we make comes back.
    if (srs_reverse(*sender, {key}, std::chrono::hours{24}, now).what == srs_origin::state::good) std::abort();
    auto const out = srs_forward(*sender, "ours.example", key, now);
    // One of another forwarder goes back to that one.
    if (!out || is_srs(*sender)) return 0;
    auto const back = srs_reverse(*out, {key}, std::chrono::hours{24}, now);
    if (back.what == srs_origin::state::good && back.address != *sender) std::abort();
    return 0;
}
