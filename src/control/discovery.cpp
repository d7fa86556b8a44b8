// discovery facts, publish: what mail programs are told, and from when on those that hold it against the DNS
#include <mutex>

#include "base/log.hpp"
#include "base/whole_file.hpp"
#include "control/commands.hpp"
#include "directory/directory.hpp"
#include "porter/pacc.hpp"
#include "porter/rollover.hpp"
#include "porter/transfer.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::size_t longest_file = 64u << 10;

std::filesystem::path file_of(context const& c) { return c.settings->data_dir / "announced.json"; }

/// As the file has it and the settings want it; the file follows.
result<porter::rollover> follow(context const& c, porter::services const& current, bool at_once)
{
    // From the reading to the writing: else a question of the web pages takes back what the operator publishes meanwhile.
    static std::mutex one_at_a_time;
    std::scoped_lock const turn{one_at_a_time};
    porter::rollover r;
    auto const read = read_whole_file(file_of(c), longest_file);
    if (!read) return std::move(read.error());
    // A file that can't be understood is like none: what matters is what is told from now on.
    if (*read)
        if (auto kept = porter::parse_rollover((*read)->reveal())) r = std::move(*kept);
    auto const before = r;
    r.follow(current, wall_clock::now(), at_once);
    if (r == before) return r;
    if (auto written = replace_whole_file(file_of(c), print(r)); !written) return std::move(written.error());
    if (r.waiting)
        log::event(log::level::warning, "discovery_change_waits",
                   {{"remedy",
                     "publish the new _ua-auto-config record that `postern domain records` shows beside the old "
                     "one; then, or after two days, `postern discovery publish`"}});
    return r;
}

result<porter::facts> facts_now(context& c, bool at_once)
{
    auto domains = c.accounts->list_domains();
    if (!domains) return std::move(domains.error());
    auto facts = porter::facts_of(*c.settings, std::move(*domains));
    auto r = follow(c, facts.now, at_once);
    if (!r) return std::move(r.error());
    facts.announced = std::move(r->announced);
    return facts;
}

outcome told(context& c, bool at_once)
{
    auto const facts = facts_now(c, at_once);
    if (!facts) return to_failure(facts.error());
    return porter::to_json(*facts);
}

}  // namespace

std::vector<std::string> configurations_of(context& c, std::string const& domain)
{
    auto const facts = facts_now(c, false);
    return porter::pacc_records(facts ? *facts : porter::facts_of(*c.settings, {}), domain);
}

outcome discovery_facts(context& c, arguments a)
{
    if (auto wrong = a.problem()) return std::move(*wrong);
    return told(c, false);
}

outcome discovery_publish(context& c, arguments a)
{
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto done = told(c, true);
    if (done) log::event(log::level::info, "discovery_published", {});
    return done;
}

}  // namespace postern::control
