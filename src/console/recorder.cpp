#include "console/recorder.hpp"

#include <pthread.h>

#include "base/clock.hpp"
#include "base/log.hpp"

namespace postern::console {

recorder::recorder(std::unique_ptr<number_book> book, std::function<now_there()> look)
    : book_(std::move(book)), look_(std::move(look)), thread_([this] { work(); })
{
    ::pthread_setname_np(thread_.native_handle(), "numbers");
}

void recorder::stop()
{
    {
        std::scoped_lock const hold{lock_};
        ending_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void recorder::work()
{
    sampler from{counters::totals};
    bool failing = false;
    for (;;) {
        auto const since =
            std::chrono::duration_cast<std::chrono::seconds>(wall_clock::now().time_since_epoch()).count();
        // Samples end at whole tens of seconds, whenever the server was started.
        auto const next = (since / sample_seconds + 1) * sample_seconds;
        {
            std::unique_lock hold{lock_};
            if (wake_.wait_for(hold, std::chrono::seconds{next - since}, [this] { return ending_; })) return;
        }
        auto const there = look_();
        auto const stored = book_->add(from.take(next, there.queue, there.sessions));
        if (!stored && !failing)
            log::event(log::level::warning, "numbers_not_stored", {{"problem", stored.error().logged}});
        failing = !stored;
    }
}

}  // namespace postern::console
