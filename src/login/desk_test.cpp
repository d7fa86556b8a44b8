// What a desk tells the guard, with a real directory and a real guard.
#include "login/desk.hpp"

#include <fstream>
#include <optional>

#include <doctest/doctest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "support/throw_away_folder.hpp"

using namespace postern;
using namespace postern::login;

namespace {

net::awaitable<void> begin_scram_then_show_certificate(desk* d, std::string claimed, std::string mine,
                                                       std::optional<answer>* out)
{
    static_cast<void>(co_await d->scram(std::move(claimed), hash::sha256));
    // "*": the exchange is given up, which nobody counts.
    d->end_exchange();
    auto judged = co_await d->authorize(std::move(mine), {}, {}, true);
    out->emplace(std::move(judged));
}

net::awaitable<void> ask(desk* d, std::string name, std::string password, std::optional<answer>* out)
{
    secret s{password};
    auto judged = co_await d->verify_password(std::move(name), {}, std::move(s));
    out->emplace(std::move(judged));
}

/// One user, "ann" in a file, who is ann@example.org.
struct world {
    world()
    {
        std::ofstream{where.path() / "users"} << "ann:{PLAIN}sesame\n";
        directory::options o;
        o.folder = where.path();
        o.hash_threads = 1;
        directory::backend_options users;
        users.name = "users";
        users.type = "files";
        users.path = where.path() / "users";
        users.format.domain = "example.org";
        o.backends = {users};
        accounts = std::move(directory::open_embedded(std::move(o))).value();
        settings.guard.allow.clear();
    }
    answer::kind log_in(char const* from, std::string const& name, std::string const& password, bool at_web = false)
    {
        auto const address = *ip_address::parse(from);
        services s{*accounts, guard, [](auto const&, auto const&, auto const&) {}, [](auto const&, auto const&) {}};
        visitor who{"S", from, address};
        who.sends = !at_web;
        who.at_web = at_web;
        desk d{s, settings, {}, std::move(who), io.get_executor()};
        std::optional<answer> judged;
        boost::asio::co_spawn(io, ask(&d, name, password, &judged), boost::asio::detached);
        // The hash is on a thread of its own.
        auto const work = boost::asio::make_work_guard(io);
        io.restart();
        while (!judged) io.run_one();
        if (judged->what == answer::kind::bad_credentials) d.on_failure(name, {}, "PLAIN");
        return judged->what;
    }
    /// Many networks guess.
    void attack(std::string const& name)
    {
        for (int i = 0; i < 2 * static_cast<int>(settings.guard.account_refuse_after); ++i) {
            auto const from = "203.0." + std::to_string(i) + ".7";
            log_in(from.c_str(), name, "guess " + std::to_string(i));
        }
    }

    testing::throw_away_folder where;
    boost::asio::io_context io;  // goes after the threads of `accounts`, which answer into it
    std::unique_ptr<directory::directory> accounts;
    guard::keeper guard{steady_clock::now(), {1u << 12, 1u << 12, 1u << 10, 1u << 10}};
    config::settings settings;
};

}  // namespace

TEST_CASE("A success keeps the door open for the name that was used and for the account, however it is attacked")
{
    for (char const* attacked : {"ann", "ann@example.org"}) {
        CAPTURE(attacked);
        world w;
        w.settings.guard.account_refuse_after = 10;
        REQUIRE(w.log_in("192.0.2.1", "ann", "sesame") == answer::kind::accepted);
        w.attack(attacked);
        CHECK(w.log_in("198.51.100.1", attacked, "sesame") == answer::kind::put_off);
        // Whichever of the two it is that the owner's programs send.
        CHECK(w.log_in("192.0.2.1", attacked, "sesame") == answer::kind::accepted);
        CHECK(w.log_in("192.0.2.1", "ann", "sesame") == answer::kind::accepted);
    }
}

TEST_CASE("A success with something else is none of the name that was claimed before")
{
    world w;
    w.settings.guard.account_refuse_after = 10;
    REQUIRE(w.accounts->add_account(*mail::parse_mailbox("mallory@example.org"), secret{"x"}));
    boost::asio::io_context io;
    services s{*w.accounts, w.guard, [](auto const&, auto const&, auto const&) {}, [](auto const&, auto const&) {}};
    desk d{s, w.settings, {}, {"S", "198.51.100.9", *ip_address::parse("198.51.100.9")}, io.get_executor()};
    std::optional<answer> judged;
    boost::asio::co_spawn(io, begin_scram_then_show_certificate(&d, "ann@example.org", "mallory@example.org", &judged),
                          boost::asio::detached);
    io.run();
    REQUIRE(judged);
    CHECK(judged->what == answer::kind::accepted);
    w.attack("ann@example.org");
    // The place is known for mallory, and not for ann.
    CHECK(w.log_in("198.51.100.9", "ann@example.org", "sesame") == answer::kind::put_off);
}

TEST_CASE("A name without its domain is one account with the whole name")
{
    world w;
    w.settings.guard.account_refuse_after = 10;
    w.attack("bob");
    CHECK(w.log_in("198.51.100.1", "bob@example.org", "x") == answer::kind::put_off);
    CHECK(w.log_in("198.51.100.1", "BOB", "x") == answer::kind::put_off);
    CHECK(w.log_in("198.51.100.1", "eve@example.org", "x") == answer::kind::bad_credentials);
}

TEST_CASE("A client that names nobody is held against its place only")
{
    world w;
    w.settings.guard.account_refuse_after = 10;
    w.attack("");
    CHECK(w.guard.count().accounts == 0);
    CHECK(w.guard.count().places >= 10);
}

TEST_CASE("The web pages take an account's own password, whatever mail programs may do, and nothing else")
{
    world w;
    auto const name = "eve@example.com";
    REQUIRE(w.accounts->add_account(*mail::parse_mailbox(name), secret{"sesame"}));
    auto const app = w.accounts->add_app_password(name, {"phone", "operator", {}, {}});
    REQUIRE(app);
    auto const sign_in = [&](std::string_view password) {
        return w.log_in("192.0.2.1", name, std::string{password}, true);
    };
    using kind = answer::kind;
    CHECK(sign_in("sesame") == kind::accepted);
    CHECK(sign_in("wrong") == kind::bad_credentials);
    CHECK(sign_in(app->text.reveal()) == kind::bad_credentials);
    CHECK_FALSE(w.accounts->list_app_passwords(name)->front().last_used);
    REQUIRE(w.accounts->set_basic_passwords(name, false, "operator"));
    CHECK(w.log_in("192.0.2.1", name, "sesame") == kind::app_password_needed);
    CHECK(sign_in("sesame") == kind::accepted);
    REQUIRE(w.accounts->set_smtp_auth(name, false));
    CHECK(w.log_in("192.0.2.1", name, "sesame") == kind::smtp_auth_off);
    CHECK(sign_in("sesame") == kind::accepted);
    CHECK(sign_in(app->text.reveal()) == kind::bad_credentials);
    REQUIRE(w.accounts->set_enabled(name, false));
    CHECK(sign_in("sesame") == kind::disabled);
    CHECK(sign_in(app->text.reveal()) == kind::bad_credentials);
    // A back end's user.
    CHECK(w.log_in("192.0.2.1", "ann@example.org", "sesame", true) == kind::accepted);
}
