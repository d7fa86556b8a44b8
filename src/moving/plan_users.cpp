// Who may log in: Dovecot's passdbs as back ends, or Dovecot's auth process for all of them.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "config/settings.hpp"
#include "config/values.hpp"
#include "mail/address.hpp"
#include "moving/passdbs.hpp"
#include "moving/planner.hpp"

namespace postern::moving {
namespace {

bool has_listener(planner& p, std::string_view name)
{
    for (auto const* s : p.dovecot().all("service", "auth"))
        for (auto const* l : s->all("unix_listener"))
            if (l->name == name || l->name.ends_with('/' + std::string(name))) return true;
    return false;
}

void by_socket(planner& p, std::string const& from)
{
    auto const base = p.has_dovecot() ? p.dovecot_base() : "/run/dovecot";
    row r{"backend", from, {}};
    r.set("name", "\"dovecot\"");
    r.set("type", "\"dovecot\"");
    r.set("path", config::quote(base + "/auth-postern"));
    r.set("users", config::quote(base + "/postern-userdb"));
    if (names_lack_domains(p))
        if (auto const domain = p.users_domain(); !domain.empty()) r.set("domain", config::quote(domain));
    p.backends.push_back(std::move(r));
    if (!p.has_dovecot() || !has_listener(p, "auth-postern") || !has_listener(p, "postern-userdb"))
        p.out.tell(
            weight::act, p.has_dovecot() ? place{p.from.dovecot->file, 0} : place{}, "service auth", "",
            "Give Postern sockets of its own, in Dovecot's configuration, beside what is there:\nservice auth {\n"
            "  unix_listener auth-postern {\n    mode = 0600\n    user = postern\n  }\n"
            "  unix_listener postern-userdb {\n    mode = 0600\n    user = postern\n  }\n}");
}

constexpr std::array<std::string_view, 6> from_any_hash{"PLAIN",   "LOGIN",    "OAUTHBEARER",
                                                        "XOAUTH2", "EXTERNAL", "GSSAPI"};

void mechanisms(planner& p, bool socket)
{
    auto const* set = p.take("auth_mechanisms");
    std::vector<std::string> kept;
    auto const at = set == nullptr ? place{p.has_dovecot() ? p.from.dovecot->file : std::string{}, 0} : set->at;
    for (auto const& word : words(set == nullptr ? "plain" : set->value)) {
        auto const name = to_upper(word);
        std::vector<config::problem> problems;
        bool const known = config::parse("[auth]\nmechanisms = " + toml_list({name}), "", problems).has_value();
        bool const any_hash = std::find(from_any_hash.begin(), from_any_hash.end(), name) != from_any_hash.end();
        if (!known) {
            p.out.tell(weight::differs, at, "auth_mechanisms", name,
                       "Postern has not got it; programs that are set to it need another one.");
        } else if ((name == "OAUTHBEARER" || name == "XOAUTH2")) {
            kept.push_back(name);
            p.out.tell(weight::act, at, "auth_mechanisms", name, "Say which issuer's tokens count: [oauth].");
        } else if (name == "GSSAPI") {
            kept.push_back(name);
            p.out.tell(weight::act, at, "auth_mechanisms", name,
                       "Postern needs a keytab with a key of smtp/HOSTNAME: docs/mechanisms.md.");
        } else if (name == "EXTERNAL") {
            kept.push_back(name);
            p.out.tell(
                weight::act, at, "auth_mechanisms", name,
                "Needs client_certificates on a listener, and auth.client_authorities or [[auth.certificates]].");
        } else if (name == "CRAM-MD5") {
            p.out.tell(weight::differs, at, "auth_mechanisms", name,
                       "Only accounts of Postern's own database can have it (`postern account password --cram-md5`).");
        } else if (socket && !any_hash) {
            p.out.tell(weight::differs, at, "auth_mechanisms", name,
                       "Dovecot's socket is asked with passwords only, so it is left out.");
        } else {
            kept.push_back(name);
        }
    }
    if (kept.empty()) kept.emplace_back("PLAIN");
    // What most programs that know only one of the two know.
    bool const plain = std::find(kept.begin(), kept.end(), "PLAIN") != kept.end();
    if (plain && std::find(kept.begin(), kept.end(), "LOGIN") == kept.end() && set == nullptr)
        kept.emplace_back("LOGIN");
    p.out.set("auth.mechanisms", toml_list(kept),
              set == nullptr ? "what takes a password" : set->at.to_string() + ": auth_mechanisms = " + set->value);
}

void names(planner& p)
{
    auto const* format = p.take("auth_username_format");
    if (format == nullptr) return;
    constexpr std::array<std::string_view, 6> same{"%Lu", "%u", "%Ln", "%n", "%{user|lower}", "%{user}"};
    if (std::find(same.begin(), same.end(), format->value) == same.end())
        p.tell_setting(
            weight::act, *format,
            "Postern takes names as addresses, or without their domain where the back end has `domain`; users "
            "who log in with another form need to be told.");
    else if (names_lack_domains(p))
        p.tell_setting(
            weight::differs, *format,
            "Dovecot cuts the domain off. Postern takes `ann` and ann@ the back end's `domain`, and no other "
            "domain behind it.");
}

void take_over(planner& p)
{
    for (auto const* db : p.dovecot().all("passdb")) {
        auto const command = import_command(p, *db);
        if (!command) continue;
        p.seen.insert(db);
        p.out.commands.push_back(*command);
        p.out.tell(weight::act, db->at, "passdb passwd-file", "",
                   "Its users are taken over by `" + *command +
                       "`, which is in the script of --commands. Afterwards they "
                       "are Postern's: a new password has to be set in both, with `postern account password`, too.");
    }
}

void of_dovecot(planner& p)
{
    auto mapped = map_passdbs(p);
    bool socket = p.wish.users == user_source::socket;
    if (p.wish.users == user_source::automatic) socket = !mapped.complete;
    if (p.wish.users == user_source::taken_over) {
        take_over(p);
    } else if (socket) {
        for (auto const* db : p.dovecot().all("passdb")) p.seen.insert(db);
        by_socket(p,
                  mapped.complete ? "Dovecot's auth process" : mapped.why_not + " So Dovecot is asked, for all users.");
        if (!mapped.complete)
            p.out.tell(weight::differs, mapped.why_not_at, "passdb", "",
                       mapped.why_not + " So Postern asks Dovecot's auth process, for all users.");
    } else {
        for (auto& f : mapped.findings) p.out.findings.push_back(std::move(f));
        for (auto& r : mapped.rows) p.backends.push_back(std::move(r));
    }
    mechanisms(p, socket);
    names(p);
}

void of_postfix(planner& p)
{
    auto& main = p.main();
    auto const type = main.value("smtpd_sasl_type");
    auto const path = main.value("smtpd_sasl_path");
    bool const on = is_yes(main.value("smtpd_sasl_auth_enable")) ||
                    std::any_of(p.from.postfix->services.begin(), p.from.postfix->services.end(), [&](auto const& s) {
                        return is_yes(main.value("smtpd_sasl_auth_enable", s.overrides));
                    });
    bool const dovecot =
        std::any_of(p.from.postfix->services.begin(), p.from.postfix->services.end(),
                    [&](auto const& s) { return main.value("smtpd_sasl_type", s.overrides) == "dovecot"; });
    main.mark("smtpd_sasl_auth_enable");
    if (p.has_dovecot() || !on) {
        for (std::string_view const name : {"smtpd_sasl_type", "smtpd_sasl_path"})
            if (main.find(name) != nullptr)
                p.tell_parameter(weight::fine, name, "The users are those of Dovecot's configuration.");
        return;
    }
    main.mark("smtpd_sasl_path");
    main.mark("smtpd_sasl_type");
    if (type != "dovecot" && !dovecot) {
        p.tell_parameter(
            weight::act, "smtpd_sasl_type",
            "The users come from Cyrus SASL (smtpd.conf in /etc/postfix/sasl), which is not read. saslauthd "
            "with PAM: a [[backend]] of type \"pam\" with service = \"smtp\". sasldb2: make the accounts "
            "anew. LDAP and SQL: the back ends of these names in docs/backends.md.");
        return;
    }
    by_socket(p, p.origin("smtpd_sasl_type") + ", smtpd_sasl_path = " + path);
    mechanisms(p, true);
}

}  // namespace

void plan_users(planner& p)
{
    if (p.has_postfix()) of_postfix(p);
    if (p.has_dovecot()) of_dovecot(p);
    for (auto& r : p.backends) p.out.rows.push_back(std::move(r));
}

}  // namespace postern::moving
