// A thread for notices: who may be told is looked up first, and that may wait, so nobody on
// the way of a message does it. Tasks wait in a bounded line.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "directory/directory.hpp"
#include "signing/signer.hpp"
#include "spool/spool.hpp"
#include "submission/notices.hpp"

namespace postern::submission {

class notice_desk {
public:
    notice_desk(directory::directory& accounts, spool::spool& queue, signing::signer& signer);
    ~notice_desk();
    notice_desk(notice_desk const&) = delete;
    notice_desk& operator=(notice_desk const&) = delete;

    /// Performs the task on the desk's thread. False when too many wait, or it has ended.
    bool later(std::function<void()> task);
    /// Sends a notice about an account to an address, unless that is a local one that nobody
    /// has: it would only come back. For tasks.
    void tell(std::string_view account, std::string const& address, std::string subject, std::string text,
              std::string const& hostname);
    directory::directory& accounts() noexcept { return accounts_; }
    /// Does what is left, then nothing more.
    void stop();

private:
    void work();

    directory::directory& accounts_;
    spool::spool& queue_;
    signing::signer& signer_;
    std::mutex lock_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> tasks_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace postern::submission
