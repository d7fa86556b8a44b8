// One run of the examiner under way: what its coroutines share. Held by each of them, so that
// whoever is not waited for any more still has it.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "client/conversation.hpp"
#include "diagnose/examiner.hpp"
#include "diagnose/gathering.hpp"

namespace postern::diagnose {

using boost::asio::awaitable;
using conversation_ptr = std::shared_ptr<client::conversation>;

struct examination {
    examination(tools t, given p, credentials w);

    tools with;
    credentials who;
    observations seen;
    steady_time begun = steady_clock::now();
    steady_time ends;
    steady_clock::duration thought{};     // that the person took to answer
    std::vector<conversation_ptr> lines;  // of seen.talks, those that are still open; else null
    gathering visits, sideways;           // to ports; what is looked at beside the main way
    std::size_t own_visits = 0;           // of the port that was asked for, and still on their way
    unsigned wrong_passwords = 0;

    /// So much of a time as is left of the whole.
    steady_clock::duration left(steady_clock::duration wanted) const;
    conversation_ptr speak(std::string title);
    /// Says QUIT where that makes sense, and closes.
    awaitable<void> part(conversation_ptr c, bool politely);
    client::tls_terms terms() const;
    std::string user() const;
    void tell(step s);
    milliseconds elapsed() const;
};
using examination_ptr = std::shared_ptr<examination>;

// How long one thing may take.
inline constexpr std::chrono::seconds connect_limit{5}, greeting_limit{24}, tls_limit{8}, reply_limit{10},
    login_limit{15}, content_limit{20}, name_limit{5};
// A server that speaks first does so at once; one that is silent may wait for TLS.
inline constexpr std::chrono::milliseconds silence{1000};
inline constexpr unsigned most_wrong_passwords = 2;

/// With an address: looked at, and its server found and looked up.
awaitable<void> find_settings(examination_ptr x);
awaitable<void> look_up_names(examination_ptr x);
/// Connects to a port; where `speaks`, finds out who is there.
awaitable<void> visit(examination_ptr x, endpoint at, bool speaks);
/// Those that are tried whatever was asked for.
inline constexpr std::array<std::uint16_t, 4> mail_ports{25, 465, 587, 2525};
/// All the ports of all the addresses, as x->visits.
void start_visits(examination_ptr const& x);
/// Whether port 25 of the domain's mail exchangers can be reached from here: if not, the network is in the way.
awaitable<void> knock_at_exchangers(examination_ptr x, std::string domain);
/// The same on the control host.
awaitable<void> visit_control(examination_ptr x);
/// Another conversation of the same kind, up to EHLO; null when it did not come so far, or is not
/// protected as the first one was.
awaitable<conversation_ptr> speak_again(examination_ptr x, talk_seen of, std::string title);
/// Handshakes with other versions, and without a name.
awaitable<void> shake_hands_again(examination_ptr x, talk_seen of);
awaitable<void> look_up_certificate_names(examination_ptr x, talk_seen of);
/// Whether a web server at this place sends everybody somewhere else.
awaitable<void> look_for_portal(examination_ptr x, endpoint at);
/// Empty: none that is known.
std::string name_of_cloud();
/// Gives the conversation that goes on: logged in, where that was possible.
awaitable<conversation_ptr> log_in(examination_ptr x);
/// The other mechanisms, once one worked.
awaitable<void> try_other_mechanisms(examination_ptr x, talk_seen of, std::string worked);
awaitable<step_result> mail_from(examination_ptr x, conversation_ptr c, std::string from);
awaitable<step_result> rcpt_to(examination_ptr x, conversation_ptr c, std::string to);
/// The whole of it, in a transaction of its own.
awaitable<void> send_test_mail(examination_ptr x, conversation_ptr c);
/// In the mailbox that was named, until it is there or the time is over.
awaitable<void> look_for_arrival(examination_ptr x);
awaitable<void> write_envelope(examination_ptr x, conversation_ptr c);
/// Whether mail to others is taken from somebody who did not log in.
awaitable<void> write_as_stranger(examination_ptr x, talk_seen of);

/// EHLO: by the mark of the check where it has a code, else by the address that we speak from.
awaitable<step_result> say_hello(examination_ptr x, conversation_ptr c);
/// What the server saw of the check's sessions.
awaitable<void> read_record(examination_ptr x);

/// For EHLO: the address that we speak from, as those say it who have no name (RFC 5321 section 4.1.3).
std::string own_name(client::conversation const& c);
/// How good a conversation is to go on with; 0: not at all.
unsigned worth_of(given const& person, talk_seen const& t) noexcept;

}  // namespace postern::diagnose
