#include "control/server.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/client.hpp"
#include "control/fixture.hpp"
#include "control/instance_lock.hpp"
#include "control/local_socket.hpp"

using namespace postern;
using namespace postern::control;
using postern::control::testing::temporary_folder;
using postern::control::testing::world;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<server> serve(world& w)
{
    auto made = make_server(w.folder.path(), [&w] { return w.context; });
    REQUIRE(made);
    return std::move(*made);
}

}  // namespace

TEST_CASE("a command over the socket changes the running server's data")
{
    world w;
    auto const s = serve(w);
    auto const added = ask_server(w.folder.path(), "domain add", {{"domain", "new.example"}}, 10s);
    REQUIRE(added);
    REQUIRE(*added);
    auto const local = w.accounts->is_local("new.example");
    REQUIRE(local);
    CHECK(*local);
    auto const wrong = ask_server(w.folder.path(), "domain add", {{"domain", "-"}}, 10s);
    REQUIRE(wrong);
    REQUIRE_FALSE(*wrong);
    CHECK(wrong->error().why == failure::kind::usage);
}

TEST_CASE("the socket is for its owner alone")
{
    world w;
    auto const s = serve(w);
    struct stat info {};
    REQUIRE(::stat((w.folder.path() / "control.sock").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("callers that are silent or talk nonsense do not keep others waiting")
{
    world w;
    auto const s = serve(w);
    auto const silent = connect_to_control_socket(w.folder.path());
    REQUIRE(silent.socket);
    auto const confused = connect_to_control_socket(w.folder.path());
    REQUIRE(confused.socket);
    REQUIRE(write_all(confused.socket.get(), "EHLO there\r\n", steady_clock::now() + 5s));
    auto const told = read_line(confused.socket.get(), 4096, steady_clock::now() + 5s);
    REQUIRE(told);
    CHECK_FALSE(parse_response(*told));

    auto const began = steady_clock::now();
    auto const list = ask_server(w.folder.path(), "domain list", {}, 10s);
    REQUIRE(list);
    CHECK(*list);
    CHECK(steady_clock::now() - began < 5s);
}

TEST_CASE("many callers at once are all answered")
{
    world w;
    auto const s = serve(w);
    std::atomic<int> answered{0};
    {
        std::vector<std::jthread> callers;
        for (int i = 0; i < 16; ++i) {
            callers.emplace_back([&] {
                for (int n = 0; n < 5; ++n) {
                    auto const list = ask_server(w.folder.path(), "domain list", {}, 20s);
                    if (list && *list) ++answered;
                }
            });
        }
    }
    CHECK(answered == 80);
}

TEST_CASE("without a server there is no answer, also where a crashed one left its socket")
{
    temporary_folder folder;
    CHECK_FALSE(ask_server(folder.path(), "status", {}, 1s));
    {
        auto left = listen_on_control_socket(folder.path());
        REQUIRE(left);
    }
    REQUIRE(std::filesystem::exists(folder.path() / "control.sock"));
    CHECK_FALSE(ask_server(folder.path(), "status", {}, 1s));
    CHECK(listen_on_control_socket(folder.path()));
}

TEST_CASE("a server that stops takes its socket along")
{
    world w;
    auto s = serve(w);
    s->stop();
    CHECK_FALSE(std::filesystem::exists(w.folder.path() / "control.sock"));
    CHECK_FALSE(ask_server(w.folder.path(), "domain list", {}, 1s));
}

TEST_CASE("a data_dir with a path longer than a socket's name may be works")
{
    temporary_folder folder{std::string(100, 'a') + "/" + std::string(100, 'b')};
    auto const s = listen_on_control_socket(folder.path());
    REQUIRE(s);
    CHECK(connect_to_control_socket(folder.path()).socket);
}

TEST_CASE("a line over the limit, a slow one and a cut one are errors")
{
    temporary_folder folder;
    auto const listening = listen_on_control_socket(folder.path());
    REQUIRE(listening);
    auto const connect = [&] {
        auto near = connect_to_control_socket(folder.path());
        REQUIRE(near.socket);
        descriptor far;
        while (!far) far = descriptor{::accept(listening->get(), nullptr, nullptr)};
        return std::pair{std::move(near.socket), std::move(far)};
    };
    auto const soon = [] { return steady_clock::now() + 5s; };
    {
        auto [near, far] = connect();
        REQUIRE(write_all(near.get(), "12345\n", soon()));
        CHECK_FALSE(read_line(far.get(), 4, soon()));
    }
    {
        auto [near, far] = connect();
        REQUIRE(write_all(near.get(), "1234\nmore", soon()));
        auto const line = read_line(far.get(), 4, soon());
        REQUIRE(line);
        CHECK(*line == "1234");
    }
    {
        auto [near, far] = connect();
        REQUIRE(write_all(near.get(), "12", soon()));
        CHECK_FALSE(read_line(far.get(), 4, steady_clock::now() + 20ms));
        near.reset();
        CHECK_FALSE(read_line(far.get(), 4, soon()));
    }
}

TEST_CASE("one process at a time owns a data directory")
{
    temporary_folder folder;
    std::string holder;
    auto first = instance_lock::take(folder.path(), holder);
    REQUIRE(first);
    REQUIRE(*first);
    auto const second = instance_lock::take(folder.path(), holder);
    REQUIRE(second);
    CHECK_FALSE(*second);
    CHECK(holder == std::to_string(::getpid()));
    first->reset();
    auto const third = instance_lock::take(folder.path(), holder);
    REQUIRE(third);
    CHECK(*third);
    CHECK_FALSE(instance_lock::take(folder.path() / "absent", holder));
}
