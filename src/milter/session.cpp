#include "milter/session.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace postern::milter {
namespace {

// What a milter may do to a message.
constexpr std::uint32_t add_headers = 0x1, change_body = 0x2, add_recipients = 0x4, remove_recipients = 0x8,
                        change_headers = 0x10, quarantine = 0x20, change_sender = 0x40,
                        add_recipients_with_parameters = 0x80, choose_macros = 0x100;
constexpr std::uint32_t all_actions = add_headers | change_body | add_recipients | remove_recipients | change_headers |
                                      quarantine | change_sender | add_recipients_with_parameters | choose_macros;

// Which steps it does not want, and which it does not answer.
constexpr std::uint32_t no_connect = 0x1, no_helo = 0x2, no_mail = 0x4, no_rcpt = 0x8, no_body = 0x10, no_header = 0x20,
                        no_end_of_header = 0x40, mute_header = 0x80, no_unknown = 0x100, no_data = 0x200,
                        may_skip = 0x400, mute_connect = 0x1000, mute_helo = 0x2000, mute_mail = 0x4000,
                        mute_rcpt = 0x8000, mute_data = 0x10000, mute_end_of_header = 0x40000, mute_body = 0x80000,
                        leading_space = 0x100000;
constexpr std::uint32_t mute_unknown = 0x20000;
constexpr std::uint32_t all_steps = no_connect | no_helo | no_mail | no_rcpt | no_body | no_header | no_end_of_header |
                                    mute_header | no_unknown | no_data | may_skip | mute_connect | mute_helo |
                                    mute_mail | mute_rcpt | mute_data | mute_unknown | mute_end_of_header | mute_body |
                                    leading_space;

constexpr std::uint32_t oldest = 2, ours = 6;
constexpr std::uint32_t version_with_data = 4;

constexpr std::size_t most_changes = 1000;
constexpr std::size_t most_change_octets = 4u << 20;
constexpr std::size_t shown_reply = 400;

// Where a step stands in a milter's own lists of macros.
constexpr std::size_t at_connect = 0, at_helo = 1, at_mail = 2, at_rcpt = 3, at_data = 4, at_end = 5,
                      at_end_of_header = 6, places = 7;
// What it gets without such a list.
constexpr std::array<std::string_view, places> usual{
    "j _ v {daemon_name} {daemon_addr} {daemon_port} {client_addr} {client_name} {client_port} {client_ptr}",
    "{tls_version} {cipher} {cipher_bits}",
    "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
    "{rcpt_addr} {rcpt_host} {rcpt_mailer}",
    "i",
    "i {msg_id}",
    "i",
};

std::vector<std::string> words_of(std::string_view text)
{
    std::vector<std::string> words;
    while (!text.empty() && words.size() < 100) {
        auto const end = text.find_first_of(" ,");
        if (auto const word = text.substr(0, end); !word.empty()) words.emplace_back(word);
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return words;
}

bool is_field_name(std::string_view name) noexcept
{
    return !name.empty() && name.size() <= 255 &&
           std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
}

// Milters end lines with LF. Each further line has to be a fold: anything else would be another
// field, or the body.
std::optional<std::string> folded(std::string_view value, bool with_leading_space)
{
    std::string out;
    if (!with_leading_space && !value.empty()) out += ' ';
    for (std::size_t i = 0; i < value.size(); ++i) {
        char const c = value[i];
        if (c == '\r' && i + 1 < value.size() && value[i + 1] == '\n') continue;
        if (c == '\r') return std::nullopt;
        if (c != '\n') {
            out += c;
            continue;
        }
        bool const goes_on = i + 1 < value.size() && (value[i + 1] == ' ' || value[i + 1] == '\t');
        if (!goes_on && i + 1 == value.size()) break;
        if (!goes_on) return std::nullopt;
        out += "\r\n";
    }
    return out;
}

}  // namespace

bool session::begin(stage s, std::uint32_t without_reply)
{
    stage_ = s;
    at_rest_ = false;
    answer_ = {};
    return (protocol_ & without_reply) == 0;
}

void session::send_macros(std::string& out, char letter, std::size_t place, macros const& known) const
{
    auto const list =
        place < wanted_macros_.size() && wanted_macros_[place] ? *wanted_macros_[place] : words_of(usual[place]);
    std::string data(1, letter);
    for (auto const& name : list) {
        // "{i}" and "i" are the same.
        std::string_view bare = name;
        if (bare.size() == 3 && bare.front() == '{') bare = bare.substr(1, 1);
        auto const at = std::find_if(known.begin(), known.end(), [&](auto const& m) { return m.first == bare; });
        if (at == known.end() || at->second.empty()) continue;
        append_text(data, bare);
        append_text(data, at->second);
    }
    // libmilter takes an empty list for a fault.
    if (data.size() > 1) append_packet(out, 'D', data);
}

bool session::negotiate(std::string& out)
{
    stage_ = stage::negotiate;
    std::string data;
    append_number(data, ours);
    append_number(data, all_actions);
    append_number(data, all_steps);
    append_packet(out, 'O', data);
    return true;
}

bool session::connect(std::string& out, std::string_view name, endpoint const& client, macros const& known)
{
    changes_ = {};
    change_octets_ = 0;
    seen_enough_ = false;
    send_macros(out, 'C', at_connect, known);
    if ((protocol_ & no_connect) != 0) return false;
    std::string data;
    append_text(data, name);
    data += client.address.is_v4() ? '4' : '6';
    append_short(data, client.port);
    append_text(data, client.address.to_string());
    append_packet(out, 'C', data);
    return begin(stage::connect, mute_connect);
}

bool session::helo(std::string& out, std::string_view name, macros const& known)
{
    if ((protocol_ & no_helo) != 0) return false;
    send_macros(out, 'H', at_helo, known);
    std::string data;
    append_text(data, name);
    append_packet(out, 'H', data);
    return begin(stage::helo, mute_helo);
}

bool session::mail(std::string& out, std::string_view path, macros const& known)
{
    // Macros of a step may be asked for later, too.
    send_macros(out, 'M', at_mail, known);
    if ((protocol_ & no_mail) != 0) return false;
    std::string data;
    append_text(data, path);
    append_packet(out, 'M', data);
    return begin(stage::mail, mute_mail);
}

bool session::rcpt(std::string& out, std::string_view path, macros const& known)
{
    if ((protocol_ & no_rcpt) != 0) return false;
    send_macros(out, 'R', at_rcpt, known);
    std::string data;
    append_text(data, path);
    append_packet(out, 'R', data);
    return begin(stage::rcpt, mute_rcpt);
}

bool session::data(std::string& out, macros const& known)
{
    if (version_ < version_with_data || (protocol_ & no_data) != 0) return false;
    send_macros(out, 'T', at_data, known);
    append_packet(out, 'T', {});
    return begin(stage::data, mute_data);
}

bool session::wants_header() const noexcept { return (protocol_ & no_header) == 0; }
bool session::wants_body() const noexcept { return (protocol_ & no_body) == 0 && !seen_enough_; }

bool session::header(std::string& out, std::string_view name, std::string_view value)
{
    if (!wants_header()) return false;
    if ((protocol_ & leading_space) == 0 && value.starts_with(' ')) value.remove_prefix(1);
    std::string data;
    append_text(data, name);
    // Folds end in LF alone here: that is what the library makes of them everywhere.
    std::string plain;
    for (char const c : value)
        if (c != '\r') plain += c;
    append_text(data, plain);
    append_packet(out, 'L', data);
    return begin(stage::header, mute_header);
}

bool session::end_of_header(std::string& out, macros const& known)
{
    if ((protocol_ & no_end_of_header) != 0) return false;
    send_macros(out, 'N', at_end_of_header, known);
    append_packet(out, 'N', {});
    return begin(stage::end_of_header, mute_end_of_header);
}

bool session::body(std::string& out, std::string_view piece)
{
    if (!wants_body() || piece.empty()) return false;
    append_packet(out, 'B', piece);
    return begin(stage::body, mute_body);
}

bool session::end(std::string& out, macros const& known)
{
    send_macros(out, 'E', at_end, known);
    append_packet(out, 'E', {});
    begin(stage::end, 0);
    return true;
}

// libmilter takes it only where its own state is "end of message": after it accepted or refused, it
// waits for another MAIL of the same client, and overlooks this.
bool session::next_connection(std::string& out)
{
    if (!at_rest_ || version_ < 6) return false;
    at_rest_ = false;
    append_packet(out, 'K', {});
    return true;
}

void session::quit(std::string& out) { append_packet(out, 'Q', {}); }

session::progress session::fail(std::string why)
{
    problem_ = std::move(why);
    return progress::failed;
}

session::progress session::on_octets(std::string_view& in)
{
    if (!problem_.empty()) return progress::failed;
    switch (reader_.take(in)) {
        case packet_reader::state::more: return progress::more;
        case packet_reader::state::malformed: return fail("it sent a packet of a length that none has");
        case packet_reader::state::complete: break;
    }
    return on_packet();
}

session::progress session::on_negotiated(std::string_view data)
{
    bool const whole = take_number(data, version_) && take_number(data, actions_) && take_number(data, protocol_);
    if (!whole) return fail("its answer to the negotiation is too short");
    if (version_ < oldest || version_ > ours)
        return fail("it speaks version " + std::to_string(version_) + " of the protocol");
    if ((actions_ & ~all_actions) != 0 || (protocol_ & ~all_steps) != 0)
        return fail("it asks for more than was offered");
    wanted_macros_.assign(places, std::nullopt);
    while (!data.empty()) {
        std::uint32_t place = 0;
        std::string_view list;
        if (!take_number(data, place) || !take_text(data, list)) return fail("its list of macros is cut off");
        if (place < places) wanted_macros_[place] = words_of(list);
    }
    return say(answer::kind::go_on);
}

session::progress session::say(answer::kind what)
{
    answer_.what = what;
    at_rest_ = stage_ == stage::end && what == answer::kind::go_on;
    return progress::answered;
}

// "550 5.7.1 text", in one line or in lines that each have the code.
session::progress session::on_reply(std::string_view text)
{
    bool const temporary = text.starts_with('4');
    bool const form = text.size() >= 3 && (temporary || text.starts_with('5')) && text[1] >= '0' && text[1] <= '9' &&
                      text[2] >= '0' && text[2] <= '9' && (text.size() == 3 || text[3] == ' ' || text[3] == '-');
    if (!form) return fail("its reply code is none: " + printable(text, 60));
    std::string line;
    auto const code = std::string{text.substr(0, 3)};
    while (!text.empty() && line.size() < shown_reply) {
        auto const end = text.find('\n');
        auto one = text.substr(0, end);
        if (one.ends_with('\r')) one.remove_suffix(1);
        if (!line.empty() && one.starts_with(code) && one.size() > 3) one.remove_prefix(4);
        if (!line.empty()) line += ' ';
        line += one;
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    if (line.size() > 3) line[3] = ' ';
    answer_.text = printable(line, shown_reply);
    return say(temporary ? answer::kind::defer : answer::kind::refuse);
}

session::progress session::on_packet()
{
    char const letter = reader_.letter();
    auto data = reader_.data();
    if (stage_ == stage::negotiate) {
        if (letter != 'O') return fail("it did not negotiate");
        return on_negotiated(data);
    }
    switch (letter) {
        case 'c': return say(answer::kind::go_on);
        case 'a': return say(answer::kind::accept);
        case 'r': return say(answer::kind::refuse);
        case 't': return say(answer::kind::defer);
        case 'd': return say(answer::kind::discard);
        case 's':
            if (stage_ != stage::body || (protocol_ & may_skip) == 0) return fail("it skips what can't be skipped");
            seen_enough_ = true;
            return say(answer::kind::go_on);
        case 'y': {
            std::string_view text;
            if (!take_text(data, text)) return fail("its reply has no end");
            return on_reply(text);
        }
        case 'p': return progress::waits;
        case 'f': return fail("it says that it failed");
        case '4': return say(answer::kind::defer);  // it is about to end
        default: break;
    }
    if (stage_ != stage::end) return fail("it wants the message changed before it has seen its end");
    return on_change();
}

session::progress session::on_change()
{
    auto const letter = reader_.letter();
    auto data = reader_.data();
    change_octets_ += data.size();
    auto const count = changes_.header.size() + changes_.added.size() + changes_.removed.size();
    if (letter != 'b' && (change_octets_ > most_change_octets || count >= most_changes))
        return fail("it wants too many changes");
    std::string_view text;
    switch (letter) {
        case 'b':
            if (!may(change_body)) break;
            change_octets_ -= data.size();
            changes_.body = true;
            return progress::body;
        case '+':
        case '2':
            if (!may(letter == '+' ? add_recipients : add_recipients_with_parameters)) break;
            if (!take_text(data, text)) return fail("a recipient has no end");
            changes_.added.emplace_back(text);
            return progress::waits;
        case '-':
            if (!may(remove_recipients)) break;
            if (!take_text(data, text)) return fail("a recipient has no end");
            changes_.removed.emplace_back(text);
            return progress::waits;
        case 'e':
            if (!may(change_sender)) break;
            if (!take_text(data, text)) return fail("a sender has no end");
            changes_.sender.emplace(text);
            return progress::waits;
        case 'q':
            if (!may(quarantine)) break;
            if (!take_text(data, text)) return fail("the cause of a quarantine has no end");
            changes_.hold.emplace(printable(text, shown_reply));
            return progress::waits;
        case 'h':
        case 'i':
        case 'm': return on_header_change(letter, data);
        default: return fail("it sent something unknown: " + printable(std::string_view{&letter, 1}));
    }
    return fail("it wants a change that it did not ask for in the beginning");
}

session::progress session::on_header_change(char letter, std::string_view data)
{
    if (!may(letter == 'm' ? change_headers : add_headers)) return fail("it did not say that it changes header fields");
    header_change c;
    std::string_view name, value;
    bool const whole = (letter == 'h' || take_number(data, c.index)) && take_text(data, name) && take_text(data, value);
    if (!whole) return fail("a header field has no end");
    c.what = letter == 'h'   ? header_change::kind::append
             : letter == 'i' ? header_change::kind::insert
                             : header_change::kind::replace;
    if (!is_field_name(name)) return fail("the name of a header field is none: " + printable(name, 60));
    auto clean = folded(value, (protocol_ & leading_space) != 0);
    if (!clean) return fail("the header field " + std::string{name} + " has a line end that is no fold");
    c.name = name;
    c.value = std::move(*clean);
    changes_.header.push_back(std::move(c));
    return progress::waits;
}

}  // namespace postern::milter
