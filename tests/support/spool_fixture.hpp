// A spool in a throw-away folder, and waiting for what it says on its own threads.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "spool/spool.hpp"
#include "support/throw_away_folder.hpp"

namespace postern::testing {

/// A result that arrives on another thread.
class answer {
public:
    spool::accept_handler handler()
    {
        return [this](result<> r) {
            std::scoped_lock lock{mutex_};
            value_ = std::move(r);
            wake_.notify_all();
        };
    }
    result<> wait()
    {
        std::unique_lock lock{mutex_};
        if (!wake_.wait_for(lock, std::chrono::seconds{30}, [this] { return value_.has_value(); }))
            return error{status{4, 4, 2}, "No answer", "no answer in half a minute"};
        return *value_;
    }

private:
    std::mutex mutex_;
    std::condition_variable wake_;
    std::optional<result<>> value_;
};

/// Collects what arrives.
class arrivals {
public:
    spool::arrival_handler handler()
    {
        return [this](std::vector<spool::queued_message> all) {
            std::scoped_lock lock{mutex_};
            if (all.empty()) ++nudges_;
            for (auto& m : all) messages_.push_back(std::move(m));
            wake_.notify_all();
        };
    }
    /// The next one, or one without `what` when nothing comes.
    spool::queued_message next(std::chrono::milliseconds patience = std::chrono::seconds{30})
    {
        std::unique_lock lock{mutex_};
        if (!wake_.wait_for(lock, patience, [this] { return !messages_.empty(); })) return {};
        auto m = std::move(messages_.front());
        messages_.pop_front();
        return m;
    }
    std::size_t nudges()
    {
        std::scoped_lock lock{mutex_};
        return nudges_;
    }

private:
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<spool::queued_message> messages_;
    std::size_t nudges_ = 0;
};

inline spool::message some_message(std::string queue_id, std::size_t recipients = 1)
{
    spool::message m;
    m.queue_id = std::move(queue_id);
    m.env.reverse_path.address = {"anna", "example.com"};
    for (std::size_t i = 0; i < recipients; ++i) {
        mail::recipient r;
        r.forward_path = {"r" + std::to_string(i), "example.net"};
        m.env.recipients.push_back(std::move(r));
    }
    m.accepted_at = wall_clock::now();
    m.session = "0123456789AB";
    m.account = "anna@example.com";
    m.client = "192.0.2.7";
    return m;
}

inline spool::options options_in(std::filesystem::path const& folder)
{
    spool::options o;
    o.folder = folder;
    o.free_space_floor = 0;
    o.log_size = 1u << 20;
    return o;
}

inline result<> accept(spool::spool& s, spool::message m, std::string const& content)
{
    auto body = s.new_content();
    if (auto appended = body->append(content); !appended) return appended;
    answer a;
    s.accept(std::move(m), std::move(body), a.handler());
    return a.wait();
}

inline spool::settlement fate_of(std::string queue_id, std::uint32_t number, spool::recipient_state state,
                                 wall_time next = {}, std::string reply = "250 2.0.0 Ok")
{
    spool::settlement s;
    s.queue_id = std::move(queue_id);
    s.recipients.push_back({number, state, next, std::move(reply)});
    return s;
}

inline result<> settle(spool::spool& s, spool::settlement what)
{
    answer a;
    s.settle(std::move(what), std::nullopt, a.handler());
    return a.wait();
}

inline std::size_t content_files_in(std::filesystem::path const& folder)
{
    std::size_t count = 0;
    for (auto const& e : std::filesystem::recursive_directory_iterator(folder / "content"))
        if (e.is_regular_file()) ++count;
    return count;
}

}  // namespace postern::testing
