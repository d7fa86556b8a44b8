// Where mail goes: to the mailboxes. What leaves is plan_relays.cpp's.
#include <algorithm>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "config/values.hpp"
#include "mail/address.hpp"
#include "moving/planner.hpp"

namespace postern::moving {
namespace {

constexpr std::string_view lmtp_of_dovecot =
    "Postern writes to Dovecot over LMTP, with which quotas, Sieve and indexes work as before. Where Dovecot has no "
    "LMTP yet: apt install dovecot-lmtpd, and `protocols = imap lmtp`.";

// A socket of `service NAME` that Postern can reach, or nothing.
std::optional<std::string> socket_of(planner& p, std::string_view service, std::string_view listener)
{
    for (auto const* s : p.dovecot().all("service", service))
        for (auto const* l : s->all("unix_listener"))
            if (l->name == listener || l->name.ends_with('/' + std::string(listener)))
                return l->name.starts_with('/') ? l->name : p.dovecot_base() + '/' + l->name;
    return std::nullopt;
}

bool dovecot_has_lmtp(planner& p)
{
    auto const* protocols = p.take("protocols");
    if (protocols == nullptr) return false;
    auto const all = words(protocols->value);
    return std::find(all.begin(), all.end(), "lmtp") != all.end();
}

// Dovecot's LMTP socket. Its default one is open to all of the machine; those in Postfix's
// queue are behind folders that only Postfix may enter.
void to_dovecot(planner& p, std::string const& from, place const& at)
{
    auto const base = p.has_dovecot() ? p.dovecot_base() : "/run/dovecot";
    auto path = base + "/lmtp";
    if (p.has_dovecot()) {
        if (auto const own = socket_of(p, "lmtp", "lmtp-postern")) path = *own;
        if (!dovecot_has_lmtp(p) && p.dovecot().find("protocols") != nullptr)
            p.out.tell(weight::act, at, "delivery.local", path,
                       "Dovecot's `protocols` does not name lmtp. " + std::string(lmtp_of_dovecot));
        for (auto const* s : p.dovecot().all("service", "lmtp"))
            for (auto const* l : s->all("unix_listener", "lmtp")) {
                auto const mode = l->value("mode", "0666");
                if (l->value("user") != "postern" && !mode.ends_with('6') && !mode.ends_with('7') &&
                    !mode.ends_with('2'))
                    p.out.tell(weight::act, l->at, "unix_listener lmtp", "mode = " + mode,
                               "Postern can't write to it. In Dovecot, beside it:\nservice lmtp {\n  unix_listener "
                               "lmtp-postern {\n    mode = 0600\n    user = postern\n  }\n}\nand delivery.local = "
                               "\"lmtp:unix:" +
                                   base + "/lmtp-postern\".");
            }
    } else {
        p.out.tell(
            weight::act, at, "delivery.local", path,
            "Is where Dovecot has its own LMTP socket; look whether it is there. " + std::string(lmtp_of_dovecot));
    }
    p.out.set("delivery.local", config::quote("lmtp:unix:" + path), from);
}

// "lmtp:unix:private/dovecot-lmtp", "lmtp:inet:127.0.0.1:24", "lmtp:[::1]:24"
bool lmtp(planner& p, std::string const& transport, std::string_view parameter)
{
    if (!transport.starts_with("lmtp:")) return false;
    auto rest = transport.substr(5);
    auto const from = p.origin(parameter);
    p.main().mark(parameter);
    if (rest.starts_with("unix:")) {
        auto path = rest.substr(5);
        auto const queue = p.queue_directory();
        if (!path.starts_with('/')) path = queue + '/' + path;
        if (path.starts_with(queue + '/')) {
            to_dovecot(p, from + ", which is in a folder of Postfix's; Dovecot's own socket", p.where(parameter));
        } else {
            p.out.set("delivery.local", config::quote("lmtp:unix:" + path), from);
            p.out.tell(weight::act, p.where(parameter), std::string(parameter), path,
                       "The user postern has to be able to write to this socket.");
        }
        return true;
    }
    if (rest.starts_with("inet:")) rest = rest.substr(5);
    auto const colon = rest.rfind(':');
    bool const port = colon != std::string::npos && rest.find(']', colon) == std::string::npos &&
                      parse_number<unsigned>(rest.substr(colon + 1), 65535);
    auto host = port ? rest.substr(0, colon) : rest;
    if (host.starts_with('[') && host.ends_with(']') && host.find(':') == std::string::npos)
        host = host.substr(1, host.size() - 2);
    auto const target = host + ':' + (port ? rest.substr(colon + 1) : "24");
    if (!config::is_host_and_port(target)) return false;
    p.out.set("delivery.local", config::quote("lmtp:" + target), from);
    return true;
}

// Do all mailboxes of a table lie at DOMAIN/NAME/ below the base?
bool maildirs_by_address(planner& p)
{
    auto const base = p.main().value("virtual_mailbox_base");
    auto const maps = words(p.main().value("virtual_mailbox_maps"));
    if (!base.starts_with('/') || maps.size() != 1 || split_table(maps[0]).path.empty()) return false;
    auto const rows = p.rows_of(maps[0], "virtual_mailbox_maps", "The mailboxes were not found out.");
    if (!rows || rows->empty()) return false;
    bool any = false;
    for (auto const& r : *rows) {
        auto const at = r.key.find('@');
        if (at == std::string::npos || at == 0) continue;
        if (r.value != r.key.substr(at + 1) + '/' + r.key.substr(0, at) + '/') return false;
        any = true;
    }
    if (!any) return false;
    p.main().mark("virtual_mailbox_base");
    p.out.set("delivery.local", config::quote("maildir:" + base + "/%d/%n"),
              p.origin("virtual_mailbox_base") + "; " + p.origin("virtual_mailbox_maps"));
    p.out.tell(weight::act, p.where("virtual_uid_maps"), "virtual_uid_maps", p.main().take("virtual_uid_maps"),
               "The mailboxes belong to this user: set `user` to its name, or give the folders to postern. Better, let "
               "Dovecot deliver: delivery.local = \"lmtp:unix:/run/dovecot/lmtp\".");
    p.main().mark("virtual_gid_maps");
    return true;
}

void local(planner& p)
{
    auto& main = p.main();
    bool const virtual_domains = !main.value("virtual_mailbox_domains").empty();
    auto const virtual_transport = main.value("virtual_transport");
    auto const mailbox_transport = main.value("mailbox_transport");
    auto const local_transport = main.value("local_transport");
    if (virtual_domains && lmtp(p, virtual_transport, "virtual_transport")) {
    } else if (!virtual_domains && lmtp(p, mailbox_transport, "mailbox_transport")) {
    } else if (!virtual_domains && lmtp(p, local_transport, "local_transport")) {
    } else if (virtual_domains && virtual_transport == "virtual" && maildirs_by_address(p)) {
    } else {
        std::string_view const parameter = virtual_domains                           ? "virtual_transport"
                                           : main.find("mailbox_command") != nullptr ? "mailbox_command"
                                           : main.find("home_mailbox") != nullptr    ? "home_mailbox"
                                           : !mailbox_transport.empty()              ? "mailbox_transport"
                                                                                     : "local_transport";
        to_dovecot(p, p.origin(parameter) + "; Postern can't deliver that way, but over LMTP", p.where(parameter));
        p.tell_parameter(weight::act, parameter,
                         "Postern has no pipes, no delivery into homes (which needs root), and no mbox. " +
                             std::string(lmtp_of_dovecot));
    }
    if (main.find("home_mailbox") != nullptr && !main.taken("home_mailbox"))
        p.tell_parameter(weight::differs, "home_mailbox",
                         "Mail goes where delivery.local says. Dovecot's mail_location has to name the same place.");
    if (main.find("mailbox_command") != nullptr && !main.taken("mailbox_command"))
        p.tell_parameter(weight::act, "mailbox_command",
                         "Is not run any more: sort mail with Dovecot's Sieve, over LMTP.");
    auto const destination = words(main.value("mydestination"));
    bool const real =
        std::any_of(destination.begin(), destination.end(), [](auto const& d) { return !is_local_name(d); });
    if (virtual_domains && real)
        p.out.tell(weight::differs, p.where("mydestination"), "mydestination", main.value("mydestination"),
                   "Postfix gives mail for these to the system's users, for virtual_mailbox_domains elsewhere. Postern "
                   "has one delivery.local for all: Dovecot has to know the users of both, or take those domains out "
                   "of domains.local.");
}

// Only submission moves: everything goes to the Postfix of this machine.
void to_postfix(planner& p)
{
    p.out.set("delivery.smart_host", "\"127.0.0.1:25\"",
              "--submission-only: Postfix takes all mail from here, for local and other domains, since mynetworks has "
              "this machine");
    std::vector<std::string> const networks = words(p.main().value("mynetworks"));
    bool const trusted =
        std::any_of(networks.begin(), networks.end(), [](auto const& n) { return n.starts_with("127."); });
    if (!trusted)
        p.out.tell(weight::act, p.where("mynetworks"), "mynetworks", p.main().value("mynetworks"),
                   "Postfix has to take mail from 127.0.0.1 without a login: add 127.0.0.0/8.");
    auto const interfaces = p.main().value("inet_interfaces");
    if (interfaces != "all" && interfaces.find("loopback") == std::string::npos &&
        interfaces.find("127.0.0.1") == std::string::npos && interfaces.find("localhost") == std::string::npos)
        p.out.tell(weight::act, p.where("inet_interfaces"), "inet_interfaces", interfaces,
                   "Postfix has to listen on 127.0.0.1, too.");
    bool const smtp = std::any_of(p.from.postfix->services.begin(), p.from.postfix->services.end(), [](auto const& s) {
        return s.type == "inet" &&
               (s.name == "smtp" || s.name == "25" || s.name.ends_with(":25") || s.name.ends_with(":smtp"));
    });
    for (auto const& s : p.from.postfix->services) {
        auto const colon = s.name.rfind(':');
        if (smtp || s.type != "inet" || s.command != "smtpd" || colon == std::string::npos) continue;
        auto const port = parse_number<unsigned>(s.name.substr(colon + 1), 65535);
        if (!port || *port == 465 || *port == 587 || is_yes(p.main().value("smtpd_sasl_auth_enable", s.overrides)))
            continue;
        for (auto& e : p.out.entries)
            if (e.key == "delivery.smart_host") e.toml = config::quote("127.0.0.1:" + std::to_string(*port));
        return;
    }
}

void of_dovecot_alone(planner& p)
{
    auto const* mail = p.take("mail_location");
    auto const at = mail == nullptr ? place{p.from.dovecot->file, 0} : mail->at;
    to_dovecot(p, "Dovecot's LMTP socket", at);
}

}  // namespace

void plan_delivery(planner& p)
{
    if (!p.has_postfix()) return of_dovecot_alone(p);
    if (p.wish.submission_only) {
        to_postfix(p);
        return;
    }
    local(p);
    plan_relays(p);
}

}  // namespace postern::moving
