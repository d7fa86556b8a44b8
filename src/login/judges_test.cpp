// How those end who judge tokens and tickets, while an issuer or a file keeps them waiting: not on
// the thread that lets them go, and not without an answer to everybody. The slow ones are real: a
// port where nobody answers, and a pipe where nobody writes.
#include "login/judges.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/throw_away_folder.hpp"
#include "support/token_issuer.hpp"

using namespace postern;
using namespace postern::login;
using namespace postern::testing;

namespace {

constexpr auto patience = std::chrono::seconds{20};  // more than anything here may take

/// Takes connections and never says a word.
class silent_port {
public:
    silent_port() : socket_(::socket(AF_INET, SOCK_STREAM, 0))
    {
        sockaddr_in here{};
        here.sin_family = AF_INET;
        here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof here;
        auto* const generic = reinterpret_cast<sockaddr*>(&here);
        REQUIRE(::bind(socket_, generic, size) == 0);
        REQUIRE(::listen(socket_, 16) == 0);
        REQUIRE(::getsockname(socket_, generic, &size) == 0);
        port_ = ntohs(here.sin_port);
    }
    ~silent_port()
    {
        ::close(guest_);
        ::close(socket_);
    }
    silent_port(silent_port const&) = delete;
    silent_port& operator=(silent_port const&) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/keys"; }
    void await_guest() { guest_ = ::accept(socket_, nullptr, nullptr); }

private:
    int socket_;
    int guest_ = -1;
    int port_ = 0;
};

/// A file whose reader waits until release().
class silent_pipe {
public:
    explicit silent_pipe(std::filesystem::path const& where) : where_(where)
    {
        REQUIRE(::mkfifo(where.c_str(), 0600) == 0);
    }
    ~silent_pipe() { ::close(end_); }
    silent_pipe(silent_pipe const&) = delete;
    silent_pipe& operator=(silent_pipe const&) = delete;

    std::string path() const { return where_.string(); }
    void await_reader() { end_ = ::open(where_.c_str(), O_WRONLY | O_CLOEXEC); }
    void release() { ::close(std::exchange(end_, -1)); }

private:
    std::filesystem::path where_;
    int end_ = -1;
};

config::settings with_issuer(std::string const& keys)
{
    config::settings s;
    s.oauth.issuer = "https://id.example";
    s.oauth.audience = {"postern"};
    s.oauth.keys = keys;
    return s;
}

secret token() { return secret{issuer_key{signature_kind::eddsa}.token(R"({"iss":"https://id.example"})")}; }

}  // namespace

TEST_CASE("who lets a verifier go does not wait for a slow issuer")
{
    throw_away_folder const folder;
    silent_pipe keys{folder.path() / "keys"};
    judge_keeper keeper;
    auto held = keeper.make(with_issuer(keys.path()));
    keys.await_reader();
    std::promise<bool> told;
    held.tokens->verify(token(), [&](auto judged) { told.set_value(bool{judged}); });

    auto let_go = std::async(std::launch::async, [&] { held = {}; });
    CHECK(let_go.wait_for(patience) == std::future_status::ready);
    keys.release();
    CHECK_FALSE(told.get_future().get());
    // What ends there is waited for at the end of all.
    keeper.stop();
}

TEST_CASE("when the keeper has stopped, everybody has been answered, once, and nobody is waited for")
{
    silent_port port;
    auto s = with_issuer(port.url());
    SUBCASE("the issuer's keys are awaited") {}
    SUBCASE("the issuer's word is awaited")
    {
        s.oauth.introspect = "only";
        s.oauth.introspection = port.url();
    }
    judge_keeper keeper;
    auto const held = keeper.make(s);
    std::atomic<int> good{0};
    std::atomic<int> failed{0};
    auto const count = [&](auto const& judged) { ++(judged ? good : failed); };
    held.tokens->verify(token(), count);
    port.await_guest();
    held.tokens->verify(token(), count);
    CHECK(failed == 0);
    keeper.stop();
    CHECK(failed == 2);
    held.tokens->verify(token(), count);
    CHECK(failed == 3);
    CHECK(good == 0);
    keeper.stop();
}

TEST_CASE("Kerberos answers behind its end, too")
{
    throw_away_folder const folder;
    config::settings s;
    s.data_dir = folder.path();
    s.kerberos.keytab = folder.path() / "nothing";
    s.auth.mechanisms = {"GSSAPI"};
    judges held;
    {
        judge_keeper keeper;
        held = keeper.make(s);
        REQUIRE(held.kerberos);
        CHECK_FALSE(held.tokens);
        auto const h = held.kerberos->health();
        CHECK_FALSE(h.up);
        CHECK(h.detail.find("nothing") != std::string::npos);
    }
    int failed = 0;
    std::shared_ptr<directory::kerberos_context> exchange;
    held.kerberos->step(exchange, {sasl::context_step::kind::begin, "token"},
                        [&](auto said) { failed += said ? 0 : 1; });
    CHECK(failed == 1);
    CHECK_FALSE(held.with({}).ticket);
}
