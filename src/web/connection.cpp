#include "web/connection.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <boost/asio/error.hpp>

#include "base/counted.hpp"
#include "base/log.hpp"
#include "net/deadline.hpp"
#include "web/answer_text.hpp"
#include "web/dispatch.hpp"
#include "web/incoming.hpp"
#include "web/plain_http.hpp"
#include "web/problem.hpp"
#include "web/request_head.hpp"

namespace postern::web {
namespace {

using namespace std::chrono_literals;

constexpr auto handshake_limit = 10s;
constexpr auto idle_limit = 30s, idle_limit_in_a_crowd = 2s;
constexpr auto head_limit = 10s;
constexpr auto body_limit = 20s;
constexpr auto answer_limit = 30s;
constexpr std::size_t slowest_reader = 16u << 10;  // octets a second, beyond that
// Of a body that is refused.
constexpr auto hearing_limit = 2s;
constexpr std::size_t most_heard = 1u << 20;
constexpr unsigned most_requests = 1000;
constexpr std::size_t longest_unread = 64u << 10;  // of the next requests, or a chunk's head
constexpr std::size_t written_at_once = 32u << 10;

/// What has come and is not read yet. Wiped as it goes: a body may hold a password.
class input {
public:
    input() = default;
    ~input() { wipe(octets_.data(), octets_.size()); }
    input(input const&) = delete;
    input& operator=(input const&) = delete;

    std::string_view view() const noexcept { return octets_; }
    bool empty() const noexcept { return octets_.empty(); }
    /// False: that would be too much.
    bool add(std::string_view more)
    {
        if (octets_.size() + more.size() > 2 * longest_unread) return false;
        if (octets_.capacity() - octets_.size() < more.size()) {
            std::string larger;
            larger.reserve(2 * (octets_.size() + more.size()));
            larger = octets_;
            wipe(octets_.data(), octets_.size());
            octets_ = std::move(larger);
        }
        octets_ += more;
        return true;
    }
    void drop(std::size_t count)
    {
        auto const rest = octets_.size() - count;
        std::copy(octets_.begin() + static_cast<std::ptrdiff_t>(count), octets_.end(), octets_.begin());
        wipe(octets_.data() + rest, count);
        octets_.resize(rest);
        if (rest == 0) std::string{}.swap(octets_);  // nothing is held while a connection waits
    }

private:
    std::string octets_;
};

enum class arrival { came, ended, late, flooded };

class connection final : public event_sink {
public:
    connection(house& h, net::stream& peer, bool secure)
        : house_(h), peer_(peer), secure_(secure), slow_reader_(peer.executor(), [&peer] { peer.close(); })
    {
    }

    net::awaitable<void> run()
    {
        if (secure_) {
            auto const shaken = co_await peer_.handshake_as_server(house_.tls, handshake_limit);
            if (!shaken) co_return;
        }
        while (co_await serve_one()) {
        }
    }

    // event_sink

    net::awaitable<bool> begin(http::response head) override
    {
        streaming_ = true;
        answer_form const form{secure_, true, false, !old_};
        auto text = print_head(head, form, wall_clock::now());
        auto const sent = co_await send(text);
        if (!sent || head.body.empty()) co_return sent;
        auto const body_sent = co_await write(head.body);
        co_return body_sent;
    }

    net::awaitable<bool> write(std::string_view octets) override
    {
        if (octets.empty()) co_return true;
        if (old_) {
            auto const sent = co_await send(octets);
            co_return sent;
        }
        std::array<char, 20> size{};
        auto const n = std::snprintf(size.data(), size.size(), "%zx\r\n", octets.size());
        std::string chunk{size.data(), static_cast<std::size_t>(n)};
        chunk += octets;
        chunk += "\r\n";
        auto const sent = co_await send(chunk);
        co_return sent;
    }

    net::awaitable<bool> pause(std::chrono::milliseconds time) override
    {
        auto const until = steady_clock::now() + time;
        for (;;) {
            auto const left = until - steady_clock::now();
            if (left <= left.zero()) co_return !house_.ending;
            auto const got = co_await more(left);
            if (got == arrival::late) co_return !house_.ending;
            if (got != arrival::came) co_return false;
        }
    }

private:
    /// False: it was the last one.
    net::awaitable<bool> serve_one()
    {
        incoming in;
        auto const head = co_await read_head(in);
        if (!head) co_return false;
        auto& request = in.request();
        request.client = peer_.remote().address;
        request.secure = secure_;
        old_ = in.is_old();
        bool const head_only = request.method == http::method::head;
        counted const busy{house_.busy};  // to the end of the answer
        bool stays = in.stays_open() && ++served_ < most_requests;

        if (request.host.empty()) {
            co_await refuse(rules::web_unknown_host, request);
            co_return false;
        }
        auto const to = house_.table->find(request.method, request.path);
        if (!secure_ && (to.to == nullptr || !to.to->options.without_tls)) {
            auto led = lead_to_https(request, house_.https_port);
            co_await give(led, head_only, false);
            co_return false;
        }
        auto const body = co_await read_body(in, to.to != nullptr ? to.to->options.body : route_options{}.body);
        if (!body) co_return false;
        request.body = in.take_body();

        call c{std::move(request), *house_.server};
        if (to.to != nullptr && std::holds_alternative<stream_handler>(to.to->handler) && !head_only) {
            c.parts = to.parts;
            co_await stream(*to.to, c);
            co_return false;
        }
        auto answered = co_await answer(to, c);
        stays = stays && !house_.ending;
        auto const given = co_await give(answered, head_only, stays);
        log::event(log::level::debug, "web_request",
                   {{"client", c.request.client.to_string()},
                    {"method", name_of(c.request.method)},
                    {"path", to.to != nullptr ? std::string_view{to.to->pattern} : std::string_view{}},
                    {"status", answered.status}});
        co_return given&& stays;
    }

    net::awaitable<arrival> more(steady_clock::duration limit)
    {
        auto const got = co_await peer_.read(limit);
        if (!got) co_return got.error() == boost::asio::error::timed_out ? arrival::late : arrival::ended;
        bool const fits = input_.add(*got);
        peer_.wipe_input();
        co_return fits ? arrival::came : arrival::flooded;
    }

    /// False: there is no request, or none that is any good; then it has been answered.
    net::awaitable<bool> read_head(incoming& in)
    {
        if (input_.empty()) {
            auto const got = co_await more(house_.crowded ? idle_limit_in_a_crowd : idle_limit);
            if (got != arrival::came) co_return false;
        }
        auto const until = steady_clock::now() + head_limit;
        // RFC 9112 section 2.2: some clients end a body with an empty line that is no part of it.
        if (served_ != 0 && input_.view().starts_with("\r\n")) input_.drop(2);
        for (std::size_t known = 0;;) {
            auto const look = look_at_head(input_.view(), known);
            known = input_.view().size();
            if (look.state == head_state::complete) {
                bool const read = in.read_head(input_.view().substr(0, look.size));
                input_.drop(look.size);
                if (!read) co_await refuse(rules::web_malformed, in.request());
                co_return read;
            }
            if (look.state != head_state::incomplete) {
                bool const unclear = look.state == head_state::malformed;
                co_await refuse(unclear ? rules::web_malformed : rules::web_head_too_large, in.request());
                co_return false;
            }
            auto const left = until - steady_clock::now();
            auto got = arrival::late;
            if (left > left.zero()) got = co_await more(left);
            if (got == arrival::late) co_await refuse(rules::web_too_slow, in.request());
            if (got != arrival::came) co_return false;
        }
    }

    net::awaitable<bool> read_body(incoming& in, std::size_t limit)
    {
        auto const until = steady_clock::now() + body_limit;
        bool asked = false;
        for (;;) {
            std::size_t taken = 0;
            auto const state = in.read_body(input_.view(), limit, taken);
            input_.drop(taken);
            if (state == body_state::complete) co_return true;
            if (state == body_state::too_large) {
                co_await refuse(rules::web_too_large, in.request());
                co_await hear_out();
            }
            if (state == body_state::malformed) co_await refuse(rules::web_malformed, in.request());
            if (state != body_state::incomplete) co_return false;
            if (input_.view().size() > longest_unread) {
                co_await refuse(rules::web_malformed, in.request());
                co_return false;
            }
            if (!asked && in.wants_continue() && input_.empty()) {
                asked = true;
                auto const sent = co_await send("HTTP/1.1 100 Continue\r\n\r\n");
                if (!sent) co_return false;
            }
            auto const left = until - steady_clock::now();
            auto got = arrival::late;
            if (left > left.zero()) got = co_await more(left);
            if (got == arrival::late) co_await refuse(rules::web_too_slow, in.request());
            if (got != arrival::came) co_return false;
        }
    }

    /// `request` as far as it has been read.
    net::awaitable<void> refuse(catalogue::rule const& why, http::request const& request)
    {
        auto refused = answer_for(why, request);
        co_await give(refused, request.method == http::method::head, false);
    }

    /// To close while octets are still on their way would reset the connection, and take the answer from who has not read
    /// it yet (RFC 9112 section 9.6).
    net::awaitable<void> hear_out()
    {
        auto const until = steady_clock::now() + hearing_limit;
        std::size_t left = most_heard;
        auto const said = co_await peer_.finish({}, hearing_limit);
        for (bool goes_on = said.has_value(); goes_on;) {
            auto const time = until - steady_clock::now();
            if (time <= time.zero()) co_return;
            auto const got = co_await peer_.read(time);
            goes_on = got && got->size() < left;
            if (goes_on) left -= got->size();
            peer_.wipe_input();
        }
    }

    net::awaitable<bool> give(http::response& r, bool head_only, bool stays)
    {
        answer_form const form{secure_, !stays, old_, false};
        auto text = print_head(r, form, wall_clock::now());
        bool const has_body = !head_only && may_have_body(r.status);
        bool const together = has_body && r.body.size() <= written_at_once;
        if (together) {
            std::string whole;
            whole.reserve(text.size() + r.body.size());
            whole += text;
            whole += r.body;
            text = std::move(whole);
        }
        auto sent = co_await send(text);
        if (sent && has_body && !together) sent = co_await send(r.body);
        if (r.holds_secret) {
            wipe(text.data(), text.size());
            wipe(r.body.data(), r.body.size());
        }
        co_return sent;
    }

    net::awaitable<void> stream(route const& to, call const& c)
    {
        std::string why;
        try {
            co_await std::get<stream_handler>(to.handler)(c, *this);
            if (streaming_ && !old_) co_await send("0\r\n\r\n");
            co_return;
        } catch (std::exception const& e) {
            why = e.what();
        }
        log::event(log::level::error, "web_request_failed", {{"path", to.pattern}, {"reason", why}});
    }

    net::awaitable<bool> send(std::string_view octets)
    {
        // One deadline for all of it: a reader that dribbles holds the connection no longer.
        slow_reader_.arm(answer_limit + std::chrono::seconds{octets.size() / slowest_reader});
        auto const sent = co_await peer_.write(octets, answer_limit);
        slow_reader_.disarm();
        co_return sent.has_value();
    }

    house& house_;
    net::stream& peer_;
    bool secure_;
    net::deadline slow_reader_;
    input input_;
    unsigned served_ = 0;
    bool old_ = false;
    bool streaming_ = false;
};

}  // namespace

net::awaitable<void> serve_connection(house& h, net::stream& peer, bool secure)
{
    connection c{h, peer, secure};
    co_await c.run();
    peer.close();
}

}  // namespace postern::web
