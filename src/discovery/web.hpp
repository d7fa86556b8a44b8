// Documents from web servers, for coroutines: names are looked up by our own resolver, redirections are followed a few
// times and never from https to http, answers are bounded. An interface, so that tests decide what the web says.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "dns/resolver.hpp"

namespace postern::discovery {

struct options;

struct page {
    long status = 0;  // of HTTP; 0: there was no answer
    std::string body, type;
    std::string url;         // where it came from in the end
    std::string problem;     // why there was no answer
    bool untrusted = false;  // nobody vouches for the server
};

class web {
public:
    virtual ~web() = default;
    /// POST when `body` is not empty.
    virtual boost::asio::awaitable<page> ask(std::string url, std::string body) = 0;
};

/// Asks until `deadline`, with a few threads of its own, which have ended when it is gone. `names` must outlive it.
std::unique_ptr<web> make_web(dns::resolver& names, options const& o, steady_time deadline);

}  // namespace postern::discovery
