// The table of options as text: a configuration to begin with, the values in force,
// the manual's page.
#include <algorithm>

#include "config/option.hpp"
#include "config/values.hpp"

namespace postern::config {
namespace {

// Words behind "# ", in lines that fit a terminal.
std::string comment(std::string_view text)
{
    constexpr std::size_t width = 92;
    std::string out, line;
    for (std::size_t at = 0; at < text.size();) {
        auto const end = std::min(text.find(' ', at), text.size());
        auto const word = text.substr(at, end - at);
        if (!line.empty() && line.size() + 1 + word.size() > width) {
            out += "# " + line + '\n';
            line.clear();
        }
        if (!line.empty()) line += ' ';
        line += word;
        at = end + 1;
    }
    return out + "# " + line + '\n';
}

template <class S>
void write_row(std::string& out, S const& row, std::string_view name, std::span<basic_option<S> const> known)
{
    out += "\n[[" + std::string(name) + "]]\n";
    S const usual{};
    for (auto const& o : known) {
        auto const value = o.write(row);
        // What has an example is rarely set.
        if (!o.example.empty() && value == o.write(usual)) continue;
        out += std::string(o.name) + " = " + value + '\n';
    }
}

// Sections in order; `each` writes one option.
template <class Each>
void walk(std::string& out, bool with_docs, settings const& s, Each each)
{
    for (auto const& part : sections()) {
        if (!part.name.empty()) {
            out += "\n";
            if (with_docs) out += comment(part.doc);
            out += '[' + std::string(part.name) + "]\n";
        }
        for (auto const& o : options())
            if (section_of(o.name) == part.name) each(o);
        if (part.name.empty()) {
            if (with_docs) {
                out += "\n# Where connections are taken; any number of these. With none, the three below.\n";
                for (auto const& o : listener_options())
                    out += comment(std::string(o.name) + ": " + std::string(o.doc));
            }
            for (auto const& l : s.listeners) write_row(out, l, "listener", listener_options());
        }
        if (part.name == "auth") {
            if (with_docs) {
                out += "\n# Further users, of other programs; any number of these [[backend]], asked in this order.\n";
                for (auto const& o : backend_options()) out += comment(std::string(o.name) + ": " + std::string(o.doc));
            }
            for (auto const& b : s.backends) write_row(out, b, "backend", backend_options());
            if (with_docs) {
                out += "\n# Where other mail servers ask about our accounts; any number of these [[auth_socket]].\n";
                for (auto const& o : auth_socket_options())
                    out += comment(std::string(o.name) + ": " + std::string(o.doc));
            }
            for (auto const& a : s.auth_sockets) write_row(out, a, "auth_socket", auth_socket_options());
        }
        if (part.name == "delivery") {
            if (with_docs) {
                out +=
                    "\n# Other ways for some of the mail; any number of these [[route]]. The first that fits is "
                    "taken.\n";
                for (auto const& o : route_options()) out += comment(std::string(o.name) + ": " + std::string(o.doc));
                out +=
                    "\n# Servers that take mail on its way, and how to log in there; any number of these "
                    "[[smart_host]].\n";
                for (auto const& o : smart_host_options())
                    out += comment(std::string(o.name) + ": " + std::string(o.doc));
            }
            for (auto const& route : s.routes) write_row(out, route, "route", route_options());
            for (auto const& host : s.smart_hosts) {
                write_row(out, host, "smart_host", smart_host_options());
                for (auto const& l : host.logins) write_row(out, l, "smart_host.logins", smart_host_login_options());
            }
        }
        if (part.name == "transport")
            for (auto const& t : s.tls_policy) write_row(out, t, "tls_policy", tls_rule_options());
        if (part.name == "mx") {
            if (with_docs) {
                out +=
                    "\n# Programs that judge and change mail before it is accepted; any number of these [[milter]].\n";
                for (auto const& o : milter_options()) out += comment(std::string(o.name) + ": " + std::string(o.doc));
            }
            for (auto const& m : s.milters) write_row(out, m, "milter", milter_options());
        }
        if (part.name == "tls")
            for (auto const& c : s.tls.more) write_row(out, c, "tls.certificates", certificate_options());
        if (part.name == "auth")
            for (auto const& c : s.auth.certificates)
                write_row(out, c, "auth.certificates", bound_certificate_options());
        if (part.name == "kerberos") {
            for (auto const& k : s.kerberos.realms) write_row(out, k, "kerberos.realms", kerberos_realm_options());
            for (auto const& k : s.kerberos.principals)
                write_row(out, k, "kerberos.principals", kerberos_principal_options());
        }
        if (part.name == "oauth")
            for (auto const& i : s.oauth.more) write_row(out, i, "oauth.issuers", issuer_options());
        if (part.name == "limits")
            for (auto const& l : s.limits.sending) write_row(out, l, "limits.sending", sending_options());
        if (part.name == "dkim")
            for (auto const& k : s.dkim.keys) write_row(out, k, "dkim.keys", dkim_key_options());
    }
}

settings usual_settings()
{
    settings s;
    s.listeners = default_listeners();
    return s;
}

template <class S>
void describe(std::string& out, basic_option<S> const& o, std::string const& name, std::string const& initial)
{
    out += "\n### `" + name + "`\n\n";
    out += std::string(o.doc) + "\n\n";
    out += "- Type: " + std::string(o.type) + '\n';
    if (!initial.empty()) out += "- Default: " + initial + '\n';
    if (!o.example.empty()) out += "- Example: `" + std::string(o.example) + "`\n";
    out += std::string("- A new value is taken up by: ") + (o.reload ? "a reload (SIGHUP)" : "a restart") + '\n';
    out += "- Since: " + std::string(o.since) + '\n';
}

}  // namespace

std::string default_text()
{
    std::string out =
        "# The configuration of Postern. Every key is optional; what stands here are the defaults.\n"
        "# After a change: `postern config check`, then reload (SIGHUP) or, where a key needs it, restart.\n";
    settings const usual = usual_settings();
    walk(out, true, usual, [&](option const& o) {
        out += '\n' + comment(o.doc);
        auto const value = o.write(usual);
        if (o.example.empty())
            out += std::string(last_part(o.name)) + " = " + value + '\n';
        else
            out += "# " + std::string(last_part(o.name)) + " = " + std::string(o.example) + '\n';
    });
    return out;
}

std::string to_toml(settings const& s)
{
    std::string out;
    walk(out, false, s, [&](option const& o) {
        // Only a made-up default has no written form: a host name can't be empty.
        if (o.name == "hostname" && s.hostname.empty()) return;
        out += std::string(last_part(o.name)) + " = " + o.write(s) + '\n';
    });
    return out;
}

std::string reference()
{
    std::string out =
        "# Configuration\n\n"
        "Postern reads one file in [TOML](https://toml.io): the one that `--config` names, else `$POSTERN_CONFIG`, "
        "else\n"
        "`./postern.toml`, else `/etc/postern/postern.toml`. Every key is optional, and every default is safe. A key "
        "that\n"
        "Postern does not know stops it, with the line and the nearest key that it knows.\n\n"
        "- `postern config default` prints a commented file with all defaults.\n"
        "- `postern config check` says what is wrong with a file, and what is allowed but dangerous.\n"
        "- `postern config show` prints the values in force.\n\n"
        "Sizes are a number of octets, or text such as `\"50 MiB\"` (KiB, MiB, GiB, TiB; KB, MB and GB count in "
        "thousands).\n"
        "Durations are a number of seconds, or text such as `\"100ms\"`, `\"30s\"`, `\"5m\"`, `\"1h 30m\"`, `\"2 "
        "days\"`.\n"
        "Networks are `\"192.0.2.0/24\"`, `\"2001:db8::/32\"` or a single address. Relative paths count from the "
        "file's\n"
        "folder.\n\n"
        "A reload (SIGHUP) that finds something wrong leaves the old values in force and says why.\n";
    settings const usual = usual_settings();
    for (auto const& part : sections()) {
        out += part.name.empty() ? "\n## Without a section\n\n" : "\n## [" + std::string(part.name) + "]\n\n";
        out += std::string(part.doc) + '\n';
        for (auto const& o : options()) {
            if (section_of(o.name) != part.name) continue;
            auto const value = o.write(usual);
            describe(out, o, std::string(o.name), o.name == "hostname" ? "the machine's name" : '`' + value + '`');
        }
        if (part.name.empty()) {
            out +=
                "\n## [[listener]]\n\nWhere connections are taken; any number of them. With none in the file, there "
                "are three:\n\n";
            out += "| address | role | tls |\n|---|---|---|\n";
            for (auto const& l : usual.listeners) {
                out += "| ";
                for (auto const& o : listener_options())
                    if (o.example.empty()) out += '`' + o.write(l) + "` | ";
                out.pop_back();
                out += '\n';
            }
            for (auto const& o : listener_options())
                describe(out, o, "listener." + std::string(o.name),
                         o.name == "address" ? std::string{} : '`' + o.write(listener{}) + '`');
        }
        if (part.name == "auth") {
            out +=
                "\n## [[backend]]\n\nUsers besides those of the embedded database, which is always asked first; any "
                "number of these, asked in\n"
                "the order of the file. The first that knows a name decides. [backends.md](backends.md) has an example "
                "of each.\n";
            for (auto const& o : backend_options())
                describe(out, o, "backend." + std::string(o.name),
                         o.example.empty() && o.name != "type" ? '`' + o.write(backend{}) + '`' : std::string{});
        }
        if (part.name == "auth") {
            out +=
                "\n## [[auth_socket]]\n\nSockets at which Postfix, Exim and Dovecot ask about our accounts, in "
                "Dovecot's "
                "protocols; any number,\nnone by default. [auth-socket.md](auth-socket.md) has an example for each "
                "of them.\n";
            for (auto const& o : auth_socket_options())
                describe(out, o, "auth_socket." + std::string(o.name),
                         o.example.empty() ? '`' + o.write(auth_socket{}) + '`' : std::string{});
        }
        if (part.name == "mx") {
            out +=
                "\n## [[milter]]\n\nPrograms that judge mail before it is accepted, and may change it: rspamd, "
                "OpenDKIM, "
                "ClamAV and others; any\nnumber, none by default, asked in the order of the file. "
                "[milters.md](milters.md) has examples.\n";
            for (auto const& o : milter_options())
                describe(out, o, "milter." + std::string(o.name),
                         o.example.empty() ? '`' + o.write(milter{}) + '`' : std::string{});
        }
        if (part.name == "tls") {
            out +=
                "\n## [[tls.certificates]]\n\nFurther certificates, any number: for other names (the client says by "
                "SNI which one it wants), or\n"
                "of another key type (RSA beside ECDSA) for the same name.\n";
            for (auto const& o : certificate_options()) describe(out, o, "tls.certificates." + std::string(o.name), {});
        }
        if (part.name == "auth") {
            out +=
                "\n## [[auth.certificates]]\n\nClients' certificates and the accounts that they are for, any number: "
                "for EXTERNAL, on listeners\nwith `client_certificates`.\n";
            for (auto const& o : bound_certificate_options())
                describe(out, o, "auth.certificates." + std::string(o.name), {});
        }
        if (part.name == "kerberos") {
            out +=
                "\n## [[kerberos.realms]]\n\nWhose accounts a realm's users are, any number: the principal "
                "`anna@REALM` "
                "is the account `anna@domain`.\nUsers of other realms, and principals with a `/`, are nobody here.\n";
            for (auto const& o : kerberos_realm_options())
                describe(out, o, "kerberos.realms." + std::string(o.name), {});
            out +=
                "\n## [[kerberos.principals]]\n\nThe accounts of single principals, any number; these go before the "
                "realms.\n";
            for (auto const& o : kerberos_principal_options())
                describe(out, o, "kerberos.principals." + std::string(o.name), {});
        }
        if (part.name == "oauth")
            out +=
                "\n## [[oauth.issuers]]\n\nFurther issuers, any number, each with the keys of `[oauth]`, which is the "
                "first one. A token goes to the\none that it names, an opaque one to each that is asked about such, in "
                "this order, until one takes it.\n";
        if (part.name == "transport") {
            out +=
                "\n## [[tls_policy]]\n\nWhat mail to a domain demands of its servers, any number of rows; see\n"
                "[transport-security.md](transport-security.md). None by default.\n";
            for (auto const& o : tls_rule_options())
                describe(out, o, "tls_policy." + std::string(o.name),
                         o.name == "domain" ? std::string{} : '`' + o.write(tls_rule{}) + '`');
        }
        if (part.name == "limits") {
            out +=
                "\n## [[limits.sending]]\n\nHow much may be sent, any number of rows. Over a limit, mail gets `450 "
                "4.7.1` with the time from which it is\ntaken again; see [guard.md](guard.md). None by default.\n";
            for (auto const& o : sending_options())
                describe(out, o, "limits.sending." + std::string(o.name), '`' + o.write(sending_limit{}) + '`');
        }
        if (part.name == "delivery") {
            out +=
                "\n## [[route]]\n\nOther ways for some of the mail, any number, none by default. The first whose "
                "conditions all hold is taken;\nwhat fits none goes where `[delivery]` says. See "
                "[routes.md](routes.md).\n";
            for (auto const& o : route_options()) describe(out, o, "route." + std::string(o.name), {});
            out +=
                "\n## [[smart_host]]\n\nServers that take mail on its way, any number, none by default. "
                "[smart-hosts.md](smart-hosts.md) has an example\nfor each of the well-known providers.\n";
            for (auto const& o : smart_host_options()) {
                bool const shown = o.name == "tls" || o.name == "plaintext" || o.type == "number";
                describe(out, o, "smart_host." + std::string(o.name),
                         shown ? '`' + o.write(smart_host{}) + '`' : std::string{});
            }
            out +=
                "\n## [[smart_host.logins]]\n\nFurther log-ins of the smart host above them, each for some senders, "
                "with the same keys; and:\n";
            auto const& senders = smart_host_login_options().front();
            describe(out, senders, "smart_host.logins." + std::string(senders.name), {});
        }
        if (part.name == "dkim") {
            out +=
                "\n## [[dkim.keys]]\n\nKeys that another program made, any number, besides those of `postern dkim "
                "create`. A domain with several keys gets\na signature from each.\n";
            for (auto const& o : dkim_key_options()) describe(out, o, "dkim.keys." + std::string(o.name), {});
        }
    }
    return out;
}

std::vector<std::string> needs_restart(settings const& running, settings const& wanted)
{
    std::vector<std::string> names;
    for (auto const& o : options())
        if (!o.reload && o.write(running) != o.write(wanted)) names.emplace_back(o.name);
    auto const listeners = [](settings const& s) {
        std::string all;
        for (auto const& l : s.listeners)
            for (auto const& o : listener_options()) all += o.write(l) + '\n';
        return all;
    };
    if (listeners(running) != listeners(wanted)) names.emplace_back("listener");
    auto const backends = [](settings const& s) {
        std::string all;
        for (auto const& b : s.backends)
            for (auto const& o : backend_options()) all += o.write(b) + '\n';
        return all;
    };
    if (backends(running) != backends(wanted)) names.emplace_back("backend");
    return names;
}

}  // namespace postern::config
