#include "filters/milter_pool.hpp"

#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace postern::filters {

namespace asio = boost::asio;

namespace {

// Milters themselves end connections that are idle for long.
constexpr auto longest_idle = std::chrono::seconds{30};

}  // namespace

milter_pool::place::~place()
{
    auto& l = of_->lines_[address_];
    --l.taken;
    if (link && keeps && !of_->closed_) {
        link->used = true;
        link->free_since = steady_clock::now();
        l.free.push_back(std::move(link));
    }
    if (!l.waiting.empty()) {
        l.waiting.front()->cancel();
        l.waiting.pop_front();
    }
    of_->drop_old();
}

// In the line as long as it is there: coroutines may end while they wait.
struct milter_pool::waiting_entry {
    waiting_entry(asio::any_io_executor const& executor, steady_time until, line& l) : alarm(executor, until), of(l)
    {
        of.waiting.push_back(&alarm);
    }
    ~waiting_entry() { std::erase(of.waiting, &alarm); }
    waiting_entry(waiting_entry const&) = delete;
    waiting_entry& operator=(waiting_entry const&) = delete;
    asio::steady_timer alarm;
    line& of;
};

void milter_pool::close()
{
    closed_ = true;
    for (auto& [address, l] : lines_) l.free.clear();
}

void milter_pool::drop_old()
{
    auto const since = steady_clock::now() - longest_idle;
    for (auto& [address, l] : lines_)
        while (!l.free.empty() && l.free.front()->free_since < since) l.free.pop_front();
}

net::awaitable<std::unique_ptr<milter_pool::place>> milter_pool::take(config::milter m, steady_time latest)
{
    drop_old();
    auto& l = lines_[m.address];
    unsigned const share = std::max(1u, m.connections / threads_);
    auto const until = std::min(latest, steady_clock::now() + steady_clock::duration{m.timeout});
    while (l.taken >= share) {
        waiting_entry mine{executor_, until, l};
        net::error_code ec;
        co_await mine.alarm.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        if (l.taken >= share && steady_clock::now() >= until) co_return nullptr;
    }
    ++l.taken;
    auto mine = std::make_unique<place>(*this, m.address);
    if (!l.free.empty()) {
        mine->link = std::move(l.free.back());
        l.free.pop_back();
    }
    co_return mine;
}

}  // namespace postern::filters
