#include "filters/milter_run.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "support/memory_content.hpp"
#include "support/throw_away_folder.hpp"

using namespace postern;
using namespace postern::filters;
using namespace std::chrono_literals;

namespace {

// It wants the body only, and does not answer to its pieces.
constexpr std::uint32_t body_without_answers = 0x1 | 0x2 | 0x4 | 0x8 | 0x20 | 0x40 | 0x200 | 0x80000;

void say(int to, char letter, std::string const& data)
{
    std::string packet;
    milter::append_packet(packet, letter, data);
    // Whom it talks to may be gone; then it ends.
    [[maybe_unused]] auto const ignored = ::send(to, packet.data(), packet.size(), MSG_NOSIGNAL);
}

// Serves one connection: negotiates, and then does `rest` until the other side has gone.
class small_milter {
public:
    small_milter(std::string const& path, std::function<bool(int)> rest)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(socket_, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
        REQUIRE(::listen(socket_, 1) == 0);
        thread_ = std::thread{[this, rest = std::move(rest)] {
            int const peer = ::accept(socket_, nullptr, nullptr);
            char asked[17];
            bool there = ::recv(peer, asked, sizeof asked, MSG_WAITALL) == sizeof asked;
            std::string answer;
            for (std::uint32_t const n : {6u, 0u, body_without_answers}) milter::append_number(answer, n);
            say(peer, 'O', answer);
            while (there) there = rest(peer);
            ::close(peer);
        }};
    }
    ~small_milter()
    {
        thread_.join();
        ::close(socket_);
    }

private:
    int socket_;
    std::thread thread_;
};

bool read_some(int from)
{
    std::vector<char> octets(16'384);
    return ::recv(from, octets.data(), octets.size(), 0) > 0;
}

judgement ask(std::string const& path, std::size_t body, std::chrono::milliseconds time)
{
    boost::asio::io_context here{1};
    milter_pool pool{here.get_executor(), 1};
    config::milter m;
    m.name = "slow";
    m.address = "unix:" + path;
    m.timeout = 20s;
    std::vector<config::milter> const all{m};
    occasion what;
    what.until = steady_clock::now() + time;
    mail::envelope env;
    auto draft = testing::draft_of("Received: ours\r\nSubject: x\r\n\r\n" + std::string(body, 'x'));
    auto judged = boost::asio::co_spawn(here, consult(&pool, &all, &what, &env, draft.get()), boost::asio::use_future);
    here.run();
    return judged.get();
}

bool had_no_time(judgement const& j)
{
    return std::any_of(j.verdict.facts.begin(), j.verdict.facts.end(), [](auto const& e) {
        return e.key == "problem" && e.value.find("no time left") != std::string::npos;
    });
}

}  // namespace

TEST_CASE("a message's time for milters ends, however busy one of them looks")
{
    testing::throw_away_folder const folder;
    auto const path = (folder.path() / "milter").string();
    SUBCASE("it takes the body a little at a time")
    {
        small_milter const slow{path, [](int peer) {
                                    std::this_thread::sleep_for(20ms);
                                    return read_some(peer);
                                }};
        auto const j = ask(path, 8u << 20, 300ms);
        CHECK(j.verdict.why == &catalogue::rules::milter_unavailable);
        CHECK(had_no_time(j));
    }
    SUBCASE("it takes nothing")
    {
        bool first = true;
        small_milter const deaf{path, [&first](int peer) {
                                    if (std::exchange(first, false)) std::this_thread::sleep_for(500ms);
                                    return read_some(peer);
                                }};
        CHECK(had_no_time(ask(path, 8u << 20, 300ms)));
    }
    SUBCASE("it says again and again that it still works")
    {
        small_milter const working{path, [](int peer) {
                                       std::this_thread::sleep_for(20ms);
                                       say(peer, 'p', {});
                                       char one = 0;
                                       // Everything it is told, and then that nobody is there any more.
                                       while (::recv(peer, &one, 1, MSG_DONTWAIT) > 0) {
                                       }
                                       return ::recv(peer, &one, 1, MSG_DONTWAIT) != 0;
                                   }};
        CHECK(had_no_time(ask(path, 100, 300ms)));
    }
    SUBCASE("those before it took all of it")
    {
        auto const j = ask(path, 100, -1ms);
        CHECK(j.verdict.why == &catalogue::rules::milter_unavailable);
    }
}

TEST_CASE("a milter that answers in time has its way")
{
    testing::throw_away_folder const folder;
    auto const path = (folder.path() / "milter").string();
    small_milter const quick{path, [](int peer) {
                                 std::vector<char> octets(16'384);
                                 auto const n = ::recv(peer, octets.data(), octets.size(), 0);
                                 // The end of the message, a packet of its own.
                                 if (n > 0 && octets[static_cast<std::size_t>(n) - 1] == 'E') say(peer, 'c', {});
                                 return n > 0;
                             }};
    auto const j = ask(path, 1u << 20, 60s);
    CHECK(j.verdict.accepted());
    CHECK(j.seen_by == std::vector<std::string>{"slow"});
}
