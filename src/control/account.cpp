// account add, list, show, password, remove, enable, disable, smtp-auth, role, basic-passwords, alias, send-as, import
#include <algorithm>

#include <boost/json/array.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "control/commands.hpp"
#include "directory/directory.hpp"
#include "visits/book.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

json::array list_of(std::vector<std::string> const& texts)
{
    json::array a;
    for (auto const& t : texts) a.emplace_back(t);
    return a;
}

json::object describe(directory::basic_passwords const& b)
{
    using level = directory::basic_passwords::level;
    json::object o;
    o["allowed"] = b.now.allowed;
    for (char const* key : {"set_for", "by", "since"}) o[key] = nullptr;
    if (b.from == level::nobody) return o;
    o["set_for"] = to_string(b.from);
    o["by"] = b.now.by;
    o["since"] = to_rfc3339(b.now.since);
    return o;
}

json::object describe(context& c, directory::account const& a)
{
    json::object o;
    o["address"] = a.address;
    o["back_end"] = nullptr;
    if (!a.back_end.empty()) o["back_end"] = a.back_end;
    o["enabled"] = a.enabled;
    o["smtp_auth"] = a.smtp_auth;
    o["smtp_auth_by"] = nullptr;
    if (!a.smtp_auth_by.empty()) o["smtp_auth_by"] = a.smtp_auth_by;
    o["role"] = directory::to_string(c.accounts->role_of(a));
    o["basic_passwords"] = describe(c.accounts->basic_passwords_of(a));
    auto const now = wall_clock::now();
    o["app_passwords"] =
        std::count_if(a.app_passwords.begin(), a.app_passwords.end(), [&](auto const& p) { return p->works(now); });
    o["aliases"] = list_of(a.aliases);
    o["send_as"] = list_of(a.send_as);
    o["scheme"] = a.scheme;
    o["scram"] = a.has_scram();
    o["cram_md5"] = a.has_cram_md5;
    o["created"] = to_rfc3339(a.created);
    o["password_set"] = to_rfc3339(a.password_set);
    return o;
}

failure unknown_account(std::string_view address)
{
    return {failure::kind::usage,
            "there is no account " + printable(address, 320) + "; `postern account list` shows all",
            {},
            std::string{not_there_rule}};
}

/// The account that is meant: by login name, any letter case.
basic_result<std::shared_ptr<directory::account const>, failure> find(context& c, std::string_view address)
{
    c.accounts->wait_for_login(address);
    auto found = c.accounts->find_account(address);
    if (!found) return to_failure(found.error());
    if (!*found) return unknown_account(address);
    return std::move(*found);
}

/// A sentence when mail to the address would not arrive here.
void warn_about_domain(context& c, std::string_view domain, json::object& o)
{
    auto const local = c.accounts->is_local(domain);
    if (local && !*local) {
        o["warning"] = std::string{domain} +
                       " is not a local domain: the account can send, but mail to it does not arrive here; "
                       "`postern domain add " +
                       std::string{domain} + "` changes that";
    }
}

/// Whether who is signed in as the account on the web pages has to sign in again.
enum class visits_end : std::uint8_t { no, yes };

/// Changes one thing of the account named by "address", logs it, shows the account.
/// `alias`: the address that it is about, for who looks whose it was when.
template <class Change>
outcome change(context& c, arguments& a, std::string_view what, Change apply, visits_end ends = visits_end::no,
               std::string_view alias = {})
{
    auto const address = a.text("address");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto before = find(c, address);
    if (!before) return std::move(before.error());
    auto const name = (*before)->address;
    result<> changed = apply(name);
    if (!changed) return to_failure(changed.error());
    if (c.visits && ends == visits_end::yes) c.visits->end_all(name);
    log::event(log::level::info, "account_changed", {{"account", name}, {"change", what}, {"alias", alias}});
    auto after = find(c, name);
    if (!after) return std::move(after.error());
    return json::value(describe(c, **after));
}

}  // namespace

basic_result<std::string, failure> account_name(context& c, std::string_view login)
{
    auto found = find(c, login);
    if (!found) return std::move(found.error());
    return (*found)->address;
}

outcome account_add(context& c, arguments a)
{
    auto const address = a.mailbox("address");
    auto const password = a.secret(secrets::password);
    bool const cram_md5 = a.optional_flag("cram_md5").value_or(false);
    if (auto wrong = a.problem()) return std::move(*wrong);
    c.accounts->wait_for_login(address.key());
    auto before = c.accounts->find_account(address.key());
    if (!before) return to_failure(before.error());
    if (*before) {
        return failure{failure::kind::usage,
                       "there is an account " + (*before)->address + " already; `postern account password` changes it",
                       {},
                       std::string{already_there_rule}};
    }
    if (auto added = c.accounts->add_account(address, password); !added) return to_failure(added.error());
    if (cram_md5)
        if (auto kept = c.accounts->set_password(address.key(), password, directory::directory::keep::cram_md5); !kept)
            return to_failure(kept.error());
    log::event(log::level::info, "account_changed", {{"account", address.key()}, {"change", "added"}});
    auto after = find(c, address.key());
    if (!after) return std::move(after.error());
    auto o = describe(c, **after);
    warn_about_domain(c, address.domain, o);
    return json::value(std::move(o));
}

outcome account_list(context& c, arguments a)
{
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto all = c.accounts->list_accounts();
    if (!all) return to_failure(all.error());
    json::array list;
    for (auto const& one : *all) list.emplace_back(describe(c, one));
    return json::value(std::move(list));
}

outcome account_show(context& c, arguments a)
{
    auto const address = a.text("address");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto found = find(c, address);
    if (!found) return std::move(found.error());
    return json::value(describe(c, **found));
}

outcome account_password(context& c, arguments a)
{
    using keep = directory::directory::keep;
    auto const password = a.secret(secrets::password);
    auto const what = a.optional_flag("cram_md5").value_or(false) ? keep::cram_md5 : keep::hashes;
    return change(
        c, a, "password", [&](std::string const& name) { return c.accounts->set_password(name, password, what); },
        visits_end::yes);
}

// Whoever sits down at somebody else's page finds a session, but no old password: only a sign-in of this moment sets a
// new one.
outcome account_own_password(context& c, arguments a)
{
    constexpr std::chrono::seconds this_moment{60};
    auto const password = a.secret(secrets::password);
    bool const fresh = c.caller.visit && wall_clock::now() - c.caller.visit->created < this_moment;
    if (!fresh) a.wrong("that takes a sign-in of this moment, with the password that there is");
    return change(
        c, a, "password", [&](std::string const& name) { return c.accounts->set_password(name, password); },
        visits_end::yes);
}

outcome account_remove(context& c, arguments a)
{
    auto const address = a.text("address");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto found = find(c, address);
    if (!found) return std::move(found.error());
    auto const name = (*found)->address;
    if (auto removed = c.accounts->remove_account(name); !removed) return to_failure(removed.error());
    if (c.visits) c.visits->end_all(name);
    log::event(log::level::info, "account_changed", {{"account", name}, {"change", "removed"}});
    json::object o;
    o["address"] = name;
    o["removed"] = true;
    return json::value(std::move(o));
}

outcome account_enable(context& c, arguments a)
{
    return change(c, a, "enabled", [&](std::string const& name) { return c.accounts->set_enabled(name, true); });
}

outcome account_disable(context& c, arguments a)
{
    return change(
        c, a, "disabled", [&](std::string const& name) { return c.accounts->set_enabled(name, false); },
        visits_end::yes);
}

outcome account_smtp_auth(context& c, arguments a)
{
    auto const on = a.flag("on");
    auto const by = c.caller.by();
    return change(c, a, on ? "smtp-auth on" : "smtp-auth off", [&](std::string const& name) -> result<> {
        auto const now = c.accounts->find_account(name);
        if (!now) return now.error();
        // Who switched it off stays whoever did it first.
        if (c.caller.for_itself && !on && *now && !(*now)->smtp_auth) return {};
        // Or an account that was stopped from sending could go on by itself.
        if (c.caller.for_itself && on && *now && !(*now)->smtp_auth && (*now)->smtp_auth_by != by)
            return error{{5, 7, 1}, "", "SMTP AUTH was switched off by whoever runs the server, who can switch it on"};
        return c.accounts->set_smtp_auth(name, on, by);
    });
}

outcome account_role(context& c, arguments a)
{
    auto const address = a.text("address");
    auto const word = a.text("role", 20);
    auto const role = directory::parse_role(word);
    if (!role) a.wrong("the role must be none, reader, operator or owner");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto found = find(c, address);
    if (!found) return std::move(found.error());
    auto const& who = **found;
    // The last owner would leave nobody who could give it back through the pages.
    if (c.caller.through == caller::door::web && c.caller.who == who.address)
        return failure{failure::kind::problem,
                       "nobody changes his own role: another owner does, or `postern account role` on the server",
                       {}};
    if (auto set = c.accounts->set_role(who, *role); !set) return to_failure(set.error());
    if (c.visits) c.visits->end_all(who.address);
    log::event(log::level::info, "account_changed",
               {{"account", who.address}, {"change", "role " + word}, {"by", c.caller.by()}});
    return json::value(describe(c, who));
}

outcome account_basic_passwords(context& c, arguments a)
{
    auto const allowed = a.on_off_or_inherit("state");
    auto const what = !allowed ? "basic passwords inherited" : *allowed ? "basic passwords on" : "basic passwords off";
    return change(c, a, what, [&](std::string const& name) {
        return c.accounts->set_basic_passwords(name, allowed, c.caller.by());
    });
}

outcome account_alias_add(context& c, arguments a)
{
    auto const alias = a.mailbox("alias");
    auto done = change(
        c, a, "alias added", [&](std::string const& name) { return c.accounts->add_alias(name, alias); },
        visits_end::no, alias.key());
    if (done) warn_about_domain(c, alias.domain, done->as_object());
    return done;
}

outcome account_alias_remove(context& c, arguments a)
{
    auto const alias = a.mailbox("alias");
    return change(
        c, a, "alias removed", [&](std::string const& name) { return c.accounts->remove_alias(name, alias); },
        visits_end::no, alias.key());
}

outcome account_send_as_add(context& c, arguments a)
{
    auto const sender = a.text("sender");
    return change(c, a, "send-as added",
                  [&](std::string const& name) { return c.accounts->grant_send_as(name, sender); });
}

outcome account_send_as_remove(context& c, arguments a)
{
    auto const sender = a.text("sender");
    return change(c, a, "send-as removed",
                  [&](std::string const& name) { return c.accounts->revoke_send_as(name, sender); });
}

outcome account_import(context& c, arguments a)
{
    auto const lines = a.secret(secrets::lines, longest_request);
    directory::file_format format;
    auto const kind = a.optional_text("format").value_or("dovecot");
    if (kind == "htpasswd")
        format.what = directory::file_format::kind::htpasswd;
    else if (kind == "shadow")
        format.what = directory::file_format::kind::shadow;
    else if (kind != "dovecot")
        a.wrong("the format must be dovecot, htpasswd or shadow");
    format.domain = a.optional_text("domain").value_or("");
    if (!format.domain.empty() && !mail::parse_domain(format.domain)) a.wrong("the domain is none");
    format.scheme = a.optional_text("scheme").value_or("");
    if (auto wrong = a.problem()) return std::move(*wrong);
    std::vector<std::string> problems;
    auto imported = c.accounts->import_accounts(lines.reveal(), format, problems);
    if (!problems.empty()) {
        return failure{failure::kind::usage,
                       "nothing was imported: " + std::to_string(problems.size()) +
                           (problems.size() == 1 ? " line is wrong" : " lines are wrong"),
                       std::move(problems)};
    }
    if (!imported) return to_failure(imported.error());
    log::event(log::level::info, "accounts_imported", {{"count", *imported}});
    json::object o;
    o["imported"] = *imported;
    return json::value(std::move(o));
}

}  // namespace postern::control
