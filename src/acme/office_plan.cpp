// Which names there should be certificates for, and which of these lead to us.
#include <algorithm>

#include "acme/office.hpp"
#include "acme/schedule.hpp"
#include "base/log.hpp"

namespace postern::acme {
namespace {

constexpr std::chrono::hours between_suggestions{6};

}  // namespace

/// Where nobody can say, those that there were keep their certificates.
void office::ask_for_domains()
{
    auto found = options_.local_domains();
    if (!found) {
        log::event(log::level::warning, "certificate_domains_unknown", {{"problem", found.error().logged}});
        return;
    }
    std::lock_guard const hold{lock_};
    if (*found == domains_) return;
    domains_ = std::move(*found);
    bundle_.reset();
}

void office::plan(config::settings const& s)
{
    ask_for_domains();
    shelf_.drop_old_orders(wall_clock::now());
    // They change on this thread only, so they can be read without the lock.
    auto groups = groups_of(s, domains_);
    std::vector<planned> made;
    std::map<std::string, net::certificate_summary> there;
    for (auto& g : groups) {
        if (auto found = shelf_.find(g.id)) there.emplace(g.id, std::move(*found));
        made.push_back({std::move(g)});
    }
    if (std::ranges::any_of(made, [](planned const& p) { return !p.what.ours_for_sure; })) find_our_addresses(s);
    {
        std::lock_guard const hold{lock_};
        certificates_ = std::move(there);
        std::erase_if(attempts_, [&](auto const& one) {
            return std::ranges::none_of(made, [&](planned const& p) { return p.what.id == one.first; });
        });
    }
    for (auto& p : made) {
        auto const found = certificates_.find(p.what.id);
        if (found == certificates_.end()) continue;
        auto const& has = found->second.names;
        bool const lacks = std::ranges::any_of(
            p.what.names, [&](auto const& name) { return std::ranges::find(has, name) == has.end(); });
        if (!lacks || stopping_) continue;
        p.wanted = names_for(p.what, false);
        p.looked_up = true;
    }
    ask_for_suggestions(s);
    std::lock_guard const hold{lock_};
    plan_ = std::move(made);
    // Unless what it was made of has changed meanwhile.
    if (!woken_) planned_at_ = steady_clock::now();
    // What was asked for, and is not there any more.
    std::erase_if(forced_, [&](auto const& id) {
        return std::ranges::none_of(plan_, [&](planned const& p) { return p.what.id == id; });
    });
    done_.notify_all();
}

/// An authority may want certificates renewed before their time: it will revoke them (RFC 9773).
void office::ask_for_suggestions(config::settings const& s)
{
    auto const now = steady_clock::now();
    if (certificates_.empty() || (suggestions_at_ && now - *suggestions_at_ < between_suggestions)) return;
    suggestions_at_ = now;
    auto const urls = parse_directory(ask(s, {call::kind::get, s.acme.directory, {}}).body);
    if (!urls) return;
    remember_authority(*urls);
    for (auto const& [id, c] : certificates_) {
        auto const url = renewal_url(*urls, c.authority_key, c.serial);
        if (url.empty() || stopping_) return;
        auto const window = parse_renewal_window(ask(s, {call::kind::get, url, {}}).body);
        if (!window) continue;
        // The same place each time.
        auto const dice = static_cast<unsigned char>(c.serial.back()) / 255.0;
        std::lock_guard const hold{lock_};
        suggested_[id] = moment_in(*window, dice);
    }
}

void office::remember_authority(service_urls const& urls)
{
    std::lock_guard const hold{lock_};
    if (!urls.new_order.empty()) authority_names_ = urls.caa_identities;
}

wall_time office::renewal_of_certificate(std::string const& id, net::certificate_summary const& c) const
{
    auto const own = renewal_time(c);
    auto const suggested = suggested_.find(id);
    return suggested == suggested_.end() ? own : std::min(own, suggested->second);
}

void office::find_our_addresses(config::settings const& s)
{
    our_addresses_.clear();
    for (auto const& name : {s.hostname, public_host(s)}) {
        auto const found = escort::ask_for_addresses(options_.make_resolver, name, stopping_);
        our_addresses_.insert(found.v4.begin(), found.v4.end());
        our_addresses_.insert(found.v6.begin(), found.v6.end());
    }
}

office::leads office::where_leads(std::string const& name, std::string& why) const
{
    if (our_addresses_.empty()) {
        why = "the DNS has no address of this server's own name";
        return leads::unknown;
    }
    auto const found = escort::ask_for_addresses(options_.make_resolver, name, stopping_);
    if (found.what == dns::finding::no_such_name || found.what == dns::finding::no_data) {
        why = "the DNS has no address of it";
        return leads::elsewhere;
    }
    if (found.what != dns::finding::found) {
        why = found.problem;
        return leads::unknown;
    }
    for (auto const* list : {&found.v4, &found.v6}) {
        for (auto const& a : *list) {
            if (our_addresses_.contains(a)) return leads::here;
            if (why.empty()) why = "it leads to " + a.to_string();
        }
    }
    return leads::elsewhere;
}

std::vector<std::string> office::names_for(group const& g, bool all_anew)
{
    std::vector<std::string> has;
    std::map<std::string, wall_time> refused;
    {
        std::lock_guard const hold{lock_};
        if (auto const found = certificates_.find(g.id); found != certificates_.end()) has = found->second.names;
        refused = refused_;
    }
    std::vector<std::string> wanted;
    for (auto const& name : g.names) {
        if (stopping_) break;
        bool const in_it = std::ranges::find(has, name) != has.end();
        if (auto const r = refused.find(name); r != refused.end() && r->second > wall_clock::now()) continue;
        std::string why;
        if (!g.ours_for_sure && !(in_it && !all_anew)) {
            auto const where = where_leads(name, why);
            // What is there is kept where nobody knows better.
            if (where == leads::elsewhere || (where == leads::unknown && !in_it)) {
                leave_out(name, why);
                continue;
            }
        }
        leave_out(name, {});
        wanted.push_back(name);
    }
    return wanted;
}

void office::leave_out(std::string const& name, std::string const& why)
{
    std::lock_guard const hold{lock_};
    if (why.empty()) {
        left_out_.erase(name);
        return;
    }
    auto& known = left_out_[name];
    if (known == why) return;
    known = why;
    log::event(log::level::info, "certificate_name_left_out", {{"name", name}, {"problem", why}});
}

bool office::is_due(planned const& p, wall_time now) const
{
    if (forced_.contains(p.what.id)) return true;
    if (all_not_before_ > now) return false;
    if (auto const a = attempts_.find(p.what.id); a != attempts_.end() && a->second.not_before > now) return false;
    // None of its names led to us, until the next plan.
    if (p.looked_up && p.wanted.empty()) return false;
    auto const found = certificates_.find(p.what.id);
    if (found == certificates_.end() || renewal_of_certificate(p.what.id, found->second) <= now) return true;
    auto const& has = found->second.names;
    return p.looked_up &&
           std::ranges::any_of(p.wanted, [&](auto const& name) { return std::ranges::find(has, name) == has.end(); });
}

}  // namespace postern::acme
