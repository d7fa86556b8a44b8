#include "client/conversation.hpp"

#include <algorithm>

#include <boost/asio/error.hpp>

#include "base/text.hpp"
#include "client/keywords.hpp"

namespace postern::client {

namespace asio = boost::asio;
using net::awaitable;

namespace {

constexpr std::size_t first_octets = 512;  // kept of what comes, to tell who it is
constexpr std::size_t first_shown = 200;
constexpr std::size_t piece = 64 << 10;

step_result well(steady_time begun)
{
    step_result r;
    r.how = ending::done;
    r.took = steady_clock::now() - begun;
    return r;
}

steady_clock::duration left_of(steady_time begun, steady_clock::duration limit)
{
    return std::max(begun + limit - steady_clock::now(), steady_clock::duration::zero());
}

// What has a line's end in it would be two commands.
bool is_one_line(std::string_view line) noexcept
{
    constexpr std::string_view ends{"\r\n\0", 3};
    return line.find_first_of(ends) == std::string_view::npos;
}

step_result broken_line()
{
    step_result r;
    r.problem = "a command can't have a line's end in it; it was not sent";
    return r;
}

// A line that begins so may still become a reply.
bool may_be_reply(std::string_view octets) noexcept
{
    constexpr std::size_t enough = 8;
    auto const what = guess_service(octets);
    return octets.size() < enough || what == service::smtp || what == service::ftp || what == service::nntp;
}

}  // namespace

conversation::conversation(asio::any_io_executor executor, transcript t)
    : executor_(std::move(executor)), log_(std::move(t))
{
}

conversation::~conversation() = default;

awaitable<step_result> conversation::connect(endpoint to, duration limit)
{
    auto const begun = steady_clock::now();
    log_.note("connecting to " + to.to_string());
    auto made = co_await net::connect(executor_, to, limit);
    if (made) {
        use(std::move(*made));
        log_.note("connected from " + stream_->local().to_string());
        co_return well(begun);
    }
    step_result r;
    r.error = made.error();
    r.how = r.error == asio::error::timed_out ? ending::timed_out : ending::unconnected;
    r.problem = r.how == ending::timed_out ? "no answer to the attempt to connect" : r.error.message();
    r.took = steady_clock::now() - begun;
    log_.note(r.problem);
    co_return r;
}

void conversation::use(std::unique_ptr<net::stream> stream)
{
    stream_ = std::move(stream);
    parser_ = {};
    unread_.clear();
    first_.clear();
    announced_ = {};
    observations_ = {};
    speaking_ = false;
}

awaitable<step_result> conversation::handshake(tls_terms terms, duration limit)
{
    auto const begun = steady_clock::now();
    co_return co_await shake_hands(std::move(terms), begun, limit);
}

awaitable<step_result> conversation::start_tls(tls_terms terms, duration limit)
{
    auto const begun = steady_clock::now();
    auto r = co_await exchange("STARTTLS", "STARTTLS", begun, limit);
    if (!r.ok()) co_return r;
    if (r.said.code != 220) {
        // "250 ok" would look like a success without any TLS.
        auto wrong = malformed("the reply to STARTTLS is not 220, with which TLS begins", begun);
        wrong.said = std::move(r.said);
        co_return wrong;
    }
    if (!unread_.empty()) co_return malformed("octets came between the reply to STARTTLS and the handshake", begun);
    auto shaken = co_await shake_hands(std::move(terms), begun, limit);
    shaken.said = std::move(r.said);
    co_return shaken;
}

awaitable<step_result> conversation::shake_hands(tls_terms terms, steady_time begun, duration limit)
{
    if (!stream_) co_return failed(asio::error::not_connected, begun);
    net::server_identity server{terms.name};
    server.minimum = terms.minimum;
    server.maximum = terms.maximum;
    server.names_itself = terms.names_itself;
    server.observed = true;
    auto const shaken = co_await stream_->handshake_as_client(terms.context, server, left_of(begun, limit));
    observations_ = stream_->observations();
    announced_ = {};
    parser_ = {};
    if (shaken) {
        log_.note(
            tls()->version + ", " + tls()->cipher +
            (tls()->peer_verified ? ", certificate verified" : ", certificate not verified: " + tls()->peer_problem));
        co_return well(begun);
    }
    auto r = failed(shaken.error(), begun);
    if (!observations_.instead_of_record.empty()) {
        r.how = ending::malformed;
        r.first = observations_.instead_of_record;
        r.service = guess_service(r.first);
        r.problem = "no TLS came, but \"" + r.first + "\"";
    } else if (r.how != ending::timed_out) {
        r.how = ending::tls_refused;
        r.alert = observations_.alert;
        r.problem = r.alert.empty() ? "the TLS handshake failed: " + stream_->problem()
                                    : "the server ended the TLS handshake: " + r.alert;
    }
    log_.note(r.problem);
    speaking_ = false;
    co_return r;
}

awaitable<step_result> conversation::greeting(duration limit)
{
    auto const begun = steady_clock::now();
    co_return co_await read_reply(begun, limit);
}

awaitable<step_result> conversation::hello(std::string name, duration limit)
{
    auto const begun = steady_clock::now();
    auto r = co_await say_hello("EHLO", name, begun, limit);
    // RFC 5321 section 3.2: only who doesn't know EHLO gets HELO.
    if (r.how == ending::reply && r.said.permanent()) {
        auto old = co_await say_hello("HELO", std::move(name), begun, limit);
        if (old.ok()) co_return old;
    }
    co_return r;
}

awaitable<step_result> conversation::say_hello(std::string verb, std::string name, steady_time begun, duration limit)
{
    announced_ = {};
    std::string const line = verb + ' ' + name;
    auto r = co_await exchange(line, line, begun, limit);
    if (r.how == ending::reply && r.said.positive()) announced_ = read_announcement(r.said.text, verb == "EHLO");
    co_return r;
}

awaitable<step_result> conversation::mail_from(smtp::outgoing message, duration limit)
{
    std::string line;
    smtp::append_mail_command(line, message, announced_.known);
    line.resize(line.size() - 2);  // its CRLF
    co_return co_await command(std::move(line), limit);
}

awaitable<step_result> conversation::rcpt_to(mail::recipient to, duration limit)
{
    std::string line;
    smtp::append_rcpt_command(line, to, announced_.known);
    line.resize(line.size() - 2);
    co_return co_await command(std::move(line), limit);
}

awaitable<step_result> conversation::begin_data(duration limit) { co_return co_await command("DATA", limit); }

awaitable<step_result> conversation::content(std::string_view content, duration limit)
{
    log_.add(speaker::ours, "(" + std::to_string(content.size()) + " octets of content)");
    smtp::dot_stuffer stuffer;
    std::string out;
    while (!content.empty()) {
        auto const now = content.substr(0, piece);
        content.remove_prefix(now.size());
        out.clear();
        stuffer.add(now, out);
        auto sent = co_await write(out, steady_clock::now(), limit);
        if (!sent.ok()) co_return sent;
    }
    out.clear();
    stuffer.finish(out);
    log_.add(speaker::ours, ".");
    auto const begun = steady_clock::now();
    auto sent = co_await write(out, begun, limit);
    if (!sent.ok()) co_return sent;
    co_return co_await read_reply(begun, limit);
}

awaitable<step_result> conversation::chunk(std::string_view content, bool last, duration limit)
{
    auto const begun = steady_clock::now();
    std::string const line = "BDAT " + std::to_string(content.size()) + (last ? " LAST" : "");
    log_.add(speaker::ours, line);
    auto sent = co_await write(line + "\r\n", begun, limit);
    if (!sent.ok()) co_return sent;
    if (!content.empty()) {
        log_.add(speaker::ours, "(" + std::to_string(content.size()) + " octets of content)");
        sent = co_await write(content, begun, limit);
        if (!sent.ok()) co_return sent;
    }
    co_return co_await read_reply(begun, limit);
}

awaitable<step_result> conversation::reset(duration limit) { co_return co_await command("RSET", limit); }

awaitable<step_result> conversation::quit(duration limit) { co_return co_await command("QUIT", limit); }

awaitable<step_result> conversation::command(std::string line, duration limit)
{
    auto const begun = steady_clock::now();
    co_return co_await exchange(line, line, begun, limit);
}

awaitable<step_result> conversation::write_commands(std::vector<std::string> lines, duration limit)
{
    auto const begun = steady_clock::now();
    std::string all;
    for (auto const& line : lines) {
        if (!is_one_line(line)) co_return broken_line();
        log_.add(speaker::ours, line);
        all.append(line).append("\r\n");
    }
    co_return co_await write(all, begun, limit);
}

awaitable<step_result> conversation::next_reply(duration limit)
{
    auto const begun = steady_clock::now();
    co_return co_await read_reply(begun, limit);
}

awaitable<step_result> conversation::exchange(std::string line, std::string shown, steady_time begun, duration limit)
{
    if (!is_one_line(line)) co_return broken_line();
    log_.add(speaker::ours, shown);
    std::string out;
    out.reserve(line.size() + 2);  // it may be a password: no copy is left behind
    out.append(line).append("\r\n");
    wipe(line.data(), line.size());
    auto sent = co_await write(out, begun, limit);
    wipe(out.data(), out.size());
    if (!sent.ok()) co_return sent;
    co_return co_await read_reply(begun, limit);
}

awaitable<step_result> conversation::write(std::string_view octets, steady_time begun, duration limit)
{
    if (!stream_) co_return failed(asio::error::not_connected, begun);
    auto const sent = co_await stream_->write(octets, left_of(begun, limit));
    if (sent) co_return well(begun);
    // Who closes has often said why before.
    constexpr auto moment = std::chrono::milliseconds{100};
    auto why = co_await read_reply(steady_clock::now(), moment);
    if (why.how == ending::reply && !why.ok()) co_return why;
    auto r = failed(sent.error(), begun);
    log_.note(r.problem);
    co_return r;
}

awaitable<step_result> conversation::read_reply(steady_time begun, duration limit)
{
    if (!stream_) co_return failed(asio::error::not_connected, begun);
    first_.clear();
    std::string line;  // the transcript's, so far
    for (;;) {
        std::string_view in = unread_;
        auto const state = parser_.take(in);
        auto const taken = unread_.size() - in.size();
        if (first_.size() < first_octets) first_.append(unread_, 0, first_octets - first_.size());
        line.append(unread_, 0, taken);
        unread_.erase(0, taken);
        for (std::size_t end = line.find('\n'); end != std::string::npos; end = line.find('\n')) {
            log_.add(speaker::theirs,
                     std::string_view{line}.substr(0, end != 0 && line[end - 1] == '\r' ? end - 1 : end));
            line.erase(0, end + 1);
        }
        if (state == smtp::reply_parser::state::complete) {
            step_result r;
            r.how = ending::reply;
            r.said = parser_.release();
            constexpr int shutting_down = 421;
            speaking_ = r.said.code != shutting_down;
            r.took = steady_clock::now() - begun;
            co_return r;
        }
        if (state == smtp::reply_parser::state::malformed) co_return malformed(parser_.problem(), begun);
        if (!may_be_reply(first_)) co_return malformed("what came is no reply of SMTP", begun);
        auto const left = left_of(begun, limit);
        net::net_result<std::string_view> got = net::error_code{asio::error::timed_out};
        if (left > left.zero()) got = co_await stream_->read(left);
        if (got) {
            unread_.append(*got);
            continue;
        }
        if (!line.empty()) log_.add(speaker::theirs, line);
        auto const what = guess_service(first_);
        if (what != service::unknown && what != service::smtp)
            co_return malformed("what came is no reply of SMTP", begun);
        auto r = failed(got.error(), begun);
        r.first = printable(first_, first_shown);
        log_.note(r.problem);
        co_return r;
    }
}

step_result conversation::failed(net::error_code why, steady_time begun)
{
    speaking_ = false;
    step_result r;
    r.error = why;
    r.how = why == asio::error::timed_out ? ending::timed_out : ending::closed;
    r.problem = why == asio::error::timed_out ? "no answer within the time"
                : why == asio::error::eof     ? "the server closed the connection"
                                              : "the connection broke: " + why.message();
    r.took = steady_clock::now() - begun;
    return r;
}

step_result conversation::malformed(std::string_view problem, steady_time begun)
{
    speaking_ = false;
    step_result r;
    r.how = ending::malformed;
    r.service = guess_service(first_);
    r.first = printable(first_, first_shown);
    r.problem = problem;
    r.took = steady_clock::now() - begun;
    log_.note(r.problem + ": " + r.first);
    return r;
}

void conversation::close() noexcept
{
    if (stream_) stream_->close();
}

net::tls_state const* conversation::tls() const noexcept { return stream_ ? stream_->tls() : nullptr; }

std::optional<endpoint> conversation::local() const { return stream_ ? std::optional{stream_->local()} : std::nullopt; }

std::optional<endpoint> conversation::remote() const
{
    return stream_ ? std::optional{stream_->remote()} : std::nullopt;
}

}  // namespace postern::client
