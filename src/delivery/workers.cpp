#include "delivery/workers.hpp"

#include <utility>

namespace postern::delivery {

workers::workers(unsigned threads)
{
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

workers::~workers()
{
    {
        std::lock_guard const lock{mutex_};
        over_ = true;
    }
    work_.notify_all();
    for (auto& t : threads_) t.join();
}

void workers::post(std::function<void()> task)
{
    {
        std::lock_guard const lock{mutex_};
        tasks_.push_back(std::move(task));
    }
    work_.notify_one();
}

void workers::run()
{
    for (;;) {
        std::function<void()> task;
        {
            std::unique_lock lock{mutex_};
            work_.wait(lock, [this] { return over_ || !tasks_.empty(); });
            if (over_) return;
            task = std::move(tasks_.front());
            tasks_.pop_front();
        }
        task();
    }
}

}  // namespace postern::delivery
