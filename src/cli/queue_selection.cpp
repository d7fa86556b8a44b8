#include "cli/queue_selection.hpp"

#include "base/text.hpp"
#include "cli/output.hpp"
#include "config/values.hpp"

namespace postern::cli {
namespace {

bool put_age(boost::json::object& to, char const* key, std::string const& text)
{
    if (text.empty()) return true;
    auto const age = config::parse_duration(text);
    if (!age) {
        complain("--" + std::string{key} + " " + printable(text, 40) + " is no time, such as 30m, 12h or 2d");
        return false;
    }
    to[key] = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(*age).count());
    return true;
}

}  // namespace

std::optional<boost::json::object> queue_selection::arguments() const
{
    boost::json::object to;
    std::pair<char const*, std::string const*> const texts[] = {
        {"queue_id", &id},   {"state", &state},     {"domain", &domain},
        {"sender", &sender}, {"account", &account}, {"next_hop", &next_hop},
    };
    for (auto const& [key, text] : texts)
        if (!text->empty()) to[key] = *text;
    if (!put_age(to, "older", older) || !put_age(to, "younger", younger)) return std::nullopt;
    if (all) to["all"] = true;
    return to;
}

void add_selection(command c, queue_selection& to)
{
    c.add_option("ID", to.id, "The message's id");
    c.add_option("--state", to.state, "active, deferred, waiting, held or unreadable");
    c.add_option("--domain", to.domain, "With a recipient there that waits");
    c.add_option("--sender", to.sender, "From this reverse-path; <> for reports");
    c.add_option("--account", to.account, "Sent with this login");
    c.add_option("--next-hop", to.next_hop, "Waiting for this destination, as `queue destinations` names it");
    c.add_option("--older", to.older, "Accepted longer ago than this: 30m, 12h, 2d");
    c.add_option("--younger", to.younger, "Accepted less long ago");
}

}  // namespace postern::cli
