// A connection with TLS from the first octet, read line by line, with one time for all of it.
// Included by mailbox/*.cpp only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "mailbox/mailbox.hpp"
#include "net/stream.hpp"

namespace postern::mailbox {

class link {
public:
    link(boost::asio::any_io_executor executor, steady_clock::duration limit)
        : executor_(executor), ends_(steady_clock::now() + limit)
    {
    }

    /// False: problem() says why.
    awaitable<bool> open(server at);
    /// A line without its end; empty and false when there is none.
    awaitable<bool> read_line(std::string& line);
    /// So many octets, of which `kept` at most are kept.
    awaitable<bool> read_octets(std::size_t count, std::size_t kept, std::string& out);
    /// With CRLF behind it; the octets are wiped.
    awaitable<bool> write_line(std::string line);
    void close() noexcept;
    std::string const& problem() const noexcept { return problem_; }
    bool failed() const noexcept { return !problem_.empty(); }
    void fail(std::string why);

private:
    awaitable<bool> fill();
    steady_clock::duration left() const;

    boost::asio::any_io_executor executor_;
    steady_time ends_;
    std::unique_ptr<net::stream> stream_;
    std::string unread_;
    std::size_t taken_ = 0;  // octets in all: the whole is bounded
    std::string problem_;
};

}  // namespace postern::mailbox
