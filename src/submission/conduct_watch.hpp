// What follows from how accounts send: the log, notices to the owner and the operator, and
// SMTP AUTH off. Counting is the guard's; what takes time is done by a thread of its own.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string_view>
#include <thread>

#include "config/settings.hpp"
#include "directory/directory.hpp"
#include "guard/conduct.hpp"
#include "spool/spool.hpp"

namespace postern::submission {

class conduct_watch {
public:
    conduct_watch(guard::conduct_book& book, directory::directory& accounts, spool::spool& queue);
    ~conduct_watch();
    conduct_watch(conduct_watch const&) = delete;
    conduct_watch& operator=(conduct_watch const&) = delete;

    void on_login(config::settings const& s, std::string_view account, ip_address const& from);
    void on_message(config::settings const& s, std::string_view account, ip_address const& from,
                    std::uint32_t new_recipients);
    void on_bounces(config::settings const& s, std::string_view account, std::uint32_t count);
    /// Whether new messages of the account are to be held in the queue.
    bool holds(std::string_view account) const;
    /// Does what is left, then nothing more.
    void stop();

private:
    struct task {
        guard::conduct_report report;
        std::string hostname, operator_address;
    };
    void enqueue(config::settings const& s, std::optional<guard::conduct_report> r);
    void work();
    void perform(task const& t);
    void tell(task const& t, std::string const& address, bool owner);

    guard::conduct_book& book_;
    directory::directory& accounts_;
    spool::spool& queue_;
    std::mutex lock_;
    std::condition_variable wake_;
    std::deque<task> tasks_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace postern::submission
