#include "directory/blocking_pool.hpp"

#include <utility>

namespace postern::directory {

blocking_pool::blocking_pool(unsigned threads, std::size_t queue, std::chrono::milliseconds patience)
    : room_(threads + queue), patience_(patience), shared_(std::make_shared<shared>())
{
    shared_->threads = threads + 1;
    for (unsigned i = 0; i < threads; ++i) std::thread{work, shared_}.detach();
    std::thread{watch, shared_}.detach();
}

blocking_pool::~blocking_pool() { stop(); }

void blocking_pool::forget(shared& s, std::shared_ptr<job> const& j)
{
    auto const [begin, end] = s.open.equal_range(j->deadline);
    for (auto it = begin; it != end; ++it) {
        if (it->second != j) continue;
        s.open.erase(it);
        return;
    }
}

bool blocking_pool::submit(question q)
{
    auto j = std::make_shared<job>();
    j->what = std::move(q);
    j->deadline = steady_clock::now() + patience_;
    {
        std::lock_guard lock{shared_->lock};
        if (shared_->stopping || shared_->open.size() >= room_) return false;
        shared_->open.emplace(j->deadline, j);
        shared_->waiting.push_back(j);
    }
    shared_->wake.notify_all();
    return true;
}

bool blocking_pool::full() const
{
    std::lock_guard lock{shared_->lock};
    return shared_->open.size() >= room_;
}

void blocking_pool::work(std::shared_ptr<shared> s)
{
    std::shared_ptr<void> state;
    std::unique_lock lock{s->lock};
    while (!s->stopping) {
        if (s->waiting.empty()) {
            s->wake.wait(lock);
            continue;
        }
        auto j = std::move(s->waiting.front());
        s->waiting.pop_front();
        if (j->answered) continue;
        lock.unlock();
        auto done = j->what.ask(state, j->deadline);
        lock.lock();
        if (j->answered) continue;
        j->answered = true;
        forget(*s, j);
        lock.unlock();
        done();
        done = nullptr;
        j.reset();
        lock.lock();
    }
    --s->threads;
    s->ended.notify_all();
}

/// Tells those whose time is up.
void blocking_pool::watch(std::shared_ptr<shared> s)
{
    std::unique_lock lock{s->lock};
    while (!s->stopping) {
        if (s->open.empty()) {
            s->wake.wait(lock);
            continue;
        }
        auto const first = s->open.begin();
        if (first->first > steady_clock::now()) {
            s->wake.wait_until(lock, first->first);
            continue;
        }
        auto j = first->second;
        s->open.erase(first);
        j->answered = true;
        lock.unlock();
        j->what.late();
        j.reset();
        lock.lock();
    }
    --s->threads;
    s->ended.notify_all();
}

void blocking_pool::stop()
{
    // A thread that is about to answer does so before this returns, or never.
    constexpr std::chrono::seconds patience_at_end{2};
    std::vector<std::shared_ptr<job>> left;
    {
        std::unique_lock lock{shared_->lock};
        if (std::exchange(shared_->stopping, true)) return;
        for (auto& [when, j] : shared_->open) {
            j->answered = true;
            left.push_back(j);
        }
        shared_->open.clear();
        shared_->waiting.clear();
        shared_->wake.notify_all();
    }
    for (auto const& j : left) j->what.late();
    std::unique_lock lock{shared_->lock};
    shared_->ended.wait_for(lock, patience_at_end, [this] { return shared_->threads == 0; });
}

}  // namespace postern::directory
