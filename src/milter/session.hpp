// Our half of a session with a milter (protocol versions 2 to 6, as Sendmail's libmilter and
// rspamd speak it), as a state machine without a socket or a clock. The driver has one step after
// the other put into `out`, writes it, and where the step says that an answer is due feeds what
// comes to on_octets() until there is one.
//
// The milter may be any program: what it sends is bounded, and what it may not ask at that point
// ends the session. Whether the message is changed as it wishes is not decided here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip.hpp"
#include "milter/packet.hpp"

namespace postern::milter {

/// "i" or "{auth_authen}", and its value. Those without a value are left out.
using macros = std::vector<std::pair<std::string, std::string>>;

enum class stage : std::uint8_t { negotiate, connect, helo, mail, rcpt, data, header, end_of_header, body, end };

struct answer {
    enum class kind : std::uint8_t {
        go_on,
        accept,   // without further questions
        refuse,   // for good; of a recipient, or of the message
        defer,    // for now
        discard,  // take it, and throw it away
    };
    kind what = kind::go_on;
    std::string text;  // the milter's own reply, "550 5.7.1 Spam", printable; empty: it said none
};

struct header_change {
    enum class kind : std::uint8_t { append, insert, replace };
    kind what = kind::append;
    std::uint32_t index = 0;  // insert: the place, from 0; replace: which of that name, from 1
    std::string name;
    std::string
        value;  // with CRLF in its folds, and the blank behind the colon where there is one; empty replaces: gone
};

/// What it wants done with the message, said at the end of it.
struct changes {
    std::vector<header_change> header;
    std::vector<std::string> added, removed;  // recipients, as written: "<anna@example.com>"
    std::optional<std::string> sender;
    std::optional<std::string> hold;  // why it is to be held
    bool body = false;                // it gave another one: see progress::body
};

class session {
public:
    // Each puts a step into `out`, macros first, and says whether an answer is due. Steps that
    // the milter does not want are left out.
    bool negotiate(std::string& out);
    bool connect(std::string& out, std::string_view name, endpoint const& client, macros const& known);
    bool helo(std::string& out, std::string_view name, macros const& known);
    bool mail(std::string& out, std::string_view path, macros const& known);
    bool rcpt(std::string& out, std::string_view path, macros const& known);
    bool data(std::string& out, macros const& known);
    /// `value`: all behind the colon, folds included.
    bool header(std::string& out, std::string_view name, std::string_view value);
    bool end_of_header(std::string& out, macros const& known);
    /// At most chunk_size octets.
    bool body(std::string& out, std::string_view piece);
    bool end(std::string& out, macros const& known);

    /// The connection can serve another message after this.
    bool next_connection(std::string& out);
    static void quit(std::string& out);

    enum class progress : std::uint8_t {
        more,
        answered,
        waits,   // it still works on it: the time for the answer begins anew
        body,    // a piece of the new body: piece()
        failed,  // problem()
    };
    progress on_octets(std::string_view& in);
    answer const& last() const noexcept { return answer_; }
    std::string_view piece() const noexcept { return reader_.data(); }
    std::string const& problem() const noexcept { return problem_; }
    changes const& wanted() const noexcept { return changes_; }

    /// It has seen enough of the body, or never wanted any.
    bool wants_body() const noexcept;
    bool wants_header() const noexcept;

private:
    progress fail(std::string why);
    progress on_negotiated(std::string_view data);
    progress on_packet();
    progress on_change();
    progress on_header_change(char letter, std::string_view data);
    progress on_reply(std::string_view text);
    progress say(answer::kind what);
    bool may(std::uint32_t action) const noexcept { return (actions_ & action) != 0; }
    bool begin(stage s, std::uint32_t without_reply);
    void send_macros(std::string& out, char letter, std::size_t place, macros const& known) const;

    packet_reader reader_;
    stage stage_ = stage::negotiate;
    std::uint32_t version_ = 0, actions_ = 0, protocol_ = 0;
    std::vector<std::optional<std::vector<std::string>>> wanted_macros_;  // by place; none: the usual ones
    bool seen_enough_ = false;
    bool at_rest_ = false;  // the last message ended in a way after which another may begin
    std::size_t change_octets_ = 0;
    answer answer_;
    changes changes_;
    std::string problem_;
};

}  // namespace postern::milter
