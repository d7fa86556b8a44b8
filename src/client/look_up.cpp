#include "client/look_up.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include <netdb.h>
#include <sys/socket.h>

#include "net/awaiting.hpp"
#include "net/deadline.hpp"
#include "net/socket_address.hpp"

namespace postern::client {

namespace {

constexpr std::size_t most_addresses = 16;

looked_up ask_system(std::string const& name)
{
    looked_up found;
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    found.failure = ::getaddrinfo(name.c_str(), nullptr, &hints, &list);
    if (found.failure != 0) {
        found.problem = ::gai_strerror(found.failure);
        return found;
    }
    for (addrinfo const* at = list; at != nullptr && found.addresses.size() < most_addresses; at = at->ai_next) {
        sockaddr_storage place{};
        std::copy_n(reinterpret_cast<char const*>(at->ai_addr), std::min<std::size_t>(at->ai_addrlen, sizeof place),
                    reinterpret_cast<char*>(&place));
        auto const address = net::from_sockaddr(place).address;
        auto& all = found.addresses;
        if (std::find(all.begin(), all.end(), address) == all.end()) all.push_back(address);
    }
    ::freeaddrinfo(list);
    return found;
}

// Who is first, the system or the deadline, tells; the other finds nobody left to tell.
class teller {
public:
    explicit teller(std::function<void(looked_up)> then) : then_(std::move(then)) {}
    void tell(looked_up found)
    {
        std::lock_guard const lock{mutex_};
        if (then_) std::exchange(then_, nullptr)(std::move(found));
    }

private:
    std::mutex mutex_;
    std::function<void(looked_up)> then_;
};

}  // namespace

net::awaitable<looked_up> look_up(boost::asio::any_io_executor executor, std::string name, steady_clock::duration limit)
{
    auto const begun = steady_clock::now();
    looked_up found;
    if (auto const address = ip_address::parse(name)) {
        found.addresses.push_back(*address);
        co_return found;
    }
    std::shared_ptr<teller> who;
    net::deadline timer{executor, [&who] {
                            looked_up late;
                            late.timed_out = true;
                            late.problem = "no answer within the time";
                            if (who) who->tell(std::move(late));
                        }};
    found = co_await net::await_handler<looked_up>(
        executor, [&who, &timer, name, limit](std::function<void(looked_up)> then) {
            who = std::make_shared<teller>(std::move(then));
            timer.arm(limit);
            // Nothing ends getaddrinfo() early; it goes on without us.
            std::thread{[name, who] { who->tell(ask_system(name)); }}.detach();
        });
    timer.disarm();
    found.took = steady_clock::now() - begun;
    co_return found;
}

}  // namespace postern::client
