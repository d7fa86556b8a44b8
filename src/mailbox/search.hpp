// What a look into a mailbox has in common, whatever protocol it speaks: the link, whose mailbox it is, what is looked
// for, and how it ends.
#pragma once

#include <string>
#include <utility>

#include "mailbox/link.hpp"

namespace postern::mailbox {

class search {
public:
    search(boost::asio::any_io_executor executor, server at, std::string token, steady_clock::duration limit)
        : link_(std::move(executor), limit), at_(std::move(at)), token_(std::move(token))
    {
    }
    virtual ~search() = default;

    awaitable<outcome> run()
    {
        out_.reached = co_await link_.open(at_);
        if (out_.reached) co_await work();
        link_.close();
        if (out_.problem.empty()) out_.problem = link_.problem();
        co_return std::move(out_);
    }

protected:
    static constexpr std::size_t most_lines = 2000;  // of one answer

    /// From the greeting on.
    virtual awaitable<void> work() = 0;

    link link_;
    server at_;
    std::string token_;
    outcome out_;
};

}  // namespace postern::mailbox
