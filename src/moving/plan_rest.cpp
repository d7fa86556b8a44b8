// Everything that no other part took: nothing that was set is dropped without a word.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "moving/planner.hpp"
#include "moving/postfix_others.hpp"

namespace postern::moving {
namespace {

// Of Debian's master.cf, and Postfix's own inner services.
constexpr std::string_view inner[] = {
    "pickup",   "cleanup",  "qmgr",    "oqmgr", "nqmgr", "tlsmgr",  "trivial-rewrite", "bounce",  "verify", "flush",
    "proxymap", "smtp",     "lmtp",    "showq", "error", "discard", "local",           "virtual", "anvil",  "scache",
    "postlogd", "tlsproxy", "dnsblog", "spawn", "pipe",  "smtpd",   "postscreen"};
constexpr std::string_view pipes_of_debian[] = {"maildrop", "uucp", "ifmail", "bsmtp", "scalemail-backend", "mailman"};

template <class List>
bool has(List const& list, std::string_view word)
{
    return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

void parameters(planner& p)
{
    auto& main = p.main();
    for (auto const* set : main.all()) {
        if (main.taken(set->name)) continue;
        auto const value = blanked(set->name, set->value);
        bool const of_logins = set->name.starts_with("smtpd_sasl") || set->name.starts_with("smtpd_tls") ||
                               set->name.starts_with("smtpd_client");
        if (p.wish.submission_only && !of_logins) {
            p.out.tell(weight::fine, set->at, set->name, value, "Stays Postfix's, through which all mail goes.");
            continue;
        }
        if (auto const* r = remark_on(set->name))
            p.out.tell(trimmed(set->value).empty() && r->how_much != weight::fine ? weight::fine : r->how_much, set->at,
                       set->name, value, trimmed(set->value).empty() ? "Is empty." : std::string(r->why));
        else if (main.referred_to(set->name))
            p.out.tell(weight::fine, set->at, set->name, value, "Part of other values.");
        else
            p.out.tell(weight::lost, set->at, set->name, value,
                       "Postern has no such option, and this parameter is not known here.");
    }
}

void services(planner& p)
{
    for (auto const& s : p.from.postfix->services) {
        if (s.command == "smtpd" || s.command == "postscreen") continue;
        if (!has(inner, s.command)) {
            p.out.tell(weight::lost, s.at, s.name + ' ' + s.type, s.command, "Postern runs no such program.");
            continue;
        }
        if (s.command == "spawn") {
            p.out.tell(weight::lost, s.at, s.name + ' ' + s.type, s.command,
                       "A policy service or the like; Postern asks none.");
            continue;
        }
        if (s.command == "pipe") {
            bool const usual = has(pipes_of_debian, s.name);
            p.out.tell(usual ? weight::fine : weight::lost, s.at, s.name + ' ' + s.type, s.command,
                       usual ? "Stands in every master.cf of Debian." : "Postern hands mail to no programs.");
            continue;
        }
        bool const usual_service = s.name != "smtp" && s.name != "relay" && s.name != "lmtp";
        for (auto const& o : s.overrides) {
            bool const fine = o.name == "syslog_name" || o.value == "$relay_syslog_name" ||
                              o.name.starts_with("fallback_relay") ||
                              (o.name == "smtp_fallback_relay" && o.value.empty());
            p.out.tell(fine ? weight::fine : weight::lost, o.at, s.name + " -o " + o.name, blanked(o.name, o.value),
                       fine            ? "Of Postfix itself."
                       : usual_service ? "Set for one of Postfix's inner services."
                                       : "Set for one way out; Postern has one for all.");
        }
    }
}

struct of_dovecot {
    std::string_view key;
    weight how_much;
    std::string_view why;
};

constexpr of_dovecot known[] = {
    {"disable_plaintext_auth", weight::differs,
     "Postern takes no passwords without TLS. For single devices: auth.plaintext_networks."},
    {"ssl", weight::fine, "Postern always offers TLS, and wants it for log-ins."},
    {"ssl_dh", weight::fine, "Postern chooses ciphers, curves and parameters itself."},
    {"ssl_ca", weight::lost, "Only for clients' certificates: auth.client_authorities."},
    {"ssl_verify_client_cert", weight::act, "Clients' certificates: client_certificates of a [[listener]]."},
    {"ssl_client_*", weight::fine, "Stays Dovecot's."},
    {"ssl_*", weight::fine, "Postern chooses ciphers, curves and parameters itself; Dovecot keeps this for mailboxes."},
    {"auth_failure_delay", weight::differs, "auth.failure_delay, and [guard] for those who guess."},
    {"auth_cache_*", weight::fine, "auth.cache_life: a password that was right is remembered for five minutes."},
    {"auth_policy_*", weight::act, "Postern asks no policy server; it has a guard of its own: [guard]."},
    {"auth_master_user_separator", weight::differs, "Postern has no master users."},
    {"auth_verbose*", weight::fine, "Postern logs each failed log-in, never a password."},
    {"auth_debug*", weight::fine, "Postern logs each failed log-in, never a password."},
    {"auth_worker_*", weight::fine, "`threads` of a [[backend]]."},
    {"auth_realms", weight::differs, "Users without a domain belong to the `domain` of their [[backend]]."},
    {"auth_username_*", weight::act, "Postern takes names as they are; letter case of ASCII is ignored."},
    {"auth_gssapi_hostname", weight::act, "Kerberos: docs/mechanisms.md."},
    {"auth_krb5_keytab", weight::act, "Kerberos: docs/mechanisms.md."},
    {"auth_ssl_*", weight::act, "Clients' certificates: docs/mechanisms.md."},
    {"auth_*", weight::lost, "Of Dovecot's log-ins; Postern has no such option."},
    {"submission_*", weight::lost, "Of Dovecot's own submission service, whose place Postern takes: switch it off."},
};

bool fits(std::string_view pattern, std::string_view name)
{
    if (!pattern.ends_with('*')) return pattern == name;
    return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool sets_nothing(section const& s)
{
    return s.settings.empty() && std::all_of(s.sections.begin(), s.sections.end(), sets_nothing);
}

void dovecot(planner& p)
{
    auto const& root = p.dovecot();
    auto const protocols = words(root.value("protocols"));
    bool const submits = has(protocols, "submission");
    if (submits)
        p.tell_setting(weight::act, *root.find("protocols"),
                       "Dovecot's own submission service would be on the same port as Postern: switch one off.");
    for (auto const& s : root.settings) {
        if (p.seen.contains(&s)) continue;
        auto const at =
            std::find_if(std::begin(known), std::end(known), [&](auto const& k) { return fits(k.key, s.key); });
        if (at != std::end(known))
            p.tell_setting(at->how_much, s, std::string(at->why));
        else
            p.tell_setting(weight::fine, s, "Stays Dovecot's, which goes on serving the mailboxes.");
    }
    for (auto const& s : root.sections) {
        if (p.seen.contains(&s) || sets_nothing(s)) continue;
        auto const name = s.kind + (s.name.empty() ? "" : ' ' + s.name);
        if (s.kind == "passdb")
            p.out.tell(weight::act, s.at, name, "driver = " + s.value("driver"),
                       "Its users are not Postern's: they can't log in there.");
        else
            p.out.tell(weight::fine, s.at, name, "", "Stays Dovecot's, which goes on serving the mailboxes.");
    }
}

// What no parameter says.
void after_the_switch(planner& p)
{
    p.out.tell(weight::act, {}, "sendmail", "",
               "Programs of this machine (cron, web applications) go on giving their mail to Postfix until "
               "/usr/sbin/sendmail is Postern's: `ln -sf /usr/bin/postern /usr/sbin/sendmail`; see docs/sendmail.md.");
    p.out.tell(weight::differs, {}, "the queue", p.main().value("queue_directory"),
               "Mail that waits in Postfix's queue stays there. Keep Postfix running without its ports until "
               "`postqueue -p` is empty.");
}

}  // namespace

void plan_rest(planner& p)
{
    if (p.has_postfix()) {
        parameters(p);
        if (!p.wish.submission_only) {
            services(p);
            after_the_switch(p);
        }
    }
    if (p.has_dovecot()) dovecot(p);
}

}  // namespace postern::moving
