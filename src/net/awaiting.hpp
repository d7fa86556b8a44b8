// From handlers that other threads call to something a session's coroutine can await:
// the result is carried back to the session's own thread.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace postern::net {

/// Calls `begin` with a handler that may be called once, from any thread, and awaits what
/// the handler was given. `begin` may call it before it returns.
template <class Value, class Begin>
boost::asio::awaitable<Value> await_handler(boost::asio::any_io_executor executor, Begin begin)
{
    auto initiate = [](auto completion, boost::asio::any_io_executor where, Begin start) {
        // std::function wants to be copied; completions can only be moved.
        auto shared = std::make_shared<decltype(completion)>(std::move(completion));
        start([shared, where](Value value) {
            boost::asio::post(where, [shared, v = std::move(value)]() mutable {
                auto c = std::move(*shared);
                std::move(c)(std::move(v));
            });
        });
    };
    return boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void(Value)>(
        initiate, boost::asio::use_awaitable, std::move(executor), std::move(begin));
}

}  // namespace postern::net
