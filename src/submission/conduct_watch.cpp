#include "submission/conduct_watch.hpp"

#include "base/log.hpp"
#include "catalogue/verdict.hpp"

namespace postern::submission {
namespace {

namespace rules = catalogue::rules;
using guard::conduct;

catalogue::rule const& rule_of(conduct c)
{
    if (c == conduct::off) return rules::guard_account_off;
    return c == conduct::held ? rules::guard_account_held : rules::guard_account_warned;
}

guard::conduct_book::moment right_now() { return {steady_clock::now(), wall_clock::now()}; }

std::string text_for(guard::conduct_report const& r, bool owner)
{
    std::string t = "This is a message of the mail server.\n\n";
    t += owner ? "Your account " + r.account + " sends in a way that is not usual for people"
               : "The account " + r.account + " sends in a way that is not usual for people";
    t += ".\nWithin about an hour there were\n\n";
    t += "    " + std::to_string(r.new_recipients) + " recipients to whom it never sent before,\n";
    t += "    " + std::to_string(r.networks) + " networks from which it was used,\n";
    t += "    " + std::to_string(r.bounces) + " recipients that other servers refused.\n\n";
    switch (r.now) {
        case conduct::warned: t += "So far this is only a warning: its mail is delivered as ever.\n"; break;
        case conduct::held:
            t += "New messages of the account are now held in the queue. Nothing is lost: they\nare delivered as "
                 "soon as an administrator lets them go.\n";
            break;
        case conduct::off:
            t += "It can no longer log in to send mail (SMTP AUTH is off), until an administrator\nlets it.\n";
            break;
        case conduct::fine: break;
    }
    if (owner) {
        t += "\nIf it was not you: somebody may know your password. Change it, and look for a\nvirus on your devices. "
             "If it was you, tell your mail administrator.\n";
    } else {
        t += "\nWho used it, and from where: the log, and `postern guard list`. If all is well,\n\n    postern guard "
             "lift " +
             r.account +
             "\n\nundoes this: held messages are released, and SMTP AUTH is on again. To have it\nnot judged, name "
             "it in guard.trusted_accounts.\n";
    }
    return t;
}

}  // namespace

void conduct_watch::on_login(config::settings const& s, std::string_view account, ip_address const& from)
{
    enqueue(s, book_.on_login(s.guard, account, from, right_now()));
}

void conduct_watch::on_message(config::settings const& s, std::string_view account, ip_address const& from,
                               std::uint32_t new_recipients)
{
    enqueue(s, book_.on_message(s.guard, account, from, new_recipients, right_now()));
}

void conduct_watch::on_bounces(config::settings const& s, std::string_view account, std::uint32_t count)
{
    enqueue(s, book_.on_bounces(s.guard, account, count, right_now()));
}

bool conduct_watch::holds(std::string_view account) const
{
    return !account.empty() && book_.of(account) >= conduct::held;
}

void conduct_watch::enqueue(config::settings const& s, std::optional<guard::conduct_report> r)
{
    if (!r) return;
    auto const& rule = rule_of(r->now);
    log::event(log::level::warning, "guard_account",
               {{"account", r->account},
                {"rule", rule.name},
                {"step", to_string(r->now)},
                {"new_recipients", r->new_recipients},
                {"networks", r->networks},
                {"bounces", r->bounces}});
    desk_.later([this, t = task{std::move(*r), s.hostname, s.guard.operator_address}] { perform(t); });
}

void conduct_watch::perform(task const& t)
{
    auto const& r = t.report;
    if (r.now == conduct::off) {
        if (auto done = desk_.accounts().set_smtp_auth(r.account, false, "guard"); !done)
            log::event(log::level::error, "guard_account_not_switched_off",
                       {{"account", r.account}, {"problem", done.error().logged}});
    }
    tell(t, r.account, true);
    auto const at = r.account.rfind('@');
    auto const usual = at == std::string::npos ? std::string{} : "postmaster" + r.account.substr(at);
    tell(t, t.operator_address.empty() ? usual : t.operator_address, false);
}

void conduct_watch::tell(task const& t, std::string const& address, bool owner)
{
    desk_.tell(t.report.account, address,
               owner ? "Your mail account sends unusually much" : "A mail account sends unusually much",
               text_for(t.report, owner), t.hostname);
}

}  // namespace postern::submission
