#include "spool/workers.hpp"

namespace postern::spool {

workers::workers(unsigned threads)
{
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

void workers::submit(std::function<void()> job)
{
    {
        std::scoped_lock lock{mutex_};
        if (!stopping_) {
            jobs_.push_back(std::move(job));
            wake_.notify_one();
            return;
        }
    }
    job();
}

void workers::finish()
{
    {
        std::scoped_lock lock{mutex_};
        stopping_ = true;
        wake_.notify_all();
    }
    for (std::thread& t : threads_) t.join();
    threads_.clear();
}

void workers::run()
{
    std::unique_lock lock{mutex_};
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        auto const job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        lock.lock();
    }
}

}  // namespace postern::spool
