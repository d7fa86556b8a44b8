#include "signing/signer.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <pthread.h>

#include "base/log.hpp"

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

void signer::run(std::function<void()> work, std::function<void(std::string const& problem)> done)
{
    task t{std::move(work), std::move(done)};
    {
        std::unique_lock hold{lock_};
        if (ending_ || tasks_.size() >= most_tasks) {
            hold.unlock();
            return perform(t);
        }
        tasks_.push_back(std::move(t));
    }
    wake_.notify_one();
}

void signer::sign(std::string& message, wall_time now, std::function<void()> done)
{
    auto const ring = keys();
    if (ring->empty()) return done();
    run([&message, ring, now] { message.insert(0, signatures_for(ring, message, now)); },
        [done = std::move(done)](std::string const& problem) {
            if (!problem.empty()) log::event(log::level::warning, "dkim_unsigned", {{"problem", problem}});
            done();
        });
}

void signer::perform(task const& t)
{
    std::string problem;
    try {
        t.work();
    } catch (std::exception const& e) {
        problem = e.what();
        if (problem.empty()) problem = "an exception without a word";
    }
    t.done(problem);
}

void signer::work()
{
    std::unique_lock hold{lock_};
    for (;;) {
        wake_.wait(hold, [this] { return ending_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        auto t = std::move(tasks_.front());
        tasks_.pop_front();
        hold.unlock();
        perform(t);
        t = {};
        hold.lock();
    }
}

}  // namespace postern::signing
