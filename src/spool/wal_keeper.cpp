#include "spool/wal_keeper.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/log.hpp"
#include "spool/failures.hpp"
#include "spool/schema.hpp"

namespace postern::spool {
namespace {

constexpr std::uint64_t frame_size = static_cast<std::uint64_t>(page_size) + 24;
constexpr std::uint64_t least_log = 256u << 10;
// Late, so that pages that change often are copied once; but early enough to be done
// before the log outgrows its file.
int three_quarters(std::uint64_t log_size)
{
    return static_cast<int>(std::max(log_size, least_log) / 4 * 3 / frame_size);
}
// When somebody's long read keeps the log from beginning anew, trying at each commit won't help.
constexpr int try_again_after = 1024;
constexpr std::chrono::milliseconds idle_after{1000};

}  // namespace

checkpointer::checkpointer(std::filesystem::path file, std::uint64_t log_size)
    : file_(std::move(file)),
      begin_at_(three_quarters(log_size)),
      too_long_(begin_at_ * 5),
      wait_at_(too_long_),
      next_at_(begin_at_)
{
    thread_ = std::thread{[this] { run(); }};
}

checkpointer::~checkpointer()
{
    {
        std::scoped_lock lock{mutex_};
        stopping_ = true;
        wake_.notify_all();
    }
    thread_.join();
}

void checkpointer::committed(int wal_frames)
{
    if (wal_frames < frames_) {  // it has begun anew
        next_at_ = begin_at_;
        wait_at_ = too_long_;
    }
    frames_ = wal_frames;
    ++commits_;
    if (wal_frames < next_at_) return;
    next_at_ = wal_frames + try_again_after;
    std::scoped_lock lock{mutex_};
    urgent_ = true;
    wake_.notify_all();
}

std::uint64_t checkpointer::octets_in_log() const noexcept
{
    return static_cast<std::uint64_t>(frames_) * static_cast<std::uint64_t>(page_size);
}

void checkpointer::take_help(std::function<void()> const& copy)
{
    std::unique_lock ours{database_mutex_, std::defer_lock};
    if (frames_ >= wait_at_) {
        ours.lock();
    } else if (!ours.try_lock()) {
        return;
    }
    copy();
    // When it is a long read that is in the way, waiting each time does not help.
    wait_at_ = std::max(too_long_, frames_ + try_again_after);
    std::scoped_lock lock{mutex_};
    wants_help_ = false;
}

void checkpointer::close()
{
    std::scoped_lock lock{database_mutex_};
    db_.close();
}

result<> checkpointer::reopen()
{
    std::scoped_lock lock{database_mutex_};
    db_.close();
    auto opened = open_for_reading(file_);
    if (!opened) return opened.error();
    db_ = std::move(*opened);
    return done{};
}

void checkpointer::run()
{
    std::unique_lock lock{mutex_};
    unsigned seen = 0, copied = 0;
    while (!stopping_) {
        wake_.wait_for(lock, idle_after, [this] { return stopping_ || urgent_; });
        if (stopping_) return;
        unsigned const now = commits_;
        // A pause: nobody notices, and what is left for the next start gets less.
        bool const idle = now == seen && now != copied && !wants_help_;
        seen = now;
        if (!urgent_ && !idle) continue;
        copied = now;
        checkpoint(lock);
        urgent_ = false;
    }
}

void checkpointer::checkpoint(std::unique_lock<std::mutex>& lock)
{
    lock.unlock();
    store::connection::copied last;
    last.done = true;
    {
        std::scoped_lock database{database_mutex_};
        if (db_) {
            // The first takes long and leaves what was committed meanwhile, the second little.
            for (int i = 0; i < 2 && last.done && (i == 0 || last.copied < last.in_log); ++i) last = db_.copy_log();
            if (!last.done && !last.in_the_way)
                log::event(log::level::error, "spool-checkpoint-failed",
                           {{"error", db_.failure("copying the log").logged}});
        }
    }
    lock.lock();
    if (last.done && urgent_ && frames_ > last.copied) wants_help_ = true;
    // Not at once again when it does not work: the disk may be full.
    if (!last.done) wake_.wait_for(lock, idle_after, [this] { return stopping_; });
}

log_syncer::log_syncer(std::filesystem::path wal, std::function<void(error, callbacks)> failed)
    : wal_(std::move(wal)), failed_(std::move(failed))
{
    thread_ = std::thread{[this] { run(); }};
}

log_syncer::~log_syncer() { finish(); }

void log_syncer::finish()
{
    {
        std::scoped_lock lock{mutex_};
        stopping_ = true;
        wake_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
    forget_file();
}

void log_syncer::sync(callbacks then)
{
    std::scoped_lock lock{mutex_};
    for (auto& t : then) then_.push_back(std::move(t));
    asked_ = true;
    wake_.notify_all();
}

void log_syncer::forget_file()
{
    std::scoped_lock lock{file_mutex_};
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}

result<> log_syncer::sync_now()
{
    std::scoped_lock lock{file_mutex_};
    if (descriptor_ < 0) descriptor_ = ::open(wal_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    // No log: the database was closed, and with that all is in its main file.
    if (descriptor_ < 0) return errno == ENOENT ? result<>{} : result<>{file_failure("opening", wal_, errno)};
    if (::fdatasync(descriptor_) != 0) return file_failure("syncing", wal_, errno);
    return done{};
}

void log_syncer::run()
{
    std::unique_lock lock{mutex_};
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || asked_; });
        if (!asked_) return;
        auto then = std::move(then_);
        then_.clear();
        asked_ = false;
        lock.unlock();
        if (result<> const synced = sync_now(); synced) {
            for (auto const& t : then) t(done{});
        } else {
            failed_(synced.error(), std::move(then));
        }
        lock.lock();
    }
}

}  // namespace postern::spool
