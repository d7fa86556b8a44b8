// Sends mail as a person's mail program does, over one conversation: connects, agrees upon TLS,
// logs in, and hands messages over. Here it is decided that no password goes where it can be
// read by others.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/account.hpp"
#include "client/conversation.hpp"
#include "client/look_up.hpp"

namespace postern::client {

enum class stage : std::uint8_t { look_up, connect, tls, greeting, hello, login, mail, rcpt, data, content };
/// "look-up", "connect", ...
std::string_view name_of(stage s) noexcept;

/// Why it went no further.
struct trouble {
    enum class kind : std::uint8_t {
        step,               // `how` says
        no_such_host,       // `text`
        no_starttls,        // wanted, but not offered
        wrong_certificate,  // see the conversation's tls() and observations()
        clear_password,     // a password would go in the clear
        no_login,           // AUTH is not offered
        no_mechanism,       // none fits
        login,              // `login` says
        no_smtputf8,        // not offered, but needed
        no_eight_bit,       // the same for 8BITMIME
        no_require_tls,     // the same for REQUIRETLS
        too_big             // SIZE
    };
    stage where = stage::connect;
    kind what = kind::step;
    step_result how{};
    login_result login{};
    std::string text{};  // one printable line

    /// Another try may end otherwise: 4xx, no answer.
    bool temporary() const noexcept;
};

struct outgoing_mail {
    mail::envelope envelope;
    std::string_view content;  // lines ending in CRLF
    bool utf8 = false;         // addresses or header need SMTPUTF8
};

struct recipient_answer {
    mail::mailbox to;
    step_result said;  // to RCPT
};

/// What became of one message.
struct delivery_report {
    bool accepted = false;  // the server has it, for those recipients that it took
    std::vector<recipient_answer> recipients;
    smtp::reply last;            // to the content
    std::optional<trouble> why;  // not accepted
    steady_clock::duration took{};
};

class sender {
public:
    sender(boost::asio::any_io_executor executor, sender_options options, std::shared_ptr<net::tls_context> tls,
           transcript log = transcript{});

    /// Up to where mail can be sent.
    net::awaitable<std::optional<trouble>> open();
    /// One message; after one that was not accepted for its own sake the next may be.
    net::awaitable<delivery_report> send(outgoing_mail const& m);
    net::awaitable<void> quit();

    /// Whether the connection is good for another message.
    bool usable() const noexcept { return usable_; }
    conversation& talk() noexcept { return talk_; }
    conversation const& talk() const noexcept { return talk_; }
    /// The one that answered, or was tried last.
    client::route const& route() const noexcept { return route_; }
    /// How it logged in; empty: not.
    std::string const& mechanism() const noexcept { return mechanism_; }

private:
    using maybe_trouble = std::optional<trouble>;

    net::awaitable<maybe_trouble> reach();
    net::awaitable<maybe_trouble> reach(client::route to);
    net::awaitable<maybe_trouble> encrypt_and_greet();
    net::awaitable<maybe_trouble> begin_in_tls();
    net::awaitable<maybe_trouble> begin_in_clear();
    net::awaitable<maybe_trouble> hello();
    net::awaitable<maybe_trouble> log_in();
    maybe_trouble judge_certificate() const;
    maybe_trouble judge_login(std::string const& mechanism) const;
    std::string choose_mechanism(std::vector<std::string> const& turned_down) const;
    sasl::client_credentials credentials() const;
    tls_terms terms() const;
    std::string own_name() const;

    net::awaitable<bool> transact(outgoing_mail const& m, smtp::outgoing const& about, delivery_report& report);
    net::awaitable<bool> pipelined(outgoing_mail const& m, smtp::outgoing const& about, bool data,
                                   delivery_report& report);
    net::awaitable<bool> one_by_one(outgoing_mail const& m, smtp::outgoing const& about, bool data,
                                    delivery_report& report);
    net::awaitable<step_result> send_chunks(std::string_view content);

    sender_options options_;
    std::shared_ptr<net::tls_context> tls_;
    conversation talk_;
    client::route route_;
    std::string mechanism_;
    bool usable_ = false;
    bool reset_due_ = false;
};

}  // namespace postern::client
