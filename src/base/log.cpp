#include "base/log.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "base/history_file.hpp"
#include "base/log_lines.hpp"
#include "base/log_listener.hpp"

namespace postern::log {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t buffer_limit = 4u << 20;
constexpr std::size_t pipe_piece =
    4096;                      // a pipe or socket that poll() calls writable takes this much without blocking
constexpr auto pause = 20ms;   // between two rounds of the writer
constexpr auto patience = 1s;  // of stop() with a sink that is stuck, and of flush()

std::uint64_t count_lines(std::string_view text)
{
    return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

// Lines for one sink that wait for the writer.
struct waiting {
    std::string lines;
    std::uint64_t dropped = 0;

    void add(std::string_view line)
    {
        if (lines.size() + line.size() > buffer_limit)
            ++dropped;
        else
            lines += line;
    }
};

struct logger {
    // Read by every event without the lock.
    std::atomic<log::format> format{log::format::text};
    std::atomic<log::level> level{log::level::info};
    std::atomic<bool> keeps_history{false};
    std::atomic<listener*> told{nullptr};

    std::mutex control;  // start() and stop() one at a time

    std::mutex lock;  // all below
    std::condition_variable wake, written;
    waiting screen, history;
    options wanted;
    bool changed = false;  // `wanted` has something new for the writer
    bool running = false;
    bool stopping = false;
    bool urgent = false;
    std::uint64_t flush_wanted = 0, flush_done = 0;
    std::thread* writer = nullptr;
    std::thread* orphan = nullptr;  // in a child of fork(): the parent's
};

// Never destroyed: events may come while the process ends.
logger& the_log()
{
    static auto* const one = new logger;
    return *one;
}

// Takes what standard error takes at once. Never waits: it is shared with others, so
// it can't be made non-blocking, but it can be asked first. False on failure.
bool write_some(std::string& lines)
{
    std::size_t sent = 0;
    bool fine = true;
    while (sent < lines.size()) {
        pollfd ready{STDERR_FILENO, POLLOUT, 0};
        int const n = ::poll(&ready, 1, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) break;
        std::string_view piece = std::string_view(lines).substr(sent, pipe_piece);
        if (auto const end = piece.rfind('\n'); end != std::string_view::npos) piece = piece.substr(0, end + 1);
        auto const done = ::write(STDERR_FILENO, piece.data(), piece.size());
        if (done < 0 && errno == EINTR) continue;
        if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (done <= 0) {
            fine = false;
            break;
        }
        sent += static_cast<std::size_t>(done);
    }
    lines.erase(0, sent);
    return fine;
}

void write_directly(std::string_view line)
{
    while (!line.empty()) {
        auto const n = ::write(STDERR_FILENO, line.data(), line.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        line.remove_prefix(static_cast<std::size_t>(n));
    }
}

// The thread that empties the buffers.
class writing {
public:
    explicit writing(logger& l) : log_(l) {}

    void run()
    {
        std::unique_lock guard(log_.lock);
        auto next = steady_clock::now();
        while (round(guard, next)) {
        }
        // What came while the last round wrote.
        history_.swap(log_.history.lines);
        stuck_ += std::exchange(log_.screen.lines, {});
        write_history();
        write_screen({});
        log_.running = false;
        log_.flush_done = log_.flush_wanted;
        log_.written.notify_all();
    }

private:
    bool called() const { return log_.stopping || log_.urgent || log_.flush_wanted != log_.flush_done; }

    bool round(std::unique_lock<std::mutex>& guard, steady_time& next)
    {
        auto const something = [this] {
            return called() || log_.changed || !log_.screen.lines.empty() || !log_.history.lines.empty();
        };
        if (stuck_.empty()) log_.wake.wait(guard, something);
        log_.wake.wait_until(guard, next, [this] { return called(); });

        if (stuck_.empty()) stuck_.swap(log_.screen.lines);
        history_.swap(log_.history.lines);
        screen_lost_ += std::exchange(log_.screen.dropped, 0);
        history_lost_ += std::exchange(log_.history.dropped, 0);
        log_.urgent = false;
        bool const stopping = log_.stopping;
        auto const ticket = log_.flush_wanted;
        if (std::exchange(log_.changed, false)) {
            auto const o = log_.wanted;
            guard.unlock();
            file_.use(o.history, o.history_size);
        } else {
            guard.unlock();
        }
        write_history();
        write_screen(stopping ? steady_clock::now() + patience : steady_time{});
        next = steady_clock::now() + pause;
        guard.lock();
        if (ticket != log_.flush_done) {
            log_.flush_done = ticket;
            log_.written.notify_all();
        }
        return !stopping;
    }

    void write_history()
    {
        if (std::string why; !file_.write(history_, why)) {
            // Which of them were written is not known; the number is for a human.
            history_lost_ += count_lines(history_);
            if (!history_failed_) report(level::error, "history_failed", {{"reason", why}});
            history_failed_ = true;
        } else if (!history_.empty() || history_lost_ != 0) {
            if (history_lost_ != 0)
                report(level::warning, "log_lines_dropped", {{"sink", "history"}, {"lines", history_lost_}});
            history_lost_ = 0;
            history_failed_ = false;
        }
        history_.clear();
    }

    void write_screen(steady_time deadline)
    {
        for (;;) {
            if (!write_some(stuck_)) {
                screen_lost_ += count_lines(stuck_);
                stuck_.clear();
                return;
            }
            if (stuck_.empty()) break;
            if (steady_clock::now() >= deadline) return;
            std::this_thread::sleep_for(1ms);
        }
        if (screen_lost_ == 0) return;
        auto const lost = std::exchange(screen_lost_, 0);
        report(level::warning, "log_lines_dropped", {{"sink", "stderr"}, {"lines", lost}});
        if (!write_some(stuck_)) {
            stuck_.clear();
            screen_lost_ = lost;
        }
    }

    // An event of the log's own.
    void report(level l, std::string_view name, std::initializer_list<field> fields)
    {
        auto const now = wall_clock::now();
        if (log_.format.load(std::memory_order_relaxed) == log::format::json)
            append_json(stuck_, now, l, name, fields.begin(), fields.size());
        else
            append_text(stuck_, now, l, name, fields.begin(), fields.size());
    }

    logger& log_;
    history_writer file_;
    std::string stuck_, history_;
    std::uint64_t screen_lost_ = 0, history_lost_ = 0;
    bool history_failed_ = false;
};

void run_writer() { writing(the_log()).run(); }

// A child of fork() has no writer, and its copy of the lines is the parent's to write.
void after_fork_in_child()
{
    auto& l = the_log();
    l.screen = {};
    l.history = {};
    l.running = l.stopping = l.urgent = false;
    l.keeps_history = false;
    l.flush_done = l.flush_wanted;
    l.orphan = std::exchange(l.writer, nullptr);
    // Other threads may have been in these; none of them exists here.
    new (&l.wake) std::condition_variable;
    new (&l.written) std::condition_variable;
    new (&l.control) std::mutex;
    l.lock.unlock();
}

void prepare_process()
{
    static std::once_flag once;
    std::call_once(once, [] {
        std::atexit(stop);
        pthread_atfork([] { the_log().lock.lock(); }, [] { the_log().lock.unlock(); }, after_fork_in_child);
    });
}

}  // namespace

void start(options o)
{
    auto& l = the_log();
    prepare_process();
    std::scoped_lock one_at_a_time(l.control);
    l.format = o.format;
    l.level = o.level;
    l.keeps_history = !o.history.empty();
    std::scoped_lock guard(l.lock);
    l.wanted = std::move(o);
    l.changed = true;
    l.wake.notify_one();
    if (l.running) return;
    l.stopping = false;
    // Signals are for the threads that expect them; a closed pipe must not end the process.
    sigset_t all{}, before{};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    l.writer = new std::thread(run_writer);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    l.running = true;
}

void stop()
{
    auto& l = the_log();
    std::scoped_lock one_at_a_time(l.control);
    {
        std::scoped_lock guard(l.lock);
        if (l.writer == nullptr) return;
        l.stopping = true;
        l.wake.notify_one();
    }
    l.writer->join();
    delete l.writer;
    l.writer = nullptr;
    l.keeps_history = false;
}

void listen(listener* to)
{
    auto& l = the_log();
    std::scoped_lock guard(l.lock);
    l.told = to;
}

void flush()
{
    auto& l = the_log();
    std::unique_lock guard(l.lock);
    if (!l.running) return;
    auto const ticket = ++l.flush_wanted;
    l.wake.notify_one();
    l.written.wait_for(guard, patience, [&] { return l.flush_done >= ticket; });
}

void event(level l, std::string_view name, field const* fields, std::size_t count)
{
    auto& log = the_log();
    bool const shown = l <= log.level.load(std::memory_order_relaxed);
    bool const kept = l != level::debug && log.keeps_history.load(std::memory_order_relaxed);
    auto const* const asked = log.told.load(std::memory_order_relaxed);
    bool const heard = l != level::debug && asked != nullptr && asked->wants(name);
    if (!shown && !kept && !heard) return;

    // Not thread_local: events come also from destructors that run when those are gone.
    bool const json = log.format.load(std::memory_order_relaxed) == log::format::json;
    std::string as_json, as_text;
    auto const now = wall_clock::now();
    if (kept || json || heard) {
        as_json.reserve(480);
        append_json(as_json, now, l, name, fields, count);
    }
    if (shown && !json) {
        as_text.reserve(480);
        append_text(as_text, now, l, name, fields, count);
    }
    std::string_view const to_screen = !shown ? std::string_view{} : json ? as_json : as_text;
    std::unique_lock guard(log.lock);
    if (heard && log.told.load(std::memory_order_relaxed) == asked)
        log.told.load(std::memory_order_relaxed)->on_event(name, fields, count, as_json);
    if (!log.running) {
        guard.unlock();
        write_directly(to_screen);
        return;
    }
    bool const wake = (log.screen.lines.empty() && log.history.lines.empty()) || l == level::error;
    log.urgent = log.urgent || l == level::error;
    if (shown) log.screen.add(to_screen);
    if (kept) log.history.add(as_json);
    guard.unlock();
    if (wake) log.wake.notify_one();
}

void event(level l, std::string_view name, std::initializer_list<field> fields)
{
    event(l, name, fields.begin(), fields.size());
}

}  // namespace postern::log
