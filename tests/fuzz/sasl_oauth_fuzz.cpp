// OAUTHBEARER and XOAUTH2: the first octet chooses which; the rest is the client's message.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/require.hpp"
#include "sasl/oauth.hpp"
#include "sasl/prepare.hpp"

using namespace postern;
using namespace postern::sasl;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    if (size == 0) return 0;
    bool const google = (octets[0] & 1) != 0;
    std::string_view const text{reinterpret_cast<char const*>(octets) + 1, size - 1};
    char const* why = nullptr;
    auto const m = google ? oauth::parse_xoauth2(text, why) : oauth::parse_oauthbearer(text, why);
    require(m.has_value() || why != nullptr);
    auto const s = oauth::make_server(google ? oauth::format::xoauth2 : oauth::format::oauthbearer);
    auto o = s->step(text);
    require(std::holds_alternative<verify_token>(o) == m.has_value());
    if (!m) return 0;
    require(m->identity.empty() ? !google : is_acceptable_name(m->identity));
    auto const token = m->token.reveal();
    // It goes into the text of nothing, but whoever logs it by mistake shall not be surprised.
    require(std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f && c != ','; }));
    o = s->on_token_refused("{}");
    require(std::holds_alternative<challenge>(o));
    require(std::holds_alternative<rejected>(s->step(text)));
    return 0;
}
