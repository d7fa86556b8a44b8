// Ports: open, closed, or blocked, and by whom. A port that does not answer is looked at beside
// the others, and beside the same ports of the control host.
#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.hpp"
#include "diagnose/judgement.hpp"

namespace postern::diagnose {
namespace {

constexpr std::array<std::uint16_t, 3> submission_ports{465, 587, 2525};

bool is(std::optional<door_state> s, door_state wanted) noexcept { return s && *s == wanted; }

std::string list_of(std::vector<door_seen> const& doors)
{
    std::string all;
    for (auto const& d : doors) {
        if (!all.empty()) all += ", ";
        all += d.at.to_string() + " " + std::string{name_of(d.state)};
        all += " (" + in_words(d.took) + ")";
    }
    return all;
}

/// The port that a person is sent to instead; nothing where none is open.
std::optional<std::uint16_t> other_open(observations const& o, std::uint16_t than)
{
    for (auto const port : submission_ports)
        if (port != than && is(state_of_port(o.doors, port), door_state::open)) return port;
    for (auto const& d : o.doors)
        if (d.at.port != than && d.state == door_state::open) return d.at.port;
    return std::nullopt;
}

bool is_local_name(std::string_view host)
{
    return host == "localhost" || host.find('.') == std::string_view::npos || host.ends_with(".localhost") ||
           host.ends_with(".local") || host.ends_with(".lan") || host.ends_with(".internal");
}

/// An address that a name of the public network should not have.
ip_address const* odd_address(observations const& o)
{
    if (ip_address::parse(o.person.host) || is_local_name(o.person.host)) return nullptr;
    for (auto const& a : o.names.v4)
        if (a.is_private() || a == ip_address{}) return &a;
    for (auto const& a : o.names.v6)
        if (a.is_private()) return &a;
    return nullptr;
}

}  // namespace

void judgement::judge_nothing_open()
{
    auto const evidence = list_of(o.doors);
    auto const all = [&](door_state s) {
        return std::all_of(o.doors.begin(), o.doors.end(), [&](auto const& d) { return d.state == s; });
    };
    auto const any = [&](door_state s) {
        return std::any_of(o.doors.begin(), o.doors.end(), [&](auto const& d) { return d.state == s; });
    };
    // A family that this machine does not have says nothing.
    auto const each_family_has = [&](door_state s) {
        bool said = false;
        for (bool const v4 : {true, false}) {
            bool speaks = false, has = false;
            for (auto const& d : o.doors) {
                if (d.at.address.is_v4() != v4 || d.state == door_state::unreachable) continue;
                speaks = true;
                has = has || d.state == s;
            }
            if (speaks && !has) return false;
            said = said || has;
        }
        return said;
    };
    auto const a_family_is_all = [&](door_state s) {
        for (bool const v4 : {true, false}) {
            auto const other = [&](auto const& d) { return d.at.address.is_v4() == v4 && d.state != s; };
            auto const one = [&](auto const& d) { return d.at.address.is_v4() == v4; };
            if (std::any_of(o.doors.begin(), o.doors.end(), one) && std::none_of(o.doors.begin(), o.doors.end(), other))
                return true;
        }
        return false;
    };
    auto const port = std::to_string(o.person.port.value_or(465));
    if (auto const* odd = odd_address(o)) {
        add(rules::server_address_private, severity::failure, step::dns,
            o.person.host + " has the address " + odd->to_string() +
                (o.names.any_name_answers ? ", as every other name" : "") + ", and no port is open there",
            {{"ip", odd->to_string()}});
    }
    // Where the machine itself says that no mail is taken there; else the way to it may be what is wrong.
    bool const answers = any(door_state::refused) || o.web_open;
    for (std::string_view const prefix : {"imap.", "pop.", "pop3.", "www.", "webmail."})
        if (o.person.host.starts_with(prefix))
            add(rules::server_name_of_other_service, answers ? severity::failure : severity::note, step::dns, evidence,
                {{"problem", "its name is that of another service"},
                 {"suggestion", "smtp." + o.person.host.substr(prefix.size())}});
    if (each_family_has(door_state::prohibited)) {
        auto& f = add(rules::firewall_rejects, severity::failure, step::connect, evidence, {{"port", port}});
        // The server's own router says the same when the server is off.
        bool const by_us = std::any_of(o.doors.begin(), o.doors.end(),
                                       [](auto const& d) { return d.error == EACCES || d.error == EPERM; });
        if (!by_us) f.sure = confidence::medium;
    } else if (all(door_state::unreachable)) {
        add(rules::network_unreachable, severity::failure, step::connect, evidence,
            {{"problem", "the network is unreachable"}});
    } else if (a_family_is_all(door_state::refused)) {
        auto& f = add(rules::connection_refused, severity::failure, step::connect, evidence);
        if (!all(door_state::refused)) f.sure = confidence::medium;
    } else if (any(door_state::absent) && !any(door_state::refused) && !any(door_state::filtered)) {
        add(rules::server_unreachable, severity::failure, step::connect,
            evidence + "; no machine has this address now: it is off, or the address is wrong")
            .sure = confidence::medium;
    } else {
        bool const control_open = std::any_of(o.control.doors.begin(), o.control.doors.end(), [](auto const& d) {
            return d.at.port != 25 && d.state == door_state::open;
        });
        bool const blocked = o.control.looked ? !control_open && answers : answers;
        auto& f = add(blocked ? rules::mail_ports_blocked : rules::server_unreachable, severity::failure, step::connect,
                      evidence +
                          (o.web_open    ? ", port 443 open"
                           : o.web_asked ? ", port 443 no answer"
                                         : "") +
                          (o.control.problem.empty() ? "" : "; " + o.control.problem));
        if (!o.control.looked) f.sure = confidence::medium;
    }
}

void judgement::judge_closed(std::uint16_t port)
{
    auto const state = *state_of_port(o.doors, port);
    auto const evidence = list_of(o.doors);
    auto const other = other_open(o, port);
    values const named{{"port", std::to_string(port)}, {"open", other ? std::to_string(*other) : ""}};
    values const instead{{"port", other ? std::to_string(*other) : ""}};
    if (state == door_state::prohibited) {
        add(rules::firewall_rejects, severity::failure, step::connect, evidence, named);
        return;
    }
    auto const of_control = state_of_port(o.control.doors, port);
    bool const only_here = is(of_control, door_state::open);
    if (state != door_state::filtered || only_here) {
        add(rules::port_closed, severity::failure, step::connect, evidence, named);
        return;
    }
    auto const sure = is(of_control, door_state::filtered) ? confidence::high : confidence::medium;
    // Other servers' port 25 is open to everybody: the network is in the way, or it is not.
    auto const elsewhere = state_of_port(o.exchangers, 25);
    if (port == 25 && is(elsewhere, door_state::open)) {
        add(rules::port_closed, severity::failure, step::connect,
            evidence + "; from here port 25 of " + o.exchangers.back().at.to_string() + ", a mail exchanger, is open",
            named);
    } else if (port == 25) {
        bool const cloud = !o.cloud.empty();
        add(cloud ? rules::cloud_blocks_port_25 : rules::port_25_blocked, severity::failure, step::connect,
            evidence + (cloud ? ", on a machine of " + o.cloud : "") +
                (elsewhere ? "; nor does port 25 of other mail servers answer: " + list_of(o.exchangers) : ""),
            instead)
            .sure = is(elsewhere, door_state::filtered) ? confidence::high : sure;
    } else if (port == 587 && is(state_of_port(o.doors, 465), door_state::open)) {
        add(rules::port_587_blocked, severity::failure, step::connect, evidence, named).sure = sure;
    } else if (port == 465) {
        add(rules::port_465_blocked, severity::failure, step::connect, evidence, instead).sure = sure;
    } else {
        add(rules::port_closed, severity::failure, step::connect, evidence, named).sure = confidence::medium;
    }
}

void judgement::judge_families()
{
    if (o.names.v4.empty() || o.names.v6.empty()) return;
    for (auto const& d : o.doors) {
        if (d.state == door_state::open || d.state == door_state::unreachable) continue;
        // This machine's own names have both families, and its servers mostly one.
        if (!is_own(o.person, d.at.port) || d.at.address.is_loopback()) continue;
        bool const v4 = d.at.address.is_v4();
        if (!is(state_of_port(o.doors, d.at.port, !v4), door_state::open)) continue;
        if (is(state_of_port(o.doors, d.at.port, v4), door_state::open)) continue;
        auto const evidence = d.at.to_string() + " " + std::string{name_of(d.state)};
        if (d.state == door_state::refused) {
            add(rules::refused_by_one_family, severity::warning, step::connect, evidence,
                {{"family", v4 ? "IPv4" : "IPv6"}});
        } else if (!v4) {
            add(rules::ipv6_broken, severity::warning, step::connect, evidence);
        }
    }
}

void judgement::judge_doors()
{
    if (o.portal.redirected)
        add(rules::captive_portal, o.talk() == nullptr ? severity::failure : severity::note, step::connect,
            o.portal.evidence)
            .sure = confidence::medium;
    if (o.doors.empty()) return;
    if (std::none_of(o.doors.begin(), o.doors.end(), [](auto const& d) { return d.state == door_state::open; })) {
        judge_nothing_open();
        return;
    }
    judge_families();
    std::optional<std::uint16_t> asked = o.person.port;
    if (!asked && o.person.way) asked = *o.person.way == tls_way::implicit ? 465 : 587;
    if (asked) {
        auto const state = state_of_port(o.doors, *asked);
        if (state && *state != door_state::open) judge_closed(*asked);
        return;
    }
    auto const on_25 = state_of_port(o.doors, 25), on_465 = state_of_port(o.doors, 465),
               on_587 = state_of_port(o.doors, 587);
    auto const evidence = list_of(o.doors);
    if (is(on_465, door_state::filtered) && is(on_587, door_state::filtered) && is(on_25, door_state::open)) {
        add(rules::mail_ports_blocked, severity::failure, step::connect, evidence).sure = confidence::medium;
        return;
    }
    if (is(on_25, door_state::filtered)) {
        auto const other = other_open(o, 25);
        add(rules::port_25_blocked, severity::note, step::connect, evidence,
            {{"port", other ? std::to_string(*other) : ""}});
    }
    if (is(on_587, door_state::filtered) && is(on_465, door_state::open))
        add(rules::port_587_blocked, severity::warning, step::connect, evidence);
    if (is(on_465, door_state::filtered) && is(on_587, door_state::open))
        add(rules::port_465_blocked, severity::warning, step::connect, evidence, {{"port", "587"}});
}

void judgement::judge_names()
{
    auto const& n = o.names;
    if (!n.looked) return;
    if (n.what == dns::finding::found || !n.v4.empty() || !n.v6.empty()) {
        bool const nowhere = std::find(n.v4.begin(), n.v4.end(), ip_address{}) != n.v4.end();
        auto const* odd = odd_address(o);
        if (nowhere || (odd != nullptr && n.any_name_answers))
            add(rules::server_address_private, severity::failure, step::dns,
                o.person.host + " has the address " + (odd != nullptr ? *odd : ip_address{}).to_string() +
                    (n.any_name_answers ? ", as every other name has" : ""),
                {{"ip", (odd != nullptr ? *odd : ip_address{}).to_string()}});
        return;
    }
    std::string near;
    for (auto const& one : n.neighbours) near += (near.empty() ? "" : ", ") + one.name;
    values const named{{"suggestion", near.empty() ? "nothing" : near}, {"problem", n.problem}};
    std::string const evidence = n.problem + (near.empty() ? "" : "; there are " + near);
    if (n.what == dns::finding::no_such_name) {
        add(rules::server_name_unknown, severity::failure, step::dns, evidence, named);
    } else if (n.what == dns::finding::no_data) {
        add(rules::server_without_address, severity::failure, step::dns, evidence, named);
    } else if (n.timed_out && n.others_time_out) {
        add(rules::dns_silent, severity::failure, step::dns, evidence + "; nor for any other name");
    } else {
        add(rules::server_lookup_failed, severity::failure, step::dns, evidence);
    }
}

}  // namespace postern::diagnose
