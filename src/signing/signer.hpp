// Threads that sign, so that no connection waits while another one's message is signed: an RSA
// signature takes most of a millisecond.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "signing/message_signing.hpp"

namespace postern::signing {

class signer {
public:
    explicit signer(unsigned threads);
    ~signer();
    signer(signer const&) = delete;
    signer& operator=(signer const&) = delete;

    /// Safe from any thread, as all here.
    std::shared_ptr<keyring const> keys() const;
    void set_keys(std::shared_ptr<keyring const> keys);

    /// Does the work on a thread of the signer's, once, and calls `done` there, which carries its result
    /// away: with what went wrong (the work threw, and is as good as not done), or with "". When very
    /// many wait, or the threads have ended, on the caller's: it is not refused.
    void run(std::function<void()> work, std::function<void(std::string const& problem)> done);
    /// Puts the signatures in front of a whole message of our own, where its author's domain has keys, on
    /// a thread of the signer's; what can't be signed stays as it is, with a line in the log. The message
    /// lives until `done` is called, there or, where there is nothing to do, at once.
    void sign(std::string& message, wall_time now, std::function<void()> done);
    /// Ends the threads when all is done.
    void stop();

private:
    struct task {
        std::function<void()> work;
        std::function<void(std::string const&)> done;
    };
    static void perform(task const& t);
    void work();

    mutable std::mutex lock_;
    std::condition_variable wake_;
    std::shared_ptr<keyring const> keys_;
    std::deque<task> tasks_;
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace postern::signing
