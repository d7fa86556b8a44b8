// What follows from how accounts send: the log, notices to the owner and the operator, and
// SMTP AUTH off. Counting is the guard's; what takes time is done at the notice desk.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "guard/conduct.hpp"
#include "submission/notice_desk.hpp"

namespace postern::submission {

class conduct_watch {
public:
    conduct_watch(guard::conduct_book& book, notice_desk& desk) : book_(book), desk_(desk) {}
    conduct_watch(conduct_watch const&) = delete;
    conduct_watch& operator=(conduct_watch const&) = delete;

    void on_login(config::settings const& s, std::string_view account, ip_address const& from);
    void on_message(config::settings const& s, std::string_view account, ip_address const& from,
                    std::uint32_t new_recipients);
    void on_bounces(config::settings const& s, std::string_view account, std::uint32_t count);
    /// Whether new messages of the account are to be held in the queue.
    bool holds(std::string_view account) const;

private:
    struct task {
        guard::conduct_report report;
        std::string hostname, operator_address;
    };
    void enqueue(config::settings const& s, std::optional<guard::conduct_report> r);
    void perform(task const& t);
    void tell(task const& t, std::string const& address, bool owner);

    guard::conduct_book& book_;
    notice_desk& desk_;
};

}  // namespace postern::submission
