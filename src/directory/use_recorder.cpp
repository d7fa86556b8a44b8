#include "directory/use_recorder.hpp"

#include <chrono>
#include <system_error>
#include <utility>

#include <pthread.h>

#include "base/log.hpp"

namespace postern::directory {
namespace {

constexpr std::size_t most_pending = 20'000;
constexpr std::chrono::seconds between_writes{5};

}  // namespace

void use_recorder::note(use_of_app_password use)
{
    std::lock_guard lock{lock_};
    if (stopping_ || (pending_.size() >= most_pending && !pending_.contains(use.app_password))) return;
    pending_.insert_or_assign(use.app_password, std::move(use));
    if (!thread_.joinable()) {
        try {
            thread_ = std::thread{[this] { work(); }};
        } catch (std::system_error const&) {
            return;  // no thread to be had; the next use tries again
        }
    }
    wake_.notify_one();
}

void use_recorder::work()
{
    pthread_setname_np(pthread_self(), "postern-uses");
    std::unique_lock lock{lock_};
    while (!stopping_) {
        wake_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
        if (wake_.wait_for(lock, between_writes, [this] { return stopping_; })) return;
        lock.unlock();
        flush();
        lock.lock();
    }
}

void use_recorder::flush()
{
    std::vector<use_of_app_password> list;
    {
        std::lock_guard lock{lock_};
        list.reserve(pending_.size());
        for (auto& [id, use] : pending_) list.push_back(std::move(use));
        pending_.clear();
    }
    if (list.empty()) return;
    if (auto written = write_(list); !written)
        log::event(log::level::warning, "last_use_not_stored", {{"detail", written.error().logged}});
}

void use_recorder::stop()
{
    {
        std::lock_guard lock{lock_};
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
    flush();
}

}  // namespace postern::directory
