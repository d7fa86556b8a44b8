#include "submission/facts.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace postern::submission {
namespace {

// Addresses that a message may go through here, as far as that is looked at before it is taken.
constexpr std::size_t longest_way = 50;

}  // namespace

result<policy::recipient_kind> find_recipient_kind(directory::directory& accounts, forwarding::book const* forwards,
                                                   mail::mailbox const& to)
{
    if (forwards != nullptr && forwards->is_return_address(to)) return policy::recipient_kind::local_known;
    if (!to.domain.empty()) {
        auto const local = accounts.is_local(to.domain);
        if (!local) return local.error();
        if (!*local) return policy::recipient_kind::not_local;
        if (forwards != nullptr && forwards->find(to)) return policy::recipient_kind::local_known;
    }
    auto const found = accounts.find_recipient(to);
    if (!found) return found.error();
    // RFC 5321 section 4.5.1: postmaster is known even where nobody has made the account.
    bool const known = *found != nullptr || to.domain.empty();
    return known ? policy::recipient_kind::local_known : policy::recipient_kind::local_unknown;
}

catalogue::verdict judge_return_address(forwarding::book const& forwards, mail::path const& sender,
                                        mail::mailbox const& to, wall_time now)
{
    namespace rules = catalogue::rules;
    auto const refuse = [&](catalogue::rule const& why) {
        return catalogue::make_verdict(why, {{"recipient", to.to_string()}});
    };
    auto const origin = forwards.origin(to, now);
    if (origin.what == mail::srs_origin::state::expired) return refuse(rules::return_address_expired);
    if (origin.what != mail::srs_origin::state::good) return refuse(rules::return_address_invalid);
    return sender.null ? catalogue::verdict{} : refuse(rules::return_address_for_bounces);
}

catalogue::verdict judge_circle(directory::directory& accounts, forwarding::book const& forwards,
                                std::vector<mail::recipient> const& recipients,
                                std::vector<mail::header_field> const& fields)
{
    auto const been_at = mail::find_all(fields, "Delivered-To");
    if (been_at.empty()) return {};
    auto const forward_of = [&](mail::mailbox const& address) {
        auto found = forwards.find(address);
        if (found) return found;
        auto const account = accounts.find_recipient(address);
        auto const own = account && *account ? mail::parse_mailbox((*account)->address) : std::nullopt;
        return own ? forwards.find(*own) : nullptr;
    };
    for (auto const& r : recipients) {
        // And where it goes on to from there, as long as that is here.
        std::vector<mail::mailbox> way{r.forward_path};
        for (std::size_t at = 0; at < way.size(); ++at) {
            auto const here = forward_of(way[at]);
            if (!here) continue;
            auto const key = here->address.key();
            if (std::any_of(been_at.begin(), been_at.end(),
                            [&](auto const& f) { return to_lower(f.unfolded()) == key; }))
                return catalogue::make_verdict(catalogue::rules::forward_loop,
                                               {{"recipient", r.forward_path.to_string()}});
            for (auto const& next : here->targets)
                if (way.size() < longest_way && std::find(way.begin(), way.end(), next) == way.end())
                    way.push_back(next);
        }
    }
    return {};
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
