// The ways out: relayhost, transport_maps and sender_dependent_relayhost_maps as [[route]]s, and
// what smtp_sasl_password_maps has for them as [[smart_host]]s. Passwords are not copied: a
// command brings each from Postfix's table into a file of its own.
#include <algorithm>
#include <map>

#include "base/ip.hpp"
#include "base/numbers.hpp"
#include "base/text.hpp"
#include "config/values.hpp"
#include "mail/address.hpp"
#include "moving/planner.hpp"

namespace postern::moving {
namespace {

constexpr std::size_t most_routes = 200;  // a configuration takes 256 of a list

struct next_hop {
    std::string address;  // "host:port"
    std::string host;
    bool exact = false;  // in brackets: no MX
};

// "[smtp.example.net]:587", "example.net", "[2001:db8::1]:submission"
std::optional<next_hop> read_next_hop(std::string_view text)
{
    next_hop hop;
    std::string host{trimmed(text)};
    std::string port = "25";
    auto const end = host.find(']');
    auto const colon = host.rfind(':');
    if (colon != std::string::npos && (end == std::string::npos || colon > end)) {
        port = host.substr(colon + 1);
        host = host.substr(0, colon);
    }
    hop.exact = host.starts_with('[') && host.ends_with(']');
    if (hop.exact) host = host.substr(1, host.size() - 2);
    hop.host = host;
    if (auto const a = ip_address::parse(host); a && !a->is_v4()) host = '[' + host + ']';
    if (port == "submission") port = "587";
    if (port == "smtp") port = "25";
    if (port == "smtps" || port == "submissions") port = "465";
    hop.address = host + ':' + port;
    if (!config::is_host_and_port(hop.address)) return std::nullopt;
    return hop;
}

std::string without_brackets(std::string_view mx)
{
    return "Without brackets Postfix asks for the MX of " + std::string(mx) +
           "; Postern connects to the name itself. Put the relay's host name there.";
}

// Servers that mail is handed on to, and their log-ins.
class relays {
public:
    explicit relays(planner& p) : p_(p)
    {
        auto& main = p.main();
        wrapped_ = is_yes(main.value("smtp_tls_wrappermode"));
        by_sender_ = is_yes(main.take("smtp_sender_dependent_authentication"));
        if (!is_yes(main.take("smtp_sasl_auth_enable"))) return;
        table_ = main.take("smtp_sasl_password_maps");
        auto rows =
            p.rows_of(table_, "smtp_sasl_password_maps",
                      "Write a [[smart_host]] with the user and a password_file for each server that wants a login.");
        if (rows) passwords_ = std::move(*rows);
    }

    /// "smart_host:NAME" where there is a login for it, else "smtp:HOST:PORT".
    std::string way_to(next_hop const& hop, std::string const& written, std::string const& from)
    {
        if (auto const known = ways_.find(hop.address); known != ways_.end()) return known->second;
        auto const* const found = password_for(hop, written);
        std::string way = "smtp:" + hop.address;
        if (found != nullptr) way = "smart_host:" + add_smart_host(hop, *found, from);
        return ways_.emplace(hop.address, way).first->second;
    }

private:
    table_row const* find(std::string_view key) const
    {
        auto const at = std::find_if(passwords_.begin(), passwords_.end(), [&](auto const& r) { return r.key == key; });
        return at == passwords_.end() ? nullptr : &*at;
    }

    // As Postfix looks it up: the next hop as written, then the host alone.
    table_row const* password_for(next_hop const& hop, std::string const& written) const
    {
        if (auto const* const r = find(written)) return r;
        if (auto const* const r = find('[' + hop.host + ']')) return r;
        return find(hop.host);
    }

    // Of "user:password".
    static std::string user_of(table_row const& r) { return r.value.substr(0, r.value.find(':')); }

    // The command that brings a password over; the file that it is in then.
    std::string password_file(std::string const& name, table_row const& r)
    {
        std::string const file = "/etc/postern/" + name + ".password";
        p_.out.commands.push_back("(umask 077; postmap -q " + shell_word(r.key) + ' ' + shell_word(table_) +
                                  " | cut -d: -f2- >" + shell_word(file) + ") && chown postern " + shell_word(file));
        return file;
    }

    std::string add_smart_host(next_hop const& hop, table_row const& found, std::string const& from)
    {
        std::string name = "relay";
        if (count_++ != 0) name += std::to_string(count_);
        row host{"smart_host", from + "; " + p_.origin("smtp_sasl_password_maps"), {}};
        host.set("name", config::quote(name));
        host.set("address", config::quote(hop.address));
        bool const implicit = wrapped_ || hop.address.ends_with(":465");
        host.set("tls", implicit ? "\"implicit\"" : "\"starttls\"",
                 "Postern logs in only under TLS, and only where the certificate is good for this name.");
        host.set("user", config::quote(user_of(found)));
        host.set("password_file", config::quote(password_file(name, found)),
                 "One of the commands that belong to this configuration fills it.");
        if (auto const logins = by_sender_ ? logins_of(name) : std::string{}; !logins.empty())
            host.set("logins", logins);
        p_.out.rows.push_back(std::move(host));
        return name;
    }

    // smtp_sender_dependent_authentication: rows whose key is a sender.
    std::string logins_of(std::string const& name)
    {
        std::string out;
        for (auto const& r : passwords_) {
            auto const at = r.key.find('@');
            if (at == std::string::npos) continue;
            std::string const file = password_file(name + '-' + r.key.substr(at == 0 ? 1 : 0), r);
            if (!out.empty()) out += ", ";
            out += "{ senders = [" + config::quote(r.key) + "], user = " + config::quote(user_of(r)) +
                   ", password_file = " + config::quote(file) + " }";
        }
        return out.empty() ? out : '[' + out + ']';
    }

    planner& p_;
    std::string table_;
    std::vector<table_row> passwords_;
    std::map<std::string, std::string> ways_;
    unsigned count_ = 0;
    bool wrapped_ = false, by_sender_ = false;
};

void relayhost(planner& p, relays& all)
{
    auto& main = p.main();
    auto const value = main.take("relayhost");
    if (value.empty()) return;
    auto const hosts = words(value);
    auto const hop = read_next_hop(hosts.front());
    if (!hop) {
        p.tell_parameter(weight::act, "relayhost", "Is no host that Postern understands; set delivery.smart_host.");
        return;
    }
    p.out.set("delivery.smart_host", config::quote(hop->address), p.origin("relayhost"));
    bool const logs_in = all.way_to(*hop, hosts.front(), p.origin("relayhost")).starts_with("smart_host:");
    if (!hop->exact) p.out.tell(weight::act, p.where("relayhost"), "relayhost", value, without_brackets(hop->host));
    if (hosts.size() > 1)
        p.out.tell(weight::differs, p.where("relayhost"), "relayhost", value, "Postern has one smart host, the first.");
    if (is_yes(main.value("smtp_tls_wrappermode")) && !logs_in && !hop->address.ends_with(":465"))
        p.tell_parameter(
            weight::act, "smtp_tls_wrappermode",
            "Postern speaks TLS from the start with smart hosts on port 465 only, or where a [[smart_host]] "
            "says tls = \"implicit\".");
    auto const level = main.value("smtp_tls_security_level");
    bool const strict = level == "secure" || level == "verify" || level == "fingerprint";
    if (level == "encrypt" || strict) p.out.set("delivery.require_tls", "true", p.origin("smtp_tls_security_level"));
    if (p.out.find("delivery.require_tls") != nullptr) main.mark("smtp_tls_security_level");
    if (level == "fingerprint")
        p.out.tell(weight::differs, p.where("smtp_tls_security_level"), "smtp_tls_security_level", level,
                   "Postern wants a certificate from an authority: `authorities` of a [[smart_host]].");
}

// As Postfix looks them up: whole addresses, then domains, then what is above them, then all.
int rank_of(std::string_view key)
{
    if (key == "*") return 3;
    if (key.find('@') != std::string_view::npos) return 0;
    return key.starts_with('.') ? 2 : 1;
}

struct transports {
    planner& p;
    relays& all;

    // What a row's transport is as `to` of a route; nothing: has no counterpart.
    std::optional<std::string> read(table_row const& r, std::string& text)
    {
        auto const colon = r.value.find(':');
        std::string const kind = r.value.substr(0, colon);
        std::string const rest =
            colon == std::string::npos ? std::string{} : std::string(trimmed(r.value.substr(colon + 1)));
        if (kind == "error" || kind == "retry") {
            if (kind == "retry") return std::nullopt;
            // Behind the status code, which our refusal has itself.
            auto const blank = rest.find(' ');
            bool const code = !rest.empty() && rest.front() >= '0' && rest.front() <= '9' && blank != std::string::npos;
            text = printable(code ? rest.substr(blank + 1) : rest, 200);
            return "refuse";
        }
        if (kind == "hold") return std::nullopt;
        if (kind == "lmtp" && rest.starts_with("unix:/")) return "lmtp:" + rest;
        if (kind == "lmtp") {
            auto const hop = read_next_hop(rest.starts_with("inet:") ? rest.substr(5) : rest);
            if (hop)
                return "lmtp:" + (hop->address.ends_with(":25") && rest.find(":25") == std::string::npos
                                      ? hop->address.substr(0, hop->address.size() - 2) + "24"
                                      : hop->address);
            return std::nullopt;
        }
        if (kind != "smtp" && kind != "relay" && !kind.empty()) return std::nullopt;
        if (rest.empty() && kind.empty()) return usual();
        if (rest.empty()) return "mx";
        auto const hop = read_next_hop(words(rest).empty() ? rest : words(rest).front());
        if (!hop) return std::nullopt;
        if (!hop->exact)
            p.out.tell(weight::act, {}, "transport_maps", r.key + ' ' + r.value, without_brackets(hop->host));
        return all.way_to(*hop, rest, p.origin("transport_maps"));
    }

    // ":" is the way that mail takes without the table.
    std::string usual()
    {
        auto const hosts = words(p.main().value("relayhost"));
        auto const hop = hosts.empty() ? std::nullopt : read_next_hop(hosts.front());
        return hop ? all.way_to(*hop, hosts.front(), p.origin("relayhost")) : "mx";
    }

    void plan()
    {
        auto const table = p.main().take("transport_maps");
        if (table.empty()) return;
        auto const tables = words(table);
        std::vector<table_row> rows;
        for (auto const& one : tables) {
            auto found = p.rows_of(one, "transport_maps", "Write [[route]]s for what is in there.");
            if (found) rows.insert(rows.end(), found->begin(), found->end());
        }
        std::stable_sort(rows.begin(), rows.end(), [](auto const& a, auto const& b) {
            auto const x = rank_of(a.key), y = rank_of(b.key);
            return x != y ? x < y : x == 2 && a.key.size() > b.key.size();
        });
        if (rows.size() > most_routes) {
            p.out.tell(
                weight::act, p.where("transport_maps"), "transport_maps", table,
                "Has more rows than Postern takes routes; only the first " + std::to_string(most_routes) +
                    " became one. Rows that go the same way can share one route: recipients = [\"...\", \"...\"].");
            rows.resize(most_routes);
        }
        for (auto const& r : rows) add(r);
    }

    void add(table_row const& r)
    {
        std::string text;
        auto const to = read(r, text);
        auto const below = r.key.starts_with('.');
        bool const known = r.key == "*" || (r.key.find('@') != std::string::npos
                                                ? mail::parse_mailbox(r.key).has_value()
                                                : mail::parse_domain(r.key.substr(below ? 1 : 0)).has_value());
        if (!to || !known) {
            p.out.tell(weight::act, p.where("transport_maps"), "transport_maps", r.key + ' ' + r.value,
                       known ? "Postern has no transport of that kind; write a [[route]] if there is another way."
                             : "Is no domain or address that Postern understands.");
            return;
        }
        row route{"route", p.origin("transport_maps"), {}};
        if (r.key != "*") route.set("recipients", toml_list({r.key}));
        route.set("to", config::quote(*to));
        if (!text.empty()) route.set("text", config::quote(text));
        p.out.rows.push_back(std::move(route));
    }
};

void by_sender(planner& p, relays& all)
{
    auto const table = p.main().take("sender_dependent_relayhost_maps");
    if (table.empty()) return;
    auto const rows =
        p.rows_of(table, "sender_dependent_relayhost_maps", "Write [[route]]s with `senders` for what is in there.");
    if (!rows) return;
    std::size_t routes = 0;
    // Whole addresses first, as Postfix looks them up.
    for (bool const whole : {true, false})
        for (auto const& r : *rows) {
            if (r.key.starts_with('@') == whole) continue;
            auto const hop = read_next_hop(r.value);
            if (!hop || r.key.find('@') == std::string::npos || routes++ >= most_routes) {
                p.out.tell(weight::act, p.where("sender_dependent_relayhost_maps"), "sender_dependent_relayhost_maps",
                           r.key + ' ' + r.value, "Was not taken over; write a [[route]] with `senders`.");
                continue;
            }
            row route{"route", p.origin("sender_dependent_relayhost_maps"), {}};
            route.set("senders", toml_list({r.key}));
            route.set("to", config::quote(all.way_to(*hop, r.value, p.origin("sender_dependent_relayhost_maps"))));
            p.out.rows.push_back(std::move(route));
        }
}

}  // namespace

void plan_relays(planner& p)
{
    relays all{p};
    // In this order: the recipient goes before the sender, as with Postfix.
    transports{p, all}.plan();
    by_sender(p, all);
    relayhost(p, all);
}

}  // namespace postern::moving
