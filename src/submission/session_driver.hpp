// Performs what one session asks for: reads, writes, looks up, commits. No decisions about
// the protocol (smtp::server_session) or about who may do what (policy) are made here.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checks/examiner.hpp"
#include "filters/milter_pool.hpp"
#include "forwarding/book.hpp"
#include "guard/keeper.hpp"
#include "guard/sending.hpp"
#include "login/desk.hpp"
#include "net/connection_limits.hpp"
#include "net/stream.hpp"
#include "policy/policy.hpp"
#include "signing/signer.hpp"
#include "smtp/data_decoder.hpp"
#include "smtp/server_session.hpp"
#include "submission/conduct_watch.hpp"
#include "submission/content_scan.hpp"
#include "submission/device_watch.hpp"
#include "submission/live_session.hpp"
#include "submission/message_intake.hpp"
#include "submission/runtime.hpp"
#include "submission/session_log.hpp"
#include "witness/book.hpp"

namespace postern::filters {
class draft;
}

namespace postern::submission {

struct services {
    directory::directory& accounts;
    spool::spool& queue;
    net::connection_limits& connections;
    guard::keeper& guard;
    guard::sending_book& sending;
    conduct_watch& conduct;
    device_watch& devices;
    signing::signer& signer;
    forwarding::book& forwards;
    filters::milter_pool& milters;  // of this thread
    witness::book& checks_seen;
    checks::examiner* examiner;  // null: nobody but people with a login can send here
};

/// A message that is there as a whole, on its way to being accepted.
struct arrived_message {
    spool::message what;
    std::unique_ptr<spool::content_writer> content;
    std::shared_ptr<signing::message_signing> signing;  // signed, but for the last step
    catalogue::rule const* held_by = nullptr;
    std::string hold_reason;
    std::string discarded_by;  // a milter
    std::string milters;       // that have seen it
    std::string authenticity;  // "spf=pass dkim=none dmarc=pass"
};

class session_driver {
public:
    session_driver(services s, std::shared_ptr<runtime const> rt, std::size_t listener,
                   std::unique_ptr<net::stream> peer);
    session_driver(session_driver const&) = delete;
    session_driver& operator=(session_driver const&) = delete;
    ~session_driver();

    /// The whole life of the connection. Call once; `this` must live until it returns.
    net::awaitable<void> run();

    /// Ends the session at the next moment at which no message is under way.
    void drain();
    /// Ends it now.
    void cut() { peer_->close(); }
    /// On its own thread.
    live_session describe() const;

private:
    using verdict = catalogue::verdict;

    // before the session
    net::awaitable<bool> admit();
    net::awaitable<bool> take_proxy_header();
    net::awaitable<bool> begin();
    net::awaitable<void> turn_away(verdict why);
    smtp::action greet();

    // what the guard is asked and told
    std::optional<verdict> guard_refuses_connection() const;
    bool counts_sending() const;
    guard::sending_book::sender counted_sender() const;
    std::optional<verdict> over_limit_at_mail();
    std::optional<verdict> over_limit_at_rcpt(mail::mailbox const& to);
    std::optional<verdict> refused_by_route(policy::facts const& f);
    bool held_by_route() const;
    std::optional<verdict> count_message();
    void uncount_message();

    // what the session asks for: one function per action
    net::awaitable<smtp::action> perform(smtp::action& asked);
    net::awaitable<smtp::action> need_input();
    net::awaitable<smtp::action> start_tls();
    net::awaitable<smtp::action> verify_password(smtp::verify_password& asked);
    net::awaitable<smtp::action> verify_token(smtp::verify_token& asked);
    net::awaitable<smtp::action> read_data();
    net::awaitable<smtp::action> read_chunk(smtp::read_chunk asked);
    net::awaitable<smtp::action> discard_chunk(std::uint64_t size);
    net::awaitable<smtp::action> finish_message();
    bool is_stranger() const;
    bool is_looked_over() const;
    net::awaitable<verdict> look_over(arrived_message* m);
    bool is_examined() const;
    net::awaitable<verdict> examine(std::shared_ptr<filters::draft> d, arrived_message* m);
    verdict find_authors(filters::draft const& d, std::vector<mail::author>& authors);
    net::awaitable<verdict> ask_milters(filters::draft* d, arrived_message* m);
    net::awaitable<result<>> write_anew(filters::draft const* d, arrived_message* m);
    void log_accepted(arrived_message const& arrived, std::string_view message_id) const;
    net::awaitable<std::optional<verdict>> sign(std::shared_ptr<signing::message_signing> signing,
                                                spool::content_writer* content);
    net::awaitable<smtp::action> fetch_scram(smtp::fetch_scram const& asked);
    net::awaitable<smtp::action> fetch_cram(smtp::fetch_cram const& asked);
    net::awaitable<smtp::action> step_context(smtp::context_step& asked);
    net::awaitable<smtp::action> authorize(smtp::authorize const& asked);
    net::awaitable<smtp::action> check_sender();
    net::awaitable<smtp::action> check_recipient(smtp::check_recipient const& asked);
    smtp::action begin_content();

    // sessions of `postern check`
    void bear_witness(smtp::action const& next);
    void witness_refusals(std::vector<smtp::server_session::refusal> const& refusals);
    witness::hello hello_now() const;
    smtp::action show_record(smtp::show_record const& asked);

    // octets
    net::awaitable<net::error_code> flush();
    net::awaitable<net::error_code> fill(steady_clock::duration limit);
    void keep_input();
    net::awaitable<void> pause_until(steady_time until);
    smtp::action lost(net::error_code why);

    // back ends that have to be asked: before the directory's answers are needed
    net::awaitable<void> prepare_login(std::string const& name);
    net::awaitable<void> prepare_address(mail::mailbox const& address);
    net::awaitable<void> prepare_certificate();

    smtp::tls_facts tls_facts() const;
    std::vector<std::string> names_of_certificate(net::peer_certificate const& shown) const;
    void find_accounts_of_certificate(smtp::tls_facts& facts) const;
    policy::facts facts(policy::stage at) const;
    std::optional<verdict> login_ended();
    verdict judge_header(std::vector<mail::header_field> const& fields);
    verdict judge_from(std::vector<mail::header_field> const& fields, std::string_view name);
    verdict judge_address(mail::mailbox const& address);
    net::awaitable<verdict> judge_put_off();
    void open_desk();
    /// May send to anybody without a log-in.
    bool is_trusted() const
    {
        return listener_.for_programs || contains(runtime_->settings.relay.networks, peer_->remote().address);
    }
    smtp::action on_login(login::answer const& judged);
    smtp::action on_no_keys(login::answer const& judged);
    net::awaitable<void> on_refusals(std::vector<smtp::server_session::refusal> const& refusals);
    verdict content_verdict(bool bare_newline, bool nul);
    bool takes_too_long(std::uint64_t received) const;

    services services_;
    std::shared_ptr<runtime const> runtime_;
    listener_runtime const& listener_;
    std::unique_ptr<net::stream> peer_;
    session_identity who_;
    std::unique_ptr<smtp::server_session> session_;
    std::shared_ptr<directory::account const> account_;
    std::shared_ptr<directory::app_password const> app_;  // what the login was proven with, if that was one
    std::string login_name_;                              // what it logged in with

    std::string kept_;        // input that outlived a wait
    std::string_view input_;  // not yet consumed; in kept_ or in the thread's read buffer

    // the message under way
    std::unique_ptr<message_intake> intake_;
    std::string queue_id_;
    smtp::data_decoder decoder_;
    content_scan scan_;
    std::vector<std::string_view> pieces_;
    steady_time content_began_{};
    bool by_chunks_ = false;
    std::vector<mail::mailbox> put_off_;            // of From and Sender: back ends must be asked whose they are
    std::shared_ptr<signing::keyring const> keys_;  // to sign it with; null: it is not ours to sign
    std::uint32_t refused_recipients_ = 0;          // of the session
    bool in_tarpit_ = false;
    std::uint32_t new_in_message_ = 0;  // recipients to whom the account never sent before

    std::unique_ptr<witness::sighting> seen_;  // null, but for a check
    std::optional<login::desk> desk_;          // where log-ins are judged; there is one with the session
    steady_time began_ = steady_clock::now();
    steady_time line_began_ = began_;  // the first octet of the line that is being read, or the wait for it
    session_totals totals_;
    bool in_total_ = false, in_address_ = false;
    ip_address counted_;
    bool draining_ = false;
    bool waiting_ = false;  // for a command
};

}  // namespace postern::submission
