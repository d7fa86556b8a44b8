#include "doctor/dialogue.hpp"

#include <algorithm>

#include <boost/asio/error.hpp>

#include "base/hex.hpp"
#include "base/text.hpp"
#include "net/connect_from.hpp"

namespace postern::doctor {
namespace {

std::string in_words(net::error_code why)
{
    if (why == boost::asio::error::timed_out) return "does not answer within the time";
    if (why == boost::asio::error::connection_refused) return "refuses the connection";
    if (why == boost::asio::error::eof) return "closes the connection";
    return "can't be reached: " + why.message();
}

}  // namespace

void dialogue::lose(std::string why)
{
    problem_ = std::move(why);
    if (stream_) stream_->close();
    stream_.reset();
}

net::awaitable<bool> dialogue::connect(endpoint to, std::optional<ip_address> from)
{
    net::net_result<std::unique_ptr<net::stream>> made{boost::asio::error::not_connected};
    if (from) {
        made = co_await net::connect_from(executor_, *from, to, limit_);
    } else {
        made = co_await net::connect(executor_, to, limit_);
    }
    unread_.clear();
    parser_ = {};
    if (!made) {
        lose(in_words(made.error()));
        co_return false;
    }
    stream_ = std::move(*made);
    co_return true;
}

net::awaitable<bool> dialogue::shake_hands(std::shared_ptr<net::tls_context> context, std::string name)
{
    net::server_identity who{std::move(name)};
    auto const shaken = co_await stream_->handshake_as_client(std::move(context), std::move(who), limit_);
    if (shaken) co_return true;
    auto const why = stream_->problem();
    lose("TLS fails: " + (why.empty() ? shaken.error().message() : printable(why, 200)));
    co_return false;
}

net::awaitable<std::optional<smtp::reply>> dialogue::listen()
{
    // For the whole reply: who drips an octet now and then must not hold us.
    auto const until = steady_clock::now() + limit_;
    for (;;) {
        std::string_view rest = unread_;
        auto const state = parser_.take(rest);
        std::string left{rest};
        unread_ = std::move(left);
        if (state == smtp::reply_parser::state::complete) co_return parser_.release();
        if (state == smtp::reply_parser::state::malformed || !stream_) {
            if (stream_) lose("answers, but not as a mail server");
            co_return std::nullopt;
        }
        auto const time = std::max<steady_clock::duration>(until - steady_clock::now(), std::chrono::milliseconds{1});
        auto const read = co_await stream_->read(time);
        if (!read) {
            lose(in_words(read.error()));
            co_return std::nullopt;
        }
        if (strange_.empty()) strange_ = printable(read->substr(0, 60), 80);
        unread_.append(*read);
    }
}

net::awaitable<std::optional<smtp::reply>> dialogue::say(std::string line)
{
    if (!stream_) co_return std::nullopt;
    line += "\r\n";
    auto const written = co_await stream_->write(line, limit_);
    if (!written) {
        lose(in_words(written.error()));
        co_return std::nullopt;
    }
    auto said = co_await listen();
    co_return said;
}

std::string dialogue::certificate() const { return stream_ ? to_hex(stream_->bindings().certificate) : std::string{}; }

}  // namespace postern::doctor
