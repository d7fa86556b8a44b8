// GSSAPI: the input is a script of both sides. Each step's first octet says who speaks: the
// client (even) or, with what kind of answer, the library (odd); a second octet gives the
// length of what it says. What a library calls itself is read as a principal, too.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.hpp"
#include "sasl/gssapi.hpp"
#include "sasl/prepare.hpp"
#include "sasl/principal.hpp"

using namespace postern;
using namespace postern::sasl;

namespace {

std::string_view take(std::string_view& text, std::size_t size)
{
    auto const taken = text.substr(0, size);
    text.remove_prefix(taken.size());
    return taken;
}

principal_rules const rules{
    .realms = {{"EXAMPLE.COM", "example.com"}},
    .bindings = {{"backup/host7@EXAMPLE.COM", "backup@example.com"}},
};

context_answer answer_of(unsigned how, std::string_view text)
{
    context_answer a;
    a.what = static_cast<context_answer::state>(how % 5);
    a.octets = text;
    if (a.what != context_answer::state::established) return a;
    auto const owner = find_owner(text, rules);
    a.octets = how % 2 == 0 ? "proof" : "";
    a.principal = text;
    a.account = owner.account;
    a.names = owner.names;
    a.note = owner.note;
    require(a.account.empty() || a.account == "backup@example.com" || a.account.ends_with("@example.com"));
    return a;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    std::string_view text{reinterpret_cast<char const*>(octets), size};
    auto const m = make_gssapi_server();
    outcome last = m->step(std::nullopt);
    bool over = false;
    bool known = false;
    unsigned steps = 0;
    while (text.size() >= 2 && ++steps < 64) {
        unsigned const who = static_cast<std::uint8_t>(text[0]);
        std::size_t const length = static_cast<std::uint8_t>(text[1]);
        text.remove_prefix(2);
        auto const said = take(text, length);
        bool const asked = std::holds_alternative<context_step>(last);
        if (who % 2 == 0) {
            last = m->step(said);
        } else {
            auto const a = answer_of(who / 2, said);
            known = known || (asked && a.what == context_answer::state::established && !a.account.empty());
            last = m->on_context(a);
        }
        // Once over, always over; and nobody comes in whom the library did not name.
        if (over) require(std::holds_alternative<rejected>(last));
        over = std::holds_alternative<rejected>(last) || std::holds_alternative<accepted>(last);
        if (auto const* in = std::get_if<accepted>(&last)) {
            require(known && in->outside && !in->authcid.empty());
            require(in->authzid.empty() || is_acceptable_name(in->authzid));
        }
    }
    return 0;
}
