#include "filters/milter_changes.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace postern::filters {
namespace {

// "<anna@example.com>", or without the brackets.
std::optional<mail::path> address_of(std::string_view written, bool null_allowed)
{
    auto const bare = "<" + std::string{written} + ">";
    std::string_view text = written.starts_with('<') ? written : std::string_view{bare};
    mail::path_error why{};
    return mail::parse_path(text, null_allowed, !null_allowed, why);
}

// The place of the n-th field of that name, from 1, among those that milters see; or the end.
std::size_t find_field(draft const& message, std::string_view name, std::uint32_t n)
{
    auto const& all = message.fields();
    for (std::size_t i = 0; i < all.size(); ++i)
        if (!all[i].ours && equal_ignoring_case(all[i].name(), name) && --n == 0) return i;
    return all.size();
}

// No line may be longer than 998 octets (RFC 5322 section 2.1.1): other servers cut those.
bool too_long(std::string_view octets)
{
    while (!octets.empty()) {
        auto const end = octets.find("\r\n");
        if (end > 998) return true;
        octets.remove_prefix(end + 2);
    }
    return false;
}

void change(milter::header_change const& c, draft& message)
{
    using kind = milter::header_change::kind;
    std::string octets = c.name + ':' + c.value + "\r\n";
    auto const end = message.fields().size();
    if (c.what == kind::append) return message.insert(end, {std::move(octets), false});
    if (c.what == kind::insert) return message.insert(c.index, {std::move(octets), false});
    auto const at = find_field(message, c.name, std::max(c.index, 1u));
    bool const there = at < end;
    bool const empty = c.value.find_first_not_of(" \t\r\n") == std::string::npos;
    if (empty && there) return message.remove(at);
    if (empty) return;
    if (there) return message.replace(at, std::move(octets));
    message.insert(end, {std::move(octets), false});
}

}  // namespace

std::string apply(milter::changes const& wanted, std::unique_ptr<spool::content_writer> body, mail::envelope& env,
                  draft& message)
{
    auto changed = env;
    if (wanted.sender) {
        auto const sender = address_of(*wanted.sender, true);
        if (!sender) return "the sender that it wants is no address: " + printable(*wanted.sender, 100);
        changed.reverse_path = *sender;
    }
    for (auto const& text : wanted.removed) {
        auto const gone = address_of(text, false);
        if (!gone) continue;  // nobody has it
        std::erase_if(changed.recipients, [&](auto const& r) { return r.forward_path == gone->address; });
    }
    for (auto const& text : wanted.added) {
        auto const more = address_of(text, false);
        if (!more) return "a recipient that it adds is no address: " + printable(text, 100);
        bool const there = std::any_of(changed.recipients.begin(), changed.recipients.end(),
                                       [&](auto const& r) { return r.forward_path == more->address; });
        if (there) continue;
        mail::recipient r;
        r.forward_path = more->address;
        changed.recipients.push_back(std::move(r));
        changed.smtputf8 = changed.smtputf8 || more->address.needs_smtputf8();
    }
    for (auto const& c : wanted.header)
        if (too_long(c.name + ':' + c.value + "\r\n"))
            return "the header field " + c.name + " has a line that is too long";
    for (auto const& c : wanted.header) change(c, message);
    if (wanted.body && body) message.set_body(std::move(body));
    env = std::move(changed);
    return {};
}

}  // namespace postern::filters
