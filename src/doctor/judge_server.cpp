// The machine, the running server, its queue and back ends, and the configuration.
#include <algorithm>

#include "base/text.hpp"
#include "doctor/judge.hpp"
#include "doctor/words.hpp"

namespace postern::doctor {
namespace rules = catalogue::rules;
namespace {

constexpr std::chrono::seconds clock_tolerance{5};
constexpr std::chrono::hours old_mail{4};
// What the server has open besides connections of clients: files, the spool, deliveries, back ends.
constexpr std::uint64_t other_descriptors = 200;

void judge_clock(facts const& f, report& r)
{
    auto const& m = f.machine;
    if (m.clock_ahead) {
        auto const off = m.clock_ahead->count() < 0 ? -*m.clock_ahead : *m.clock_ahead;
        auto const how =
            readable(off) + (m.clock_ahead->count() < 0 ? " (behind " : " (ahead of ") + m.clock_from + ')';
        if (off > clock_tolerance) {
            r.add({area::clock,
                   severity::failure,
                   &rules::own_clock_wrong,
                   {{"time", how}},
                   {"timedatectl set-ntp true"}});
        } else {
            r.good(area::clock, "the clock is right within " + readable(off) + ", says " + m.clock_from);
        }
    }
    if (!m.clock_kept) return;
    if (*m.clock_kept) {
        r.good(area::clock, "a time service keeps the clock right");
    } else {
        r.add({area::clock, severity::hint, &rules::own_clock_unsynchronised, {}, {"timedatectl set-ntp true"}});
    }
}

void judge_space(facts const& f, report& r)
{
    auto const& m = f.machine;
    auto const folder = f.settings.data_dir.string();
    if (m.disk_free && m.disk_size) {
        // Below free_space mail is refused already.
        auto const floor = f.settings.limits.free_space;
        bool const full = *m.disk_free <= floor;
        bool const low = *m.disk_free <= std::max(4 * floor, *m.disk_size / 20);
        if (full || low) {
            r.add({area::disk,
                   full ? severity::failure : severity::warning,
                   &rules::own_disk_nearly_full,
                   {{"folder", folder}, {"free", readable_octets(*m.disk_free)}},
                   {}});
        } else {
            r.good(area::disk, folder + " has " + readable_octets(*m.disk_free) + " left");
        }
    }
    if (m.inodes_free && m.inodes && *m.inodes != 0) {
        if (*m.inodes_free < *m.inodes / 20) {
            r.add({area::disk,
                   severity::warning,
                   &rules::own_disk_nearly_full,
                   {{"folder", folder}, {"free", std::to_string(*m.inodes_free) + " files (inodes)"}},
                   {}});
        } else {
            r.good(area::disk, folder + " has room for " + std::to_string(*m.inodes_free) + " files more");
        }
    }
}

void judge_permissions(facts const& f, report& r)
{
    bool well = true;
    for (auto const& file : f.machine.secrets) {
        if (!file.others_read && !file.others_write) continue;
        well = false;
        auto const path = file.path.string();
        auto const change = (file.path == f.settings.data_dir ? "chmod 0700 " : "chmod 0600 ") + path;
        r.add({area::permissions,
               severity::failure,
               &rules::own_rights_too_wide,
               {{"file", path}, {"record", change}},
               {change}});
    }
    if (well && !f.machine.secrets.empty()) r.good(area::permissions, "nobody else can read the data and the keys");
}

void judge_descriptors(facts const& f, report& r)
{
    if (!f.server.descriptor_limit) return;
    auto const limit = *f.server.descriptor_limit;
    auto const& s = f.settings;
    auto const needed = s.limits.connections + s.delivery.concurrency + other_descriptors;
    if (limit < needed) {
        r.add({area::descriptors,
               severity::warning,
               &rules::own_few_file_descriptors,
               {{"limit", std::to_string(limit)}, {"needed", std::to_string(needed)}},
               {"[Service]", "LimitNOFILE=" + std::to_string(needed)}});
        return;
    }
    r.good(area::descriptors,
           "the server may open " + std::to_string(limit) + " files, and needs " + std::to_string(needed) + " at most");
}

/// Nobody answers, whoever it is: then it is not they who are down.
bool port_25_is_blocked(std::vector<destination_facts> const& queue)
{
    constexpr std::size_t enough = 3;
    std::size_t silent = 0;
    for (auto const& d : queue) {
        if (d.last_reply.find("no answer in time") == std::string::npos) return false;
        ++silent;
    }
    return silent >= enough;
}

void judge_queue(facts const& f, report& r)
{
    if (!f.queue) return;
    if (f.settings.delivery.smart_host.empty() && port_25_is_blocked(*f.queue))
        r.add({area::queue, severity::failure, &rules::own_port_25_blocked, {}, {"[[smart_host]]"}});
    destination_facts const* oldest = nullptr;
    std::uint64_t waiting = 0;
    for (auto const& d : *f.queue) {
        if (!d.oldest || f.now - *d.oldest < old_mail) continue;
        waiting += d.recipients;
        if (oldest == nullptr || *d.oldest < *oldest->oldest) oldest = &d;
    }
    if (oldest == nullptr) {
        r.good(area::queue, "no mail has waited for more than " + readable(old_mail));
        return;
    }
    auto domain = oldest->domain;
    if (!oldest->last_reply.empty()) domain += ", whose server said `" + oldest->last_reply + '`';
    r.add({area::queue,
           severity::warning,
           &rules::own_queue_old,
           {{"count", std::to_string(waiting)}, {"time", readable(old_mail)}, {"domain", domain}},
           {"postern queue destinations"}});
}

}  // namespace

void judge_machine(facts const& f, report& r)
{
    judge_clock(f, r);
    judge_space(f, r);
    judge_permissions(f, r);
}

void judge_server(facts const& f, report& r)
{
    if (!f.server.running) {
        r.add({area::server, severity::failure, &rules::own_server_not_running, {}, {"systemctl start postern"}});
    } else {
        r.good(area::server, "the server runs");
        for (auto const& h : f.server.helpers) {
            if (h.up) {
                r.good(area::back_ends, h.kind + ' ' + h.name + " answers");
            } else {
                r.add({area::back_ends,
                       severity::failure,
                       &rules::own_back_end_down,
                       {{"name", h.name}, {"problem", h.detail}},
                       {}});
            }
        }
    }
    judge_descriptors(f, r);
    judge_queue(f, r);
}

void judge_configuration(facts const& f, report& r)
{
    std::size_t odd = 0;
    for (auto const& text : config::warnings(f.settings, f.machine.gateways)) {
        ++odd;
        auto const colon = text.find(": ");
        auto const said = colon == std::string::npos ? text : text.substr(colon + 2);
        auto const listed = [&](std::string_view key) { return text.starts_with(std::string{key} + " has "); };
        // "relay.networks has 0.0.0.0/0: ..."
        auto const network = [&](std::string_view key) {
            auto const from = key.size() + 5;
            return text.substr(from, colon - from);
        };
        if (listed("relay.networks")) {
            r.add({area::relay,
                   severity::failure,
                   &rules::own_networks_too_wide,
                   {{"network", network("relay.networks")}, {"problem", "too wide: " + said}},
                   {}});
        } else if (listed("auth.plaintext_networks")) {
            r.add({area::configuration,
                   severity::warning,
                   &rules::own_plaintext_networks,
                   {{"network", network("auth.plaintext_networks")}},
                   {}});
        } else {
            r.add({area::configuration, severity::warning, &rules::own_configuration_odd, {{"problem", text}}, {}});
        }
    }
    if (odd == 0) r.good(area::configuration, "the configuration has nothing dangerous in it");
}

}  // namespace postern::doctor
