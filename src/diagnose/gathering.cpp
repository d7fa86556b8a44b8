#include "diagnose/gathering.hpp"

#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace postern::diagnose {

namespace asio = boost::asio;

void gathering::add(asio::awaitable<void> task)
{
    ++state_->running;
    asio::co_spawn(state_->executor, std::move(task), [s = state_](std::exception_ptr) {
        --s->running;
        s->ended.cancel();
    });
}

asio::awaitable<void> gathering::wait_for(std::shared_ptr<state> s, std::function<bool()> enough,
                                          steady_clock::duration again)
{
    while (s->running != 0 && !enough()) {
        s->ended.expires_after(again);
        boost::system::error_code ignored;
        co_await s->ended.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
}

asio::awaitable<void> gathering::wait(std::function<bool()> enough, steady_clock::duration again)
{
    return wait_for(state_, std::move(enough), again);
}

asio::awaitable<void> gathering::wait()
{
    return wait_for(
        state_, [] { return false; }, std::chrono::seconds{1});
}

}  // namespace postern::diagnose
