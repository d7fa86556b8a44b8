// forward add, list, remove
#include <boost/json/array.hpp>

#include "base/log.hpp"
#include "control/commands.hpp"
#include "directory/directory.hpp"
#include "forwarding/book.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

json::value describe(forwarding::forward const& f)
{
    json::object o;
    o["address"] = f.address.to_string();
    o["keep"] = f.keep;
    json::array targets;
    for (auto const& t : f.targets) targets.push_back(json::value(t.to_string()));
    o["targets"] = std::move(targets);
    return o;
}

failure usage(std::string text) { return {failure::kind::usage, std::move(text), {}}; }

// What can't work is said at once, not by a bounce.
std::optional<failure> refuse(context& c, mail::mailbox const& address, mail::mailbox const& target,
                              std::optional<bool> keep)
{
    auto const local = c.accounts->is_local(address.domain);
    if (!local) return to_failure(local.error());
    if (!*local)
        return usage(address.domain + " is not a local domain, so no mail for " + address.to_string() +
                     " comes here; `postern domain add NAME` makes it one");
    if (target.key() == address.key()) return usage("an address can't be forwarded to itself; --keep keeps a copy");
    c.accounts->wait_for_address(address);
    c.accounts->wait_for_address(target);
    auto const mailbox = c.accounts->find_recipient(address);
    if (!mailbox) return to_failure(mailbox.error());
    if (keep.value_or(false) && !*mailbox)
        return usage(address.to_string() +
                     " has no mailbox to keep a copy in; `postern account add ADDRESS` makes one");
    auto const target_local = c.accounts->is_local(target.domain);
    if (!target_local) return to_failure(target_local.error());
    if (!*target_local || c.forwards->find(target)) return std::nullopt;
    auto const there = c.accounts->find_recipient(target);
    if (!there) return to_failure(there.error());
    if (!*there) return usage(target.to_string() + " is an address of this server, and has no mailbox here");
    return std::nullopt;
}

}  // namespace

outcome forward_add(context& c, arguments a)
{
    auto const address = a.mailbox("address");
    auto const target = a.mailbox("target");
    auto const keep = a.optional_flag("keep");
    if (auto wrong = a.problem()) return std::move(*wrong);
    if (auto refused = refuse(c, address, target, keep)) return std::move(*refused);
    if (auto added = c.forwards->add(address, target, keep); !added) return to_failure(added.error());
    log::event(log::level::info, "forward_changed",
               {{"address", address.to_string()}, {"target", target.to_string()}, {"change", "added"}});
    return describe(*c.forwards->find(address));
}

outcome forward_list(context& c, arguments a)
{
    if (auto wrong = a.problem()) return std::move(*wrong);
    json::array list;
    for (auto const& [key, f] : c.forwards->all()) list.push_back(describe(*f));
    return json::value(std::move(list));
}

outcome forward_remove(context& c, arguments a)
{
    auto const address = a.mailbox("address");
    std::optional<mail::mailbox> target;
    if (auto const given = a.optional_text("target")) {
        auto read = read_mailbox(*given);
        if (read)
            target = std::move(*read);
        else
            a.wrong(read.error());
    }
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const removed = c.forwards->remove(address, target);
    if (!removed) return to_failure(removed.error());
    if (!*removed)
        return usage(address.to_string() + " is not forwarded" + (target ? " to " + target->to_string() : "") +
                     "; `postern forward list` shows all");
    log::event(log::level::info, "forward_changed",
               {{"address", address.to_string()},
                {"target", target ? target->to_string() : std::string{}},
                {"change", "removed"}});
    json::object o;
    o["address"] = address.to_string();
    o["removed"] = true;
    return json::value(std::move(o));
}

}  // namespace postern::control
