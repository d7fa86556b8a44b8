#include "delivery/exchange.hpp"

#include <boost/asio/error.hpp>

namespace postern::delivery {

namespace {

using net::awaitable;

constexpr std::size_t kept_buffer = 256u << 10;

std::chrono::milliseconds patience(smtp::phase p, time_limits const& t)
{
    switch (p) {
        case smtp::phase::data: return t.data;
        case smtp::phase::content: return t.content;
        case smtp::phase::quit: return t.quit;
        default: return t.command;
    }
}

}  // namespace

std::string describe(link const& l, net::error_code const& e)
{
    if (l.overdue) return "it took too long altogether";
    if (e == boost::asio::error::timed_out) return "no answer in time";
    if (e == boost::asio::error::eof) return "the other side closed the connection";
    if (e == boost::asio::error::operation_aborted) return "cut off by the end of this server";
    return e.message();
}

awaitable<void> exchange(std::shared_ptr<link> l, smtp::phase waiting_for, time_limits limits)
{
    auto& s = l->session;
    auto const limit = patience(waiting_for, limits);
    bool writable = true;
    if (!s.output().empty()) {
        auto const written = co_await l->stream->write(s.output(), limit);
        if (waiting_for == smtp::phase::auth) wipe(s.output().data(), s.output().size());
        s.output().clear();
        if (s.output().capacity() > kept_buffer) std::string{}.swap(s.output());
        if (!written) {
            writable = false;
            // It may have said why before it stopped listening.
            auto const said = co_await l->stream->read(last_words);
            if (said) s.on_input(*said);
            s.on_lost(describe(*l, written.error()));
        }
    }
    auto const before = s.replies();
    auto const until = steady_clock::now() + limit;
    while (writable && s.replies() == before && s.failed() == smtp::failure::none) {
        auto const left = until - steady_clock::now();
        if (left <= steady_clock::duration::zero()) {
            s.on_lost("no answer in time");
            break;
        }
        auto const said = co_await l->stream->read(left);
        if (said) {
            s.on_input(*said);
        } else {
            s.on_lost(describe(*l, said.error()));
        }
    }
}

}  // namespace postern::delivery
