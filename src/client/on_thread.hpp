// Work that takes a thread of its own, which nobody can end early: its result comes back to the
// coroutine that waits for it, or to nobody, when the io_context has ended meanwhile.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include "net/awaiting.hpp"

namespace postern::client {

/// Something that may be told one thing, once, from any thread; until it is forgotten.
class listener {
public:
    virtual ~listener() = default;
    virtual void forget() = 0;
};

/// All the listeners of an io_context: when that ends, they are told nothing any more.
class listeners final : public boost::asio::execution_context::service {
public:
    using key_type = listeners;
    static inline boost::asio::execution_context::id id{};

    explicit listeners(boost::asio::execution_context& owner) : service(owner) {}
    void add(std::weak_ptr<listener> one)
    {
        std::lock_guard const lock{mutex_};
        std::erase_if(all_, [](auto const& w) { return w.expired(); });
        all_.push_back(std::move(one));
    }

private:
    void shutdown() override
    {
        std::lock_guard const lock{mutex_};
        for (auto const& weak : all_)
            if (auto const one = weak.lock()) one->forget();
    }

    std::mutex mutex_;
    std::vector<std::weak_ptr<listener>> all_;
};

template <class Value>
class waiting final : public listener {
public:
    explicit waiting(std::function<void(Value)> then) : then_(std::move(then)) {}
    /// Who is first tells; another finds nobody left to tell.
    void tell(Value value)
    {
        std::lock_guard const lock{mutex_};
        if (then_) std::exchange(then_, nullptr)(std::move(value));
    }
    void forget() override
    {
        std::function<void(Value)> gone;  // what it holds ends outside the lock
        std::lock_guard const lock{mutex_};
        gone.swap(then_);
    }

private:
    std::mutex mutex_;
    std::function<void(Value)> then_;
};

/// Runs `work` on a thread of its own. `begun` is given what a deadline may tell in its place.
template <class Value, class Work, class Begun>
boost::asio::awaitable<Value> on_thread(boost::asio::any_io_executor executor, Work work, Begun begun)
{
    return net::await_handler<Value>(
        executor, [executor, work = std::move(work), begun = std::move(begun)](std::function<void(Value)> then) {
            auto const who = std::make_shared<waiting<Value>>(std::move(then));
            auto& context = boost::asio::query(executor, boost::asio::execution::context);
            boost::asio::use_service<listeners>(context).add(who);
            begun(who);
            std::thread{[work, who] { who->tell(work()); }}.detach();
        });
}

template <class Value, class Work>
boost::asio::awaitable<Value> on_thread(boost::asio::any_io_executor executor, Work work)
{
    return on_thread<Value>(std::move(executor), std::move(work), [](auto const&) {});
}

}  // namespace postern::client
