#include "web/mail_link.hpp"

#include <list>
#include <optional>
#include <vector>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/clock.hpp"
#include "base/counted.hpp"
#include "base/log.hpp"

namespace postern::web {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using control::failure;
using control::outcome;

constexpr std::size_t most_connections = 16;
// Besides those: a wrong password is answered late on purpose, and those who guess must not keep the rest waiting.
constexpr std::size_t most_sign_ins = 32;
constexpr std::size_t longest_line_of_waiting = 64;
constexpr auto connect_limit = 2s;
constexpr auto answer_limit = 10s;
constexpr auto sign_in_limit = control::longest_sign_in + 6s;
constexpr auto idle_life = 20s;
constexpr std::size_t longest_answer = 4u << 20;
constexpr auto complain_after = 5s, complain_every = 60s;  // both processes may just be starting

failure away(std::string text) { return {failure::kind::unavailable, std::move(text), {}}; }

class link_over_socket final : public mail_link {
public:
    link_over_socket(asio::any_io_executor executor, std::string path)
        : executor_(std::move(executor)), path_(std::move(path))
    {
    }

    void close() override { idle_.clear(); }

    net::awaitable<outcome> ask(std::string command, boost::json::object arguments, std::string_view session,
                                ip_address client) override
    {
        bool const signs_in = command == "web sign-in";
        auto const until = steady_clock::now() + (signs_in ? sign_in_limit : answer_limit);
        std::optional<counted<std::size_t>> signing_in;
        std::optional<turn> mine;
        if (signs_in) {
            if (sign_ins_ >= most_sign_ins) co_return away("too many people sign in at once");
            signing_in.emplace(sign_ins_);
        } else {
            bool const has_turn = co_await wait_for_turn(until);
            if (!has_turn) co_return away("the mail server has too much to do");
            mine.emplace(*this);
        }
        control::request asked;
        asked.command = std::move(command);
        asked.arguments = std::move(arguments);
        asked.client = client.to_string();
        asked.session = secret{session};
        auto const line = control::print_web_request(asked);
        if (line.size() > control::longest_web_request)
            co_return failure{failure::kind::usage, "this is too much at once", {}};
        auto answered = co_await exchange(line.reveal(), until);
        co_return answered;
    }

private:
    struct connection {
        std::unique_ptr<net::stream> stream;
        steady_time used;
    };

    /// Lets the next one go on when it ends.
    struct turn {
        explicit turn(link_over_socket& l) : link(l) {}
        ~turn()
        {
            --link.asking_;
            if (!link.waiting_.empty()) link.waiting_.front()->cancel();
        }
        turn(turn const&) = delete;
        turn& operator=(turn const&) = delete;
        link_over_socket& link;
    };

    /// Until the coroutine goes on, or is destroyed.
    struct place_in_line {
        place_in_line(link_over_socket& l, steady_time until)
            : link(l), timer(l.executor_, until), at(l.waiting_.insert(l.waiting_.end(), &timer))
        {
        }
        ~place_in_line() { link.waiting_.erase(at); }
        place_in_line(place_in_line const&) = delete;
        place_in_line& operator=(place_in_line const&) = delete;
        link_over_socket& link;
        asio::steady_timer timer;
        std::list<asio::steady_timer*>::iterator at;
    };

    net::awaitable<bool> wait_for_turn(steady_time until)
    {
        if (asking_ >= most_connections) {
            if (waiting_.size() >= longest_line_of_waiting) co_return false;
            place_in_line here{*this, until};
            boost::system::error_code ec;
            while (asking_ >= most_connections && steady_clock::now() < until)
                co_await here.timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
            if (asking_ >= most_connections) co_return false;
        }
        ++asking_;
        co_return true;
    }

    net::awaitable<outcome> exchange(std::string_view line, steady_time until)
    {
        // What was sent may have been done, answered or not: nothing is asked twice.
        if (auto kept = take_kept()) {
            bool heard = false;
            auto answered = co_await talk(std::move(kept), line, until, heard);
            if (!heard) idle_.clear();
            co_return answered;
        }
        auto made = co_await net::connect_unix(executor_, path_, connect_limit);
        if (!made) {
            complain(made.error().message());
            co_return away("the mail server does not answer");
        }
        bool heard = false;
        auto answered = co_await talk(std::move(*made), line, until, heard);
        if (!heard) complain("it closed the connection, or said nothing in time");
        co_return answered;
    }

    std::unique_ptr<net::stream> take_kept()
    {
        while (!idle_.empty()) {
            auto last = std::move(idle_.back());
            idle_.pop_back();
            if (steady_clock::now() - last.used < idle_life) return std::move(last.stream);
        }
        return nullptr;
    }

    /// `heard`: something came back.
    net::awaitable<outcome> talk(std::unique_ptr<net::stream> peer, std::string_view line, steady_time until,
                                 bool& heard)
    {
        auto const sent = co_await peer->write(line, answer_limit);
        if (!sent) co_return away("the mail server does not answer");
        std::string text;
        while (!text.ends_with('\n')) {
            auto const left = until - steady_clock::now();
            if (left <= left.zero()) co_return away("the mail server takes too long");
            auto const got = co_await peer->read(left);
            if (!got) co_return away("the mail server does not answer");
            heard = true;
            away_since_.reset();
            append(text, *got);
            peer->wipe_input();
            if (text.size() > longest_answer) co_return away("the mail server says too much at once");
        }
        text.pop_back();
        auto const answer = secret::take(text);
        idle_.push_back({std::move(peer), steady_clock::now()});
        co_return control::parse_response(answer.reveal());
    }

    /// Leaves no copy behind when it grows: an answer may hold a secret.
    static void append(std::string& text, std::string_view more)
    {
        if (text.capacity() - text.size() < more.size()) {
            std::string larger;
            larger.reserve(2 * (text.size() + more.size()));
            larger = text;
            wipe(text.data(), text.size());
            text = std::move(larger);
        }
        text += more;
    }

    void complain(std::string const& why)
    {
        auto const now = steady_clock::now();
        if (!away_since_) away_since_ = now;
        if (now - *away_since_ < complain_after || now < silent_until_) return;
        silent_until_ = now + complain_every;
        log::event(log::level::warning, "web_server_away",
                   {{"socket", path_}, {"problem", why}, {"remedy", "see whether `postern serve` runs"}});
    }

    asio::any_io_executor executor_;
    std::string path_;
    std::size_t asking_ = 0, sign_ins_ = 0;
    std::list<asio::steady_timer*> waiting_;
    std::vector<connection> idle_;
    std::optional<steady_time> away_since_;
    steady_time silent_until_{};
};

}  // namespace

std::unique_ptr<mail_link> make_mail_link(asio::any_io_executor executor, std::string path)
{
    return std::make_unique<link_over_socket>(std::move(executor), std::move(path));
}

}  // namespace postern::web
