#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "dns/resolver.hpp"

#include "support/throw_away_folder.hpp"

using namespace postern;
using namespace postern::dns;
using namespace std::string_literals;

namespace {

namespace asio = boost::asio;

std::string wire(std::string_view name)
{
    std::string out;
    while (!name.empty()) {
        std::string_view const label = name.substr(0, name.find('.'));
        out += static_cast<char>(label.size());
        out += label;
        name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    return out + '\0';
}

// A name server of a few names on a free port of 127.0.0.1; what it does not know gets no answer.
class name_server {
public:
    name_server() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0);
        socklen_t size = sizeof a;
        REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&a), &size) == 0);
        port_ = ntohs(a.sin_port);
        thread_ = std::thread{[this] { run(); }};
    }
    ~name_server()
    {
        stop_ = true;
        thread_.join();
        ::close(socket_);
    }
    std::uint16_t port() const { return port_; }

private:
    struct record {
        int type;
        std::string data;
    };

    // rcode, or -1 for silence
    static int look_up(std::string const& name, int type, std::vector<record>& out)
    {
        auto const add = [&](int t, std::string data) {
            if (t == type) out.push_back({t, std::move(data)});
        };
        if (name == "two.world") {
            add(15, "\0\24"s + wire("Second.two.world"));
            add(15, "\0\12"s + wire("first.two.world"));
            add(257, "\0\5issueca.world"s);
            return 0;
        }
        if (name == "null.world") {
            add(15, "\0\0\0"s);
            return 0;
        }
        if (name == "first.two.world") {
            add(1, "\300\0\2\1"s);
            add(28, "\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1"s);
            return 0;
        }
        if (name == "four.world") {
            add(1, "\300\0\2\4"s);
            return 0;
        }
        if (name == "broken.world") return 2;
        if (name == "silent.world") return -1;
        if (name == "world" || name.empty()) return 0;
        return 3;
    }

    void run()
    {
        while (!stop_) {
            pollfd p{socket_, POLLIN, 0};
            if (::poll(&p, 1, 20) <= 0) continue;
            char in[1500];
            sockaddr_in from{};
            socklen_t size = sizeof from;
            auto const n = ::recvfrom(socket_, in, sizeof in, 0, reinterpret_cast<sockaddr*>(&from), &size);
            if (n < 17) continue;
            std::string name;
            std::size_t at = 12;
            while (in[at] != 0) {
                auto const length = static_cast<std::size_t>(static_cast<unsigned char>(in[at]));
                for (std::size_t i = 1; i <= length; ++i) name += static_cast<char>(std::tolower(in[at + i]));
                at += length + 1;
                if (in[at] != 0) name += '.';
            }
            int const type = in[at + 1] << 8 | in[at + 2];
            std::vector<record> records;
            int const rcode = look_up(name, type, records);
            if (rcode < 0) continue;
            std::string out{in, at + 5};
            out[2] = '\x84';
            out[3] = static_cast<char>(0x80 | rcode);
            out[6] = 0;
            out[7] = static_cast<char>(records.size());
            std::memset(out.data() + 8, 0, 4);
            for (auto const& r : records) {
                out += "\300\14"s + static_cast<char>(r.type >> 8) + static_cast<char>(r.type) + "\0\1\0\0\0\74\0"s +
                       static_cast<char>(r.data.size()) + r.data;
            }
            ::sendto(socket_, out.data(), out.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
        }
    }

    int socket_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

struct world {
    name_server server;
    postern::testing::throw_away_folder scratch;
    asio::io_context context;
    std::unique_ptr<resolver> names;

    explicit world(std::chrono::seconds limit = std::chrono::seconds{10}, std::string const& anchor = {},
                   bool tolerant = false)
    {
        auto const& folder = scratch.path();
        std::ofstream{folder / "hosts"} << "192.0.2.99 listed.world\n";
        options o;
        o.servers.push_back({*ip_address::parse("127.0.0.1"), server.port()});
        o.hosts = folder / "hosts";
        o.limit = limit;
        o.tolerant = tolerant;
        if (!anchor.empty()) {
            std::ofstream{folder / "anchor"} << anchor << '\n';
            o.trust_anchor = folder / "anchor";
        }
        auto made = make_resolver(context.get_executor(), o);
        REQUIRE(made);
        names = std::move(*made);
    }
    ~world() { names.reset(); }

    template <class Answer>
    static awaitable<void> keep(awaitable<Answer> question, Answer& out, bool& over)
    {
        out = co_await std::move(question);
        over = true;
    }
    template <class Answer>
    Answer ask(awaitable<Answer> question)
    {
        Answer out;
        bool over = false;
        asio::co_spawn(context, keep(std::move(question), out, over), asio::detached);
        context.restart();
        context.run_one();
        while (!over && context.run_one() > 0) {
        }
        return out;
    }
};

}  // namespace

TEST_CASE("libunbound tells the kinds of answers apart")
{
    world w;
    auto const two = w.ask(w.names->mx("two.world"));
    CHECK(two.problem == "");
    CHECK(two.what == finding::found);
    REQUIRE(two.records.size() == 2);
    // The best first, in whatever order they come.
    CHECK(two.records[0].preference == 10);
    CHECK(two.records[0].host == "first.two.world");
    CHECK(two.records[1].preference == 20);

    auto const null = w.ask(w.names->mx("null.world"));
    CHECK(null.what == finding::found);
    CHECK(null.records == std::vector<mx_record>{{0, ""}});

    CHECK(w.ask(w.names->mx("four.world")).what == finding::no_data);
    CHECK(w.ask(w.names->mx("nothing.world")).what == finding::no_such_name);
    auto const broken = w.ask(w.names->mx("broken.world"));
    CHECK(broken.what == finding::temporary);
    CHECK(broken.problem.find("broken.world") != std::string::npos);

    auto const both = w.ask(w.names->addresses("first.two.world"));
    CHECK(both.what == finding::found);
    CHECK(both.v4.at(0).to_string() == "192.0.2.1");
    CHECK(both.v6.at(0).to_string() == "2001:db8::1");
    auto const four = w.ask(w.names->addresses("four.world"));
    CHECK(four.what == finding::found);
    CHECK(four.v6.empty());
    CHECK(w.ask(w.names->addresses("two.world")).what == finding::no_data);
    CHECK(w.ask(w.names->addresses("nothing.world")).what == finding::no_such_name);
    CHECK(w.ask(w.names->addresses("broken.world")).what == finding::temporary);
    CHECK(w.ask(w.names->addresses("localhost")).what == finding::found);
    CHECK(w.ask(w.names->addresses("listed.world")).v4.at(0).to_string() == "192.0.2.99");
}

TEST_CASE("a name server that says nothing costs the limit and no more")
{
    world w{std::chrono::seconds{1}};
    auto const start = std::chrono::steady_clock::now();
    CHECK(w.ask(w.names->mx("silent.world")).what == finding::temporary);
    CHECK(w.ask(w.names->addresses("silent.world")).what == finding::temporary);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds{5});
}

TEST_CASE("a resolver may go while a question is open")
{
    world w{std::chrono::seconds{1}};
    mx_answer out;
    bool over = false;
    asio::co_spawn(w.context, world::keep(w.names->mx("silent.world"), out, over), asio::detached);
    w.context.poll();
    CHECK_FALSE(over);
    w.names.reset();
}

TEST_CASE("name servers that hand on no signatures are believed only where that is allowed")
{
    // The root's real key: this name server has nothing that fits.
    constexpr char const* anchor = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
    world strict{std::chrono::seconds{10}, anchor};
    auto const refused = strict.ask(strict.names->mx("two.world"));
    CHECK(refused.what == finding::bogus);
    CHECK(refused.problem.find("DNSSEC") != std::string::npos);
    CHECK(strict.ask(strict.names->addresses("four.world")).what == finding::bogus);

    world tolerant{std::chrono::seconds{10}, anchor, true};
    auto const taken = tolerant.ask(tolerant.names->mx("two.world"));
    CHECK(taken.what == finding::found);
    CHECK_FALSE(taken.secure);
    auto const four = tolerant.ask(tolerant.names->addresses("four.world"));
    CHECK(four.what == finding::found);
    CHECK_FALSE(four.secure);
    CHECK(tolerant.ask(tolerant.names->mx("nothing.world")).what == finding::no_such_name);
}

TEST_CASE("a trust anchor that is not there is told at the start")
{
    asio::io_context context;
    options o;
    o.trust_anchor = "/nonexistent/root.key";
    auto const made = make_resolver(context.get_executor(), o);
    REQUIRE_FALSE(made);
    CHECK(made.error().logged.find("/nonexistent/root.key") != std::string::npos);
}
