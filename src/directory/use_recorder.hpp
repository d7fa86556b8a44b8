// When and from where app passwords were used last, on its way to the database: collected in
// memory and written every few seconds, all together, by a thread of its own. A log-in never
// waits for it. What was not written when the process dies is lost: it is only for people.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "directory/app_password_rows.hpp"

namespace postern::directory {

class use_recorder {
public:
    using writer = std::function<result<>(std::vector<use_of_app_password> const&)>;

    explicit use_recorder(writer write) : write_(std::move(write)) {}
    ~use_recorder() { stop(); }
    use_recorder(use_recorder const&) = delete;
    use_recorder& operator=(use_recorder const&) = delete;

    void note(use_of_app_password use);
    /// Writes what there is, now.
    void flush();
    /// The last flush; nothing is taken afterwards.
    void stop();

private:
    void work();

    writer const write_;
    std::mutex lock_;
    std::condition_variable wake_;
    std::unordered_map<std::int64_t, use_of_app_password> pending_;
    std::thread thread_;  // begins with the first use
    bool stopping_ = false;
};

}  // namespace postern::directory
