#include "submission/conduct_watch.hpp"

#include <pthread.h>

#include "base/log.hpp"
#include "catalogue/verdict.hpp"
#include "submission/notices.hpp"

namespace postern::submission {
namespace {

namespace rules = catalogue::rules;
using guard::conduct;

// A step more of each account is one task: more than that would be a flood of notices.
constexpr std::size_t most_tasks = 10'000;

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

conduct_watch::conduct_watch(guard::conduct_book& book, directory::directory& accounts, spool::spool& queue)
    : book_(book), accounts_(accounts), queue_(queue), thread_([this] { work(); })
{
    ::pthread_setname_np(thread_.native_handle(), "conduct");
}

conduct_watch::~conduct_watch() { stop(); }

void conduct_watch::stop()
{
    {
        std::lock_guard const hold{lock_};
        ending_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

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
    std::lock_guard const hold{lock_};
    if (ending_ || tasks_.size() >= most_tasks) return;
    tasks_.push_back({std::move(*r), s.hostname, s.guard.operator_address});
    wake_.notify_one();
}

void conduct_watch::work()
{
    std::unique_lock hold{lock_};
    for (;;) {
        wake_.wait(hold, [this] { return ending_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        auto const t = std::move(tasks_.front());
        tasks_.pop_front();
        hold.unlock();
        perform(t);
        hold.lock();
    }
}

void conduct_watch::perform(task const& t)
{
    auto const& r = t.report;
    if (r.now == conduct::off) {
        if (auto done = accounts_.set_smtp_auth(r.account, false); !done)
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
    auto to = mail::parse_mailbox(address);
    if (!to) return;
    // A notice to nobody would only come back.
    auto const local = accounts_.is_local(to->domain);
    if (local && *local) {
        auto const found = accounts_.find_recipient(*to);
        if (found && !*found) {
            log::event(log::level::warning, "nobody_told", {{"account", t.report.account}, {"forward_path", address}});
            return;
        }
    }
    notice n;
    n.to = std::move(*to);
    n.subject = owner ? "Your mail account sends unusually much" : "A mail account sends unusually much";
    n.text = text_for(t.report, owner);
    send_notice(queue_, n, t.hostname, wall_clock::now());
}

}  // namespace postern::submission
