// Judges the log-ins of one client, whatever protocol it came with: asks the guard, then
// the directory or the issuer's keys, and tells the guard how it ended. What a mechanism
// wants to know comes in, what the mechanism or the client is to be told goes out. Knows
// no protocol and writes no replies.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "base/secret.hpp"
#include "catalogue/verdict.hpp"
#include "config/settings.hpp"
#include "directory/directory.hpp"
#include "guard/keeper.hpp"
#include "login/judges.hpp"
#include "net/stream.hpp"
#include "sasl/mechanism.hpp"

namespace postern::login {

/// What is seen of a device that has an old password: it sends the same wrong one again and again.
struct forgotten_device {
    std::string account;  // as it was claimed
    ip_address address;
    std::string hello;      // what it calls itself; may be anything
    std::string mechanism;  // by which it logs in
    unsigned repeats = 0;
};

/// Whom a desk asks and tells; all outlive it.
struct services {
    directory::directory& accounts;
    guard::keeper& guard;
    /// Is told of every log-in that may send: who watches how accounts do that.
    std::function<void(config::settings const&, std::string const& account, ip_address const& from)> on_login;
    std::function<void(config::settings const&, forgotten_device)> on_forgotten;
};

/// Who wants to log in, as the guard and the log know it.
struct visitor {
    std::string session;
    std::string client;  // address and port
    ip_address address;
    bool sends = true;             // wants to send mail, not to read it: SMTP AUTH off concerns nobody else
    bool holds_limits = true;      // asks us about each sender and recipient: limits of app passwords hold
    std::string ticket_service{};  // what Kerberos tickets are for, such as "imap"; empty: kerberos.service
    bool at_web = false;           // signs in on the web pages: with the account's own password and nothing else
};

/// How a log-in ended.
struct answer {
    enum class kind : std::uint8_t {
        accepted,
        bad_credentials,
        disabled,
        smtp_auth_off,
        app_password_needed,
        unavailable,  // nobody could tell
        unsure,       // what was shown does not fit, and somebody who may know better can't be asked
        put_off,      // the guard did not let it be looked at
    };
    explicit answer(kind k) : what(k) {}

    kind what;
    std::shared_ptr<directory::account const> who;       // when accepted
    std::shared_ptr<directory::app_password const> app;  // what it was proven with, if that was one
    std::string told;                                    // JSON for the client whose token is not taken
    std::optional<catalogue::verdict> put_off_by;
};

class desk {
public:
    /// `settings` outlive the desk.
    desk(services s, config::settings const& settings, judges j, visitor who, boost::asio::any_io_executor executor);

    net::awaitable<answer> verify_password(std::string authcid, std::string authzid, secret password);
    net::awaitable<answer> verify_token(std::string identity, secret token, bool google_format);
    /// The mechanism has proven it with this key; `outside`: something else has (a certificate, a
    /// ticket).
    net::awaitable<answer> authorize(std::string authcid, std::string authzid, std::string stored_key, bool outside);
    net::awaitable<std::variant<sasl::scram_keys, answer>> scram(std::string authcid, postern::hash h);
    net::awaitable<std::variant<sasl::cram_keys, answer>> cram(std::string authcid);
    net::awaitable<std::variant<sasl::context_answer, answer>> step_context(sasl::context_step asked);

    /// The mechanism itself refused, with this detail: what that says of the cause.
    void take_refusal(std::string_view detail, std::string_view claimed);
    /// The exchange ended with wrong credentials. Its cause is looked for when the answer is out of the
    /// house, and logged as an event of its own (login_cause). It counts against the client and the account that
    /// it claimed. Gives the time before which the client is not told, which is the same whatever
    /// was wrong: who guesses learns little, and slowly.
    /// `hello`, `mechanism`: for the owner of a device with an old password.
    steady_time on_failure(std::string_view claimed, std::string_view hello, std::string_view mechanism);
    /// The same where nobody can tell what the proof was worth: it counts as guard::proof::unsure.
    steady_time on_unsure(std::string_view claimed);

    /// The exchange is over, however it ended: what was kept for it goes.
    void end_exchange() noexcept
    {
        claimed_.clear();
        ticket_.reset();
        // Or a guess at a password, behind a ticket that was given up, would look like that ticket again.
        ticket_trouble_.clear();
    }

    /// What the last log-in was proven with: "password", "app-password-7", "token", "certificate", "ticket".
    std::string const& credential() const noexcept { return credential_; }
    /// Of an app password.
    std::string const& label() const noexcept { return label_; }

    /// Why the last log-in ended as it did, for the log; empty when there is nothing to say. Of one that
    /// failed a word such as "previous_password", and what that means in a sentence.
    std::string const& cause() const noexcept { return cause_; }
    std::string const& meaning() const noexcept { return meaning_; }
    void forget_cause() noexcept;

private:
    void fail(directory::login_cause why);
    void fail(error const& why);
    answer judge(result<directory::login> const& found, std::string_view credential);
    answer judge_at_web(directory::login const& found);
    answer accept(directory::login const& found);
    std::optional<answer> put_off(std::string_view authcid);
    std::string guarded(std::string_view name) const;
    void log_counted(guard::failure const& counted, std::string_view claimed) const;

    services services_;
    config::settings const& settings_;
    judges judges_;
    visitor who_;
    boost::asio::any_io_executor executor_;
    std::string cause_, meaning_, credential_, label_;
    std::string claimed_;  // in this exchange, as the guard knows it; empty: it was not asked
    std::function<void(directory::cause_handler)> look_closer_;  // for the cause of the last log-in
    steady_time began_{};                                        // when a secret was last looked at
    std::uint64_t secret_print_ = 0;                       // of that secret, as the guard compares it; 0: not seen
    std::shared_ptr<directory::kerberos_context> ticket_;  // of the exchange under way
    std::string ticket_trouble_;                           // stands for a secret that failed; empty: no ticket
};

}  // namespace postern::login
