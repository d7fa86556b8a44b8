// The two threads that spare the writer the disk: one moves the write-ahead log into the
// database (checkpoints), one syncs the log after commits that nobody waits for.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "store/sqlite.hpp"

namespace postern::spool {

class checkpointer {
public:
    checkpointer(std::filesystem::path file, std::uint64_t log_size);
    ~checkpointer();
    checkpointer(checkpointer const&) = delete;
    checkpointer& operator=(checkpointer const&) = delete;

    /// Told by the writer after each commit.
    void committed(int wal_frames);
    /// While commits come without a pause, a checkpoint is always a few frames behind, and the
    /// log can't begin anew. Then the writer is asked to copy these last few between two commits.
    bool wants_help() const noexcept { return wants_help_ || frames_ >= wait_at_; }
    std::uint64_t octets_in_log() const noexcept;
    /// Calls what helps, unless a checkpoint is under way just now. When the log has grown to
    /// several times its size, waits for that: so whoever is too quick for the disk gets slower.
    void take_help(std::function<void()> const& copy);

    void close();
    result<> reopen();

private:
    void run();
    void checkpoint(std::unique_lock<std::mutex>& lock);

    std::filesystem::path file_;
    std::mutex database_mutex_;
    store::connection db_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::atomic<bool> wants_help_ = false;
    std::atomic<int> frames_ = 0;
    std::atomic<unsigned> commits_ = 0;
    int begin_at_;  // so many frames
    int too_long_;
    int wait_at_;  // the writer's, as what follows
    int next_at_;
    bool urgent_ = false, stopping_ = false;
    std::thread thread_;
};

class log_syncer {
public:
    using callbacks = std::vector<std::function<void(result<>)>>;
    /// `failed` gets what should have been called, and sees to it.
    log_syncer(std::filesystem::path wal, std::function<void(error, callbacks)> failed);
    ~log_syncer();
    log_syncer(log_syncer const&) = delete;
    log_syncer& operator=(log_syncer const&) = delete;

    /// Calls what is given when everything committed until now is on stable storage.
    void sync(callbacks then);
    /// Syncs what is left and ends the thread.
    void finish();
    /// Before the database is opened again: its log may be another file then.
    void forget_file();

private:
    void run();
    result<> sync_now();

    std::filesystem::path wal_;
    std::function<void(error, callbacks)> failed_;
    std::mutex file_mutex_;
    int descriptor_ = -1;
    std::mutex mutex_;
    std::condition_variable wake_;
    callbacks then_;
    bool asked_ = false, stopping_ = false;
    std::thread thread_;
};

}  // namespace postern::spool
