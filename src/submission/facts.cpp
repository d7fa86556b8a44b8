#include "submission/facts.hpp"

namespace postern::submission {

result<policy::recipient_kind> find_recipient_kind(directory::directory& accounts, mail::mailbox const& to)
{
    if (!to.domain.empty()) {
        auto const local = accounts.is_local(to.domain);
        if (!local) return local.error();
        if (!*local) return policy::recipient_kind::not_local;
    }
    auto const found = accounts.find_recipient(to);
    if (!found) return found.error();
    // RFC 5321 section 4.5.1: postmaster is known even where nobody has made the account.
    bool const known = *found != nullptr || to.domain.empty();
    return known ? policy::recipient_kind::local_known : policy::recipient_kind::local_unknown;
}

catalogue::verdict lookup_failed(error const& why)
{
    return catalogue::make_verdict(catalogue::rules::lookup_failure, {{"problem", why.logged}});
}

std::optional<std::size_t> find_route(config::settings const& s, policy::facts const& f)
{
    bool const local = f.recipient != policy::recipient_kind::not_local;
    return policy::choose_route(s.routes, {f.reverse_path, f.account, f.forward_path, local}, true);
}

}  // namespace postern::submission
