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

    /// Does it on a thread of the signer's, once; the task carries its result away itself. When
    /// very many wait, or the threads have ended, on the caller's: it is not refused.
    void run(std::function<void()> task);
    /// Ends the threads when all is done.
    void stop();

private:
    void work();

    mutable std::mutex lock_;
    std::condition_variable wake_;
    std::shared_ptr<keyring const> keys_;
    std::deque<std::function<void()>> tasks_;
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace postern::signing
