// postern account ...: who may log in
#include <memory>
#include <optional>

#include <boost/json/array.hpp>

#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/declaring.hpp"
#include "cli/output.hpp"
#include "cli/password.hpp"
#include "control/arguments.hpp"
#include "control/json_memory.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    std::string address;
    std::string other;  // alias, sender, on|off
    password_source password;
    bool cram_md5 = false;
    bool json = false;
};

/// "off for the domain since 2026-11-22 07:04:11 UTC, by operator"
std::string basic_passwords(json::value const& a)
{
    auto const* basic = a.is_object() ? a.as_object().if_contains("basic_passwords") : nullptr;
    if (!basic || !basic->is_object()) return "-";
    std::string words = flag_of(*basic, "allowed") ? "passwords on" : "passwords off";
    auto const level = text_of(*basic, "set_for");
    if (level.empty()) return words + "; nobody said otherwise";
    return words + " for the " + level + " since " + readable_time(text_of(*basic, "since")) + ", by " +
           text_of(*basic, "by");
}

void show(json::value const& a)
{
    print_line("address       " + text_of(a, "address"));
    if (auto const from = text_of(a, "back_end"); !from.empty()) print_line("back end      " + from);
    print_line(std::string{"account       "} + (flag_of(a, "enabled") ? "enabled" : "disabled"));
    print_line(std::string{"SMTP AUTH     "} + (flag_of(a, "smtp_auth") ? "on" : "off"));
    if (auto const role = text_of(a, "role"); !role.empty() && role != "none") print_line("role          " + role);
    print_line("basic         " + basic_passwords(a));
    print_line("app passwords " + text_of(a, "app_passwords"));
    print_line("password      " + text_of(a, "scheme") +
               (flag_of(a, "scram") ? ", SCRAM keys" : ", no SCRAM keys yet") +
               (flag_of(a, "cram_md5") ? ", kept for CRAM-MD5" : ""));
    print_line("set           " + readable_time(text_of(a, "password_set")));
    print_line("created       " + readable_time(text_of(a, "created")));
    if (auto const list = texts_of(a, "aliases"); !list.empty()) print_line("aliases       " + joined(list));
    if (auto const list = texts_of(a, "send_as"); !list.empty()) print_line("may send as   " + joined(list));
}

void list(json::value const& all)
{
    if (!all.is_array() || all.as_array().empty()) {
        print_line("There is no account yet; `postern account add ADDRESS` makes one.");
        return;
    }
    table t{{"ADDRESS", "ACCOUNT", "SMTP AUTH", "PASSWORD", "ROLE", "ALIASES"}};
    for (auto const& a : all.as_array()) {
        t.add({text_of(a, "address"), flag_of(a, "enabled") ? "enabled" : "disabled",
               flag_of(a, "smtp_auth") ? "on" : "off", text_of(a, "scheme"), text_of(a, "role"),
               joined(texts_of(a, "aliases"))});
    }
    t.print();
}

/// Performs, then prints the result: as it is for programs, by `print_result` for people.
template <class Print>
int perform_and_print(application const& app, options const& o, std::string_view command, json::object const& arguments,
                      Print print_result)
{
    auto done = perform(app, command, arguments);
    if (!done) return done.error();
    if (auto const warning = text_of(*done, "warning"); !warning.empty()) note(warning);
    if (o.json) {
        print_json(*done);
    } else {
        print_result(*done);
    }
    return all_is_well;
}

int change(application const& app, options const& o, std::string_view command, json::object const& arguments,
           std::string_view said)
{
    return perform_and_print(app, o, command, arguments, [&](json::value const& v) {
        auto address = text_of(v, "address");
        print_line((address.empty() ? o.address : address) + " " + std::string{said});
    });
}

/// Why no password need be asked for: the address is bad, or taken, or, where one is to be
/// changed, not there.
std::optional<control::failure> objection(application const& app, options const& o, bool is_new)
{
    using control::failure;
    if (is_new) {
        if (auto read = control::read_mailbox(o.address); !read)
            return failure{failure::kind::usage, std::move(read.error()), {}};
    }
    json::object arguments;
    arguments["address"] = o.address;
    auto found = ask(app, "account show", arguments);
    if (!is_new) return found ? std::nullopt : std::optional{std::move(found.error())};
    if (found) {
        return failure{failure::kind::usage,
                       "there is an account " + text_of(*found, "address") +
                           " already; `postern account password` changes its password",
                       {}};
    }
    if (found.error().why == failure::kind::usage) return std::nullopt;  // there is none
    return std::move(found.error());
}

/// add, password
int set_password(application const& app, options const& o, std::string_view command, std::string_view said)
{
    // Before a password is asked for, so that nobody types one in vain.
    if (!load_settings(app)) return call_was_wrong;
    auto const& from = o.password;
    bool const asks = !from.from_stdin && !from.file && !from.generate;
    if (asks) {
        if (auto against = objection(app, o, command == "account add")) return fail(*against);
    }
    auto password = read_password(o.password);
    if (!password) return fail(password.error());
    json::object arguments{control::wiping_storage()};
    arguments["address"] = o.address;
    arguments["password"] = password->text.reveal();
    if (o.cram_md5) arguments["cram_md5"] = true;
    auto done = perform(app, command, arguments);
    if (!done) return done.error();
    if (auto const warning = text_of(*done, "warning"); !warning.empty()) note(warning);
    if (o.json) {
        if (password->generated && done->is_object()) done->as_object()["password"] = password->text.reveal();
        print_json(*done);
        return all_is_well;
    }
    print_line(text_of(*done, "address") + " " + std::string{said});
    if (password->generated) {
        print("password: ");
        print_line(password->text.reveal());
    }
    return all_is_well;
}

json::object address_only(options const& o)
{
    json::object arguments;
    arguments["address"] = o.address;
    return arguments;
}

json::object with(options const& o, std::string_view key)
{
    auto arguments = address_only(o);
    arguments[key] = o.other;
    return arguments;
}

}  // namespace

void add_account(command commands, application& app)
{
    auto o = std::make_shared<options>();
    auto const group = commands.add_subcommand("account", "Accounts: who may log in");
    declaring const declare{group, app, o};

    auto const with_password = [&](command c) {
        add_password_options(c, o->password);
        c.add_flag("--cram-md5", o->cram_md5,
                   "keep the password too, sealed: devices that know only CRAM-MD5 can't do without");
    };
    with_password(declare.for_account("add", "Make an account", [](application const& a, options const& given) {
        return set_password(a, given, "account add", "added");
    }));
    with_password(
        declare.for_account("password", "Set an account's password", [](application const& a, options const& given) {
            return set_password(a, given, "account password", "has a new password");
        }));
    declare("list", "All accounts", [](application const& a, options const& given) {
        return perform_and_print(a, given, "account list", {}, list);
    });
    declare.for_account("show", "One account", [](application const& a, options const& given) {
        return perform_and_print(a, given, "account show", address_only(given), show);
    });
    declare.for_account("remove", "Remove an account", [](application const& a, options const& given) {
        return change(a, given, "account remove", address_only(given), "removed");
    });
    declare.for_account("enable", "Switch an account on", [](application const& a, options const& given) {
        return change(a, given, "account enable", address_only(given), "enabled");
    });
    declare.for_account("disable", "Switch an account off; nothing is lost",
                        [](application const& a, options const& given) {
                            return change(a, given, "account disable", address_only(given), "disabled");
                        });
    declare
        .for_account("smtp-auth", "Whether the account may log in to send",
                     [](application const& a, options const& given) {
                         auto arguments = address_only(given);
                         arguments["on"] = given.other == "on";
                         return change(a, given, "account smtp-auth", arguments, "has SMTP AUTH " + given.other);
                     })
        .add_option("STATE", o->other, "on or off")
        .required()
        .one_of({"on", "off"});

    declare
        .for_account("basic-passwords", "Whether the account may log in with its own password",
                     [](application const& a, options const& given) {
                         auto arguments = address_only(given);
                         arguments["state"] = given.other;
                         return change(
                             a, given, "account basic-passwords", arguments,
                             "has basic passwords " + (given.other == "inherit" ? "as its domain says" : given.other));
                     })
        .add_option("STATE", o->other, "on, off, or inherit: as the domain or the configuration says")
        .required()
        .one_of({"on", "off", "inherit"});

    add_import(group, app);
    add_app_password(group, app);
    add_account_web(group, app);
    add_account_test(group, app);
    add_account_affairs(group, app);

    auto const alias = group.add_subcommand("alias", "Further addresses of an account");
    declaring const declare_alias{alias, app, o};
    declare_alias
        .for_account("add", "Give an account a further address",
                     [](application const& a, options const& given) {
                         return change(a, given, "account alias add", with(given, "alias"),
                                       "has the alias " + given.other);
                     })
        .add_option("ALIAS", o->other, "The further address")
        .required();
    declare_alias
        .for_account("remove", "Take an address from an account",
                     [](application const& a, options const& given) {
                         return change(a, given, "account alias remove", with(given, "alias"),
                                       "has the alias " + given.other + " no more");
                     })
        .add_option("ALIAS", o->other, "The address")
        .required();

    auto const send_as = group.add_subcommand("send-as", "Addresses of others that an account may send as");
    declaring const declare_send_as{send_as, app, o};
    declare_send_as
        .for_account("add", "Let an account send as an address",
                     [](application const& a, options const& given) {
                         return change(a, given, "account send-as add", with(given, "sender"),
                                       "may send as " + given.other);
                     })
        .add_option("SENDER", o->other, "An address, or @domain for all of a domain")
        .required();
    declare_send_as
        .for_account("remove", "Stop an account from sending as an address",
                     [](application const& a, options const& given) {
                         return change(a, given, "account send-as remove", with(given, "sender"),
                                       "may not send as " + given.other + " any more");
                     })
        .add_option("SENDER", o->other, "The address or @domain")
        .required();
}

}  // namespace postern::cli
