#include "signing/signer.hpp"

#include <algorithm>

#include <pthread.h>

namespace postern::signing {
namespace {

// Each is a message whose client waits: so many are seconds of work.
constexpr std::size_t most_tasks = 10'000;

}  // namespace

signer::signer(unsigned threads) : keys_(std::make_shared<keyring const>(config::settings{}))
{
    for (unsigned i = 0; i < std::max(1u, threads); ++i) {
        threads_.emplace_back([this] { work(); });
        ::pthread_setname_np(threads_.back().native_handle(), "signing");
    }
}

signer::~signer() { stop(); }

void signer::stop()
{
    {
        std::lock_guard const hold{lock_};
        ending_ = true;
    }
    wake_.notify_all();
    for (auto& t : threads_)
        if (t.joinable()) t.join();
}

std::shared_ptr<keyring const> signer::keys() const
{
    std::lock_guard const hold{lock_};
    return keys_;
}

void signer::set_keys(std::shared_ptr<keyring const> keys)
{
    std::lock_guard const hold{lock_};
    keys_ = std::move(keys);
}

void signer::run(std::function<void()> task)
{
    {
        std::unique_lock hold{lock_};
        if (ending_ || tasks_.size() >= most_tasks) {
            hold.unlock();
            return task();
        }
        tasks_.push_back(std::move(task));
    }
    wake_.notify_one();
}

void signer::work()
{
    std::unique_lock hold{lock_};
    for (;;) {
        wake_.wait(hold, [this] { return ending_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        auto task = std::move(tasks_.front());
        tasks_.pop_front();
        hold.unlock();
        task();
        task = nullptr;
        hold.lock();
    }
}

}  // namespace postern::signing
