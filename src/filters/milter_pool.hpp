// Connections to milters, of one thread: those that are free, and the line of who waits for one.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "config/settings.hpp"
#include "milter/session.hpp"
#include "net/stream.hpp"

namespace postern::filters {

struct milter_link {
    std::unique_ptr<net::stream> stream;
    milter::session protocol;
    bool used = false;  // for a message before this one
    steady_time free_since{};
};

class milter_pool {
public:
    /// `threads`: how many pools share a milter's connections.
    milter_pool(boost::asio::any_io_executor executor, unsigned threads)
        : executor_(std::move(executor)), threads_(threads)
    {
    }
    milter_pool(milter_pool const&) = delete;
    milter_pool& operator=(milter_pool const&) = delete;

    /// One of a milter's connections; it is given back when this goes.
    class place {
    public:
        place(milter_pool& of, std::string address) : of_(&of), address_(std::move(address)) {}
        ~place();
        place(place const&) = delete;
        place& operator=(place const&) = delete;
        std::unique_ptr<milter_link> link;  // null: none is connected yet
        bool keeps = false;                 // it can be used again

    private:
        milter_pool* of_;
        std::string address_;
    };

    /// Ends the free connections, and keeps none from now on.
    void close();

    /// A place, with a link where one is free. Nothing when none became free in the milter's time, or until then.
    net::awaitable<std::unique_ptr<place>> take(config::milter m, steady_time latest);

    boost::asio::any_io_executor executor() const { return executor_; }

private:
    struct line {
        unsigned taken = 0;
        std::deque<std::unique_ptr<milter_link>> free;
        std::deque<boost::asio::steady_timer*> waiting;
    };
    struct waiting_entry;
    void drop_old();

    boost::asio::any_io_executor executor_;
    unsigned threads_;
    std::map<std::string, line> lines_;  // by the milter's address
    bool closed_ = false;
};

}  // namespace postern::filters
