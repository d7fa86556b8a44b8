// Where connections are taken: the smtpd services of master.cf.
#include <algorithm>

#include "base/ip.hpp"
#include "base/numbers.hpp"
#include "config/values.hpp"
#include "moving/planner.hpp"

namespace postern::moving {
namespace {

constexpr unsigned side_by_side_distance = 2000;

std::optional<unsigned> port_of(std::string_view word)
{
    if (word == "smtp") return 25;
    if (word == "smtps" || word == "submissions") return 465;
    if (word == "submission") return 587;
    return parse_number<unsigned>(word, 65535);
}

// "smtp", "127.0.0.1:10025", "[::1]:smtp" -> host and port
std::pair<std::string, std::string> host_and_port(std::string const& name)
{
    auto const colon = name.rfind(':');
    if (colon == std::string::npos) return {"", name};
    auto host = name.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return {host, name.substr(colon + 1)};
}

// The hosts to listen on, as a listener's address has them: "", "127.0.0.1", "[::1]".
std::vector<std::string> hosts(planner& p, std::string const& of_service, std::span<parameter const> overrides)
{
    auto& main = p.main();
    auto const protocols = main.take("inet_protocols", overrides);
    bool const v4 = protocols.find("ipv4") != std::string::npos || protocols.find("all") != std::string::npos;
    bool const v6 = protocols.find("ipv6") != std::string::npos || protocols.find("all") != std::string::npos;
    std::vector<std::string> list;
    auto const add = [&](std::string const& text) {
        if (auto const a = ip_address::parse(text)) list.push_back(a->is_v4() ? text : '[' + text + ']');
    };
    if (!of_service.empty()) {
        if (of_service == "localhost") {
            if (v4) list.emplace_back("127.0.0.1");
            if (v6) list.emplace_back("[::1]");
        }
        add(of_service);
        return list;
    }
    for (auto const& word : words(main.take("inet_interfaces", overrides))) {
        if (word == "all") {
            list.emplace_back(v4 && v6 ? "" : v4 ? "0.0.0.0" : "[::]");
        } else if (word == "loopback-only" || word == "localhost") {
            if (v4) list.emplace_back("127.0.0.1");
            if (v6) list.emplace_back("[::1]");
        } else if (ip_address::parse(word) || (word.starts_with('[') && word.ends_with(']'))) {
            add(word.starts_with('[') ? word.substr(1, word.size() - 2) : word);
        } else {
            p.tell_parameter(weight::act, "inet_interfaces",
                             "\"" + word + "\" is a name; put its address into the [[listener]] tables.");
        }
    }
    return list;
}

// Does some list of restrictions end in turning away whoever has not logged in?
bool only_for_logins(main_cf const& main, std::span<parameter const> overrides)
{
    for (std::string_view const name : {"smtpd_client_restrictions", "smtpd_relay_restrictions",
                                        "smtpd_recipient_restrictions", "smtpd_sender_restrictions"}) {
        auto const list = words(main.value(name, overrides));
        if (!list.empty() && list.back() == "reject" &&
            std::find(list.begin(), list.end(), "permit_sasl_authenticated") != list.end())
            return true;
    }
    return false;
}

class listeners {
public:
    explicit listeners(planner& p) : p_(p) {}

    void add(service const& s)
    {
        auto& main = p_.main();
        auto const [host, port_word] = host_and_port(s.name);
        auto const port = port_of(port_word);
        auto const at = s.at.to_string() + ": " + s.name + " inet ... " + s.command;
        if (!port) {
            p_.out.tell(weight::act, s.at, s.name, s.command,
                        "No port is known by this name; add a [[listener]] for it.");
            return;
        }
        auto const where = hosts(p_, host, s.overrides);
        bool const loopback = !where.empty() && std::all_of(where.begin(), where.end(), [](auto const& h) {
            return h.starts_with("127.") || h == "[::1]";
        });
        bool const wrapped = is_yes(main.take("smtpd_tls_wrappermode", s.overrides));
        bool const auth = is_yes(main.take("smtpd_sasl_auth_enable", s.overrides));
        bool const filtered = !main.value("content_filter").empty() && loopback && *port != 25;
        if (filtered && !auth) {
            p_.out.tell(weight::lost, s.at, s.name, s.command,
                        "The way back from the content filter, which Postern has none of. See content_filter.");
            return;
        }
        bool const submission = *port == 587 || *port == 465 || (auth && only_for_logins(main, s.overrides));
        if (p_.wish.submission_only && !submission) return;
        auto const level = main.value("smtpd_tls_security_level", s.overrides);
        if (submission && !wrapped && level != "encrypt" && !is_yes(main.value("smtpd_tls_auth_only", s.overrides)))
            clear_logins_ = true;
        if (submission && !auth)
            p_.out.tell(weight::differs, s.at, s.name, "smtpd_sasl_auth_enable is not on",
                        "Postern takes mail there from those who log in, and from relay.networks.");
        for (auto const& h : where) {
            unsigned const shown = *port + (p_.wish.side_by_side ? side_by_side_distance : 0);
            if (shown > 65535) continue;
            auto const address = h + ':' + std::to_string(shown);
            if (std::find(taken_.begin(), taken_.end(), address) != taken_.end()) continue;
            taken_.push_back(address);
            row r{"listener", at, {}};
            r.set("address", config::quote(address),
                  p_.wish.side_by_side ? "port " + std::to_string(*port) + " in the end" : std::string{});
            r.set("role", submission ? "\"submission\"" : "\"mx\"");
            r.set("tls", wrapped ? "\"implicit\"" : "\"starttls\"");
            if (is_yes(main.take("broken_sasl_auth_clients", s.overrides)) && auth)
                r.set("auth_equals", "true", p_.origin("broken_sasl_auth_clients"));
            p_.out.rows.push_back(std::move(r));
        }
        if (level == "none" && !wrapped)
            p_.out.tell(weight::differs, s.at, s.name, "smtpd_tls_security_level = none",
                        "Postern offers STARTTLS there, too. tls = \"none\" in its [[listener]] switches it off.");
        if (!main.take("smtpd_upstream_proxy_protocol", s.overrides).empty())
            p_.out.tell(weight::act, s.at, s.name, "smtpd_upstream_proxy_protocol",
                        "Name the proxies' addresses in proxy_networks of its [[listener]].");
        tell_overrides(s);
    }

    bool clear_logins() const { return clear_logins_; }
    bool none() const { return taken_.empty(); }

private:
    // What a service sets for itself and nothing here or in plan_access.cpp reads.
    void tell_overrides(service const& s)
    {
        for (auto const& o : s.overrides) {
            constexpr std::string_view read[] = {"smtpd_tls_wrappermode",
                                                 "smtpd_sasl_auth_enable",
                                                 "smtpd_tls_security_level",
                                                 "broken_sasl_auth_clients",
                                                 "smtpd_client_restrictions",
                                                 "smtpd_relay_restrictions",
                                                 "smtpd_sender_restrictions",
                                                 "smtpd_recipient_restrictions",
                                                 "smtpd_helo_restrictions",
                                                 "smtpd_tls_auth_only",
                                                 "smtpd_upstream_proxy_protocol",
                                                 "inet_interfaces",
                                                 "inet_protocols",
                                                 "smtpd_sasl_type",
                                                 "smtpd_sasl_path",
                                                 "smtpd_sender_login_maps",
                                                 "syslog_name",
                                                 "smtpd_data_restrictions",
                                                 "smtpd_end_of_data_restrictions"};
            if (std::find(std::begin(read), std::end(read), o.name) != std::end(read)) continue;
            auto const value = blanked(o.name, o.value);
            if (o.name == "milter_macro_daemon_name" || o.name == "smtpd_reject_unlisted_recipient" ||
                o.name == "cleanup_service_name")
                p_.out.tell(weight::fine, o.at, s.name + " -o " + o.name, value, "Means nothing to Postern.");
            else
                p_.out.tell(weight::lost, o.at, s.name + " -o " + o.name, value,
                            "Set for this service only. Postern's listeners differ in role, tls, mechanisms and the "
                            "like, see [[listener]] in the configuration.");
        }
    }

    planner& p_;
    std::vector<std::string> taken_;
    bool clear_logins_ = false;
};

}  // namespace

void plan_listeners(planner& p)
{
    if (!p.has_postfix()) return;
    listeners all{p};
    bool postscreen = false;
    for (auto const& s : p.from.postfix->services) {
        if (s.type != "inet" && s.type != "pass") continue;
        if (s.command == "postscreen") {
            postscreen = true;
            if (!p.wish.submission_only)
                p.out.tell(weight::lost, s.at, s.name, "postscreen",
                           "Postern has no greet delay and asks no blocklists. It slows and refuses those who guess at "
                           "passwords, and limits connections per address.");
        }
        if (s.command == "smtpd" && s.type == "pass" && !postscreen) continue;
        if (s.command == "smtpd" && s.type == "pass") continue;
        if (s.command == "smtpd" || s.command == "postscreen") all.add(s);
    }
    p.submission_tls_only = !all.clear_logins();
    if (!p.from.postfix->has_services)
        p.out.tell(weight::act, {p.from.postfix->master_file, 0}, "master.cf", "",
                   "Was not given, so there is no [[listener]]: Postern then listens on 25, 465 and 587. With "
                   "`postconf -n`, give the output of `postconf -M`, too.");
    else if (all.none())
        p.out.tell(
            weight::act, {p.from.postfix->master_file, 0}, "master.cf", "",
            p.wish.submission_only
                ? "It has no service for mail programs (submission, smtps), so there is no [[listener]]: Postern "
                  "then listens on 25, 465 and 587. Remove or add tables as you need them."
                : "It has no service that takes mail (smtpd), so there is no [[listener]]: Postern then listens "
                  "on 25, 465 and 587.");
    bool const submission = std::any_of(p.out.rows.begin(), p.out.rows.end(), [](auto const& r) {
        return r.list == "listener" && r.find("role")->toml == "\"submission\"";
    });
    if (!all.none() && !submission)
        p.out.tell(weight::act, {p.from.postfix->master_file, 0}, "submission, smtps", "",
                   "Postfix has no service of its own for mail programs, they use port 25. Add these where they should "
                   "be:\n[[listener]]\naddress = \":465\"\ntls = \"implicit\"\n[[listener]]\naddress = \":587\"");
}

}  // namespace postern::moving
