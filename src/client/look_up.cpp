#include "client/look_up.hpp"

#include <algorithm>
#include <memory>

#include <netdb.h>
#include <sys/socket.h>

#include "client/on_thread.hpp"
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

}  // namespace

std::vector<ip_address> in_turn(std::vector<ip_address> const& all, std::size_t most)
{
    std::vector<ip_address> out;
    bool const first_is_v4 = !all.empty() && all.front().is_v4();
    for (std::size_t nth = 0; out.size() < most && nth < all.size(); ++nth)
        for (bool const v4 : {first_is_v4, !first_is_v4}) {
            std::size_t seen = 0;
            for (auto const& one : all)
                if (one.is_v4() == v4 && seen++ == nth && out.size() < most) out.push_back(one);
        }
    return out;
}

net::awaitable<looked_up> look_up(boost::asio::any_io_executor executor, std::string name, steady_clock::duration limit)
{
    auto const begun = steady_clock::now();
    looked_up found;
    if (auto const address = ip_address::parse(name)) {
        found.addresses.push_back(*address);
        co_return found;
    }
    using answer = std::shared_ptr<waiting<looked_up>>;
    answer who;
    net::deadline timer{executor, [&who] {
                            looked_up late;
                            late.timed_out = true;
                            late.problem = "no answer within the time";
                            if (who) who->tell(std::move(late));
                        }};
    // Nothing ends getaddrinfo() early; it goes on without us.
    auto const ask = [name] { return ask_system(name); };
    auto const begin = [&who, &timer, limit](answer const& asked) {
        who = asked;
        timer.arm(limit);
    };
    found = co_await on_thread<looked_up>(executor, ask, begin);
    timer.disarm();
    found.took = steady_clock::now() - begun;
    co_return found;
}

}  // namespace postern::client
