// Every command that looks into or changes the server's data, once: name, what it needs
// open, what it does. The running server calls them for the control socket; the command
// line calls them itself when no server runs; the web pages have them done as far as the table lets them.
// Safe to call from several threads.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/clock.hpp"
#include "config/settings.hpp"
#include "control/access.hpp"
#include "control/arguments.hpp"
#include "control/protocol.hpp"
#include "login/judges.hpp"
#include "submission/listening.hpp"

namespace postern::acme {
class office;
}
namespace postern::audit {
class book;
}
namespace postern::console {
class discovery_log;
class event_ring;
class recorder;
}  // namespace postern::console
namespace postern::delivery {
class service;
}
namespace postern::directory {
class directory;
}
namespace postern::escort {
class office;
}
namespace postern::forwarding {
class book;
}
namespace postern::guard {
class conduct_book;
class keeper;
class sending_book;
}  // namespace postern::guard
namespace postern::signing {
class dns_watch;
class key_store;
class signer;
}  // namespace postern::signing
namespace postern::spool {
class spool;
}
namespace postern::submission {
class server;
}
namespace postern::witness {
class book;
}

namespace postern::control {

class profile_book;

/// What commands work on. The null ones are not there: no server runs, or the command
/// said that it doesn't need them.
struct context {
    std::shared_ptr<config::settings const> settings;
    directory::directory* accounts = nullptr;
    spool::spool* queue = nullptr;
    submission::server* gate = nullptr;
    delivery::service* delivery = nullptr;
    guard::keeper* guard = nullptr;
    guard::sending_book* sending = nullptr;
    guard::conduct_book* conduct = nullptr;
    signing::key_store* keys = nullptr;
    forwarding::book* forwards = nullptr;
    signing::dns_watch* key_watch = nullptr;
    escort::office* security = nullptr;
    acme::office* certificates = nullptr;
    signing::signer* signer = nullptr;
    witness::book* checks_seen = nullptr;
    console::event_ring const* events = nullptr;
    console::recorder* numbers = nullptr;
    console::discovery_log* discovery = nullptr;
    profile_book* profiles = nullptr;
    visits::book* visits = nullptr;  // who is signed in on the web pages
    audit::book* audit = nullptr;
    std::vector<submission::listening> listeners;
    login::judges judges;
    wall_time started;  // of the server
    control::caller caller;

    /// Where the log keeps what `why` reads.
    std::filesystem::path history() const { return settings->data_dir / "history"; }
    /// How long somebody stays signed in.
    visits::limits visit_bounds() const;
};

/// What has to be open for a command, combined with |. Who is signed in (visits) only a running server knows.
enum class needs : std::uint8_t {
    nothing = 0,
    accounts = 1,
    queue = 2,
    server = 4,
    keys = 8,
    forwards = 16,
    visits = 32
};
constexpr needs operator|(needs a, needs b)
{
    return static_cast<needs>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

/// What changes something leaves a row in the audit log. What follows is asked again and again by a page that stands open:
/// it keeps nobody signed in.
enum class effect : std::uint8_t { looks, follows, changes };

/// Whom a command keeps waiting while it runs for the web socket: the others of its lane.
enum class lane : std::uint8_t {
    usual,
    prompt,   // is done at once, and others wait for it while they do something long
    history,  // reads the log's history
};

struct command {
    std::string_view name;  // "account add"
    control::needs needs = control::needs::nothing;
    effect does = effect::changes;
    admission web{};  // who may have it done through the web socket
    /// Null: done by the web socket itself.
    outcome (*run)(context& c, arguments a) = nullptr;
    control::lane lane = control::lane::usual;

    bool wants(control::needs one) const { return (static_cast<unsigned>(needs) & static_cast<unsigned>(one)) != 0; }
    bool wants_server() const { return wants(control::needs::server) || wants(control::needs::visits); }
};

std::span<command const> commands();
command const* find_command(std::string_view name);

/// Runs a command by name, if the caller may, and notes it for the audit; the context has what it needs.
outcome run_command(context& c, std::string_view name, boost::json::object const& given);
failure unknown_command();

// One function a command, in account.cpp, app_password.cpp, try_account.cpp, domain.cpp, queue.cpp, queue_health.cpp,
// guard.cpp, dkim.cpp, forward.cpp, tls_report.cpp, check_code.cpp, explain.cpp, why.cpp, why_public.cpp, discovery.cpp,
// profile.cpp, certificate.cpp, status.cpp, visits.cpp, audit.cpp.
outcome account_add(context& c, arguments a);
outcome account_list(context& c, arguments a);
outcome account_show(context& c, arguments a);
outcome account_password(context& c, arguments a);
outcome account_remove(context& c, arguments a);
outcome account_enable(context& c, arguments a);
outcome account_disable(context& c, arguments a);
outcome account_smtp_auth(context& c, arguments a);
outcome account_role(context& c, arguments a);
outcome account_session_list(context& c, arguments a);
outcome account_session_end(context& c, arguments a);
outcome account_basic_passwords(context& c, arguments a);
outcome account_alias_add(context& c, arguments a);
outcome account_alias_remove(context& c, arguments a);
outcome account_send_as_add(context& c, arguments a);
outcome account_send_as_remove(context& c, arguments a);
outcome account_import(context& c, arguments a);
outcome account_test(context& c, arguments a);
outcome app_password_add(context& c, arguments a);
outcome app_password_list(context& c, arguments a);
outcome app_password_revoke(context& c, arguments a);
outcome domain_add(context& c, arguments a);
outcome domain_basic_passwords(context& c, arguments a);
outcome domain_list(context& c, arguments a);
outcome domain_remove(context& c, arguments a);
outcome queue_list(context& c, arguments a);
outcome queue_show(context& c, arguments a);
outcome queue_retry(context& c, arguments a);
outcome queue_hold(context& c, arguments a);
outcome queue_release(context& c, arguments a);
outcome queue_remove(context& c, arguments a);
outcome queue_expire(context& c, arguments a);
outcome queue_summary(context& c, arguments a);
outcome queue_destinations(context& c, arguments a);
outcome guard_list(context& c, arguments a);
outcome guard_lift(context& c, arguments a);
outcome guard_deny(context& c, arguments a);
outcome guard_allow(context& c, arguments a);
outcome guard_usage(context& c, arguments a);
outcome dkim_create(context& c, arguments a);
outcome dkim_list(context& c, arguments a);
outcome dkim_show(context& c, arguments a);
outcome dkim_rotate(context& c, arguments a);
outcome dkim_activate(context& c, arguments a);
outcome dkim_remove(context& c, arguments a);
outcome dkim_check(context& c, arguments a);
outcome tls_report_list(context& c, arguments a);
outcome tls_report_show(context& c, arguments a);
outcome tls_report_send(context& c, arguments a);
outcome certificate_list(context& c, arguments a);
outcome certificate_renew(context& c, arguments a);
outcome acme_authority(context& c, arguments a);
outcome acme_challenge(context& c, arguments a);
outcome web_certificates(context& c, arguments a);
outcome forward_add(context& c, arguments a);
outcome forward_list(context& c, arguments a);
outcome forward_remove(context& c, arguments a);
outcome check_code_add(context& c, arguments a);
outcome check_code_show(context& c, arguments a);
outcome account_own_password(context& c, arguments a);
outcome account_events(context& c, arguments a);
outcome account_logins(context& c, arguments a);
outcome account_sent(context& c, arguments a);
outcome account_message(context& c, arguments a);
outcome account_servers(context& c, arguments a);
outcome account_why(context& c, arguments a);
outcome account_limits(context& c, arguments a);
outcome account_test_mail(context& c, arguments a);
outcome account_test_mail_show(context& c, arguments a);
outcome events(context& c, arguments a);
outcome numbers(context& c, arguments a);
outcome sessions(context& c, arguments a);
outcome decisions(context& c, arguments a);
outcome discovery_list(context& c, arguments a);
outcome discovery_note(context& c, arguments a);
outcome domain_check(context& c, arguments a);
outcome discovery_facts(context& c, arguments a);
outcome discovery_publish(context& c, arguments a);
outcome profile_android(context& c, arguments a);
outcome profile_make(context& c, arguments a);
outcome profile_take(context& c, arguments a);
outcome web_session(context& c, arguments a);
outcome web_sign_out(context& c, arguments a);
outcome audit_list(context& c, arguments a);
outcome explain(context& c, arguments a);
outcome why(context& c, arguments a);
outcome why_public(context& c, arguments a);
outcome server_status(context& c, arguments a);

/// What was seen of a check's sessions, for `why` too.
outcome record_of_check(context& c, std::string const& code);
/// The texts that vouch for a domain's configuration for mail programs, as they belong into the DNS.
std::vector<std::string> configurations_of(context& c, std::string const& domain);
/// All certificates, as `certificate list` and `status` tell of them.
boost::json::array describe_certificates(context const& c);
/// The address of the account with that login name, in any letter case.
basic_result<std::string, failure> account_name(context& c, std::string_view login);
/// A failure of another room, for the person at the terminal: the whole cause.
failure to_failure(error const& e);

}  // namespace postern::control
