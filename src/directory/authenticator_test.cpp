// Programs that are asked for each log-in: answers, deadlines, and what is not available.
#include <atomic>
#include <future>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/base64.hpp"
#include "directory/authenticator.hpp"
#include "directory/blocking_pool.hpp"
#include "directory/test_directory.hpp"
#include "dovecot/client_protocol.hpp"
#include "dovecot/lines.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;
using namespace std::chrono_literals;

TEST_CASE("Dovecot's answers are read, whatever else stands in them")
{
    using kind = dovecot::reply::kind;
    struct row {
        char const* line;
        kind what;
        std::uint32_t id;
        char const* user;
    };
    constexpr row rows[] = {
        {"OK\t7\tuser=ann@example.org\toriginal_user=Ann", kind::ok, 7, "ann@example.org"},
        {"OK\t7", kind::ok, 7, ""},
        {"OK\t7\tnologin\tuser=x", kind::disabled, 7, "x"},
        {"USER\t7\tx\tnologin", kind::ok, 7, "x"},
        {"FAIL\t4294967295\tuser=x", kind::fail, 4294967295u, "x"},
        {"FAIL\t1\tuser=x\ttemp", kind::temporary, 1, "x"},
        {"FAIL\t1\tuser=x\tcode=temp_fail", kind::temporary, 1, "x"},
        {"FAIL\t1\tuser=x\tuser_disabled", kind::fail, 1, "x"},
        {"FAIL\t1\tuser=x\tcode=user_disabled\treason=a\001tb", kind::fail, 1, "x"},
        {"USER\t3\tann\001t@x\tuid=1\tuser=other", kind::ok, 3, "ann\t@x"},
        {"NOTFOUND\t3", kind::not_found, 3, ""},
        {"CONT\t3\t", kind::other, 0, ""},
        {"OK", kind::other, 0, ""},
        {"OK\t-1", kind::other, 0, ""},
        {"FAIL\t4294967296", kind::other, 0, ""},
        {"", kind::other, 0, ""},
        {"\t\t\t", kind::other, 0, ""},
    };
    for (auto const& r : rows) {
        CAPTURE(r.line);
        auto const got = dovecot::parse_reply(r.line);
        CHECK(got.what == r.what);
        CHECK(got.id == r.id);
        CHECK(got.user == r.user);
    }
    CHECK(dovecot::parse_reply("USER\t7\tx\tnologin").nologin);
    CHECK_FALSE(dovecot::parse_reply("USER\t7\tx").nologin);
    std::string const odd{"a\tb\nc\rd\0e\001f", 11};
    CHECK(dovecot::unescape(dovecot::escape(odd)) == odd);
    CHECK(dovecot::escape(odd).find_first_of(std::string_view{"\t\n\r\0", 4}) == std::string::npos);
    CHECK(dovecot::auth_request(9, "ann", "x\ty") ==
          "AUTH\t9\tPLAIN\tservice=smtp\tno-penalty\tnologin\tsecured\tresp=" +
              base64_encode(std::string{"\0ann\0x\ty", 8}) + "\n");
}

TEST_CASE("a pool answers each question once: in time, late, or at its end")
{
    std::atomic<int> asked{0}, answered{0}, late{0};
    std::promise<void> go;
    auto const gate = go.get_future().share();
    {
        blocking_pool pool{2, 3, 300ms};
        auto question = [&](bool hangs) {
            return blocking_pool::question{[&, hangs](std::shared_ptr<void>&, steady_time) -> blocking_pool::finish {
                                               ++asked;
                                               if (hangs) gate.wait();
                                               return [&] { ++answered; };
                                           },
                                           [&] { ++late; }};
        };
        CHECK(pool.submit(question(false)));
        CHECK(eventually([&] { return answered == 1; }));
        // Two hang, three wait, one has no room.
        for (int i = 0; i < 5; ++i) CHECK(pool.submit(question(true)));
        CHECK_FALSE(pool.submit(question(false)));
        CHECK(eventually([&] { return late == 5; }));
        CHECK(answered == 1);
        go.set_value();
        // The threads are back, and take what comes next; what was late is not asked any more.
        CHECK(pool.submit(question(false)));
        CHECK(eventually([&] { return answered == 2; }));
        CHECK(asked == 4);
    }
    CHECK(answered == 2);
    CHECK(late == 5);
}

TEST_CASE("a pool that ends tells those who wait, and does not wait for a thread that hangs")
{
    std::atomic<int> late{0};
    auto const go = std::make_shared<std::promise<void>>();
    auto const gate = go->get_future().share();
    {
        blocking_pool pool{1, 5, 1h};
        for (int i = 0; i < 3; ++i)
            CHECK(pool.submit({[gate](std::shared_ptr<void>&, steady_time) -> blocking_pool::finish {
                                   gate.wait();
                                   return [] {};
                               },
                               [&] { ++late; }}));
    }
    CHECK(late == 3);
    go->set_value();
}

namespace {

/// A socket that takes connections and never says a word.
class mute_socket {
public:
    explicit mute_socket(std::filesystem::path const& path)
    {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path.string().copy(at.sun_path, sizeof at.sun_path - 1);
        descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(::bind(descriptor_, reinterpret_cast<sockaddr const*>(&at), sizeof at) == 0);
        REQUIRE(::listen(descriptor_, 16) == 0);
    }
    ~mute_socket() { ::close(descriptor_); }
    mute_socket(mute_socket const&) = delete;
    mute_socket& operator=(mute_socket const&) = delete;

private:
    int descriptor_ = -1;
};

}  // namespace

TEST_CASE("a Dovecot that is gone or does not answer is an outage for its users only")
{
    folder where;
    auto const path = where.path() / "auth";
    options o;
    o.folder = where.path();
    o.hash_threads = 1;
    o.configured_domains = {"example.org"};
    backend_options b;
    b.name = "imap";
    b.type = "dovecot";
    b.path = path;
    b.users = path;
    b.timeout = 300ms;
    o.backends.push_back(b);
    auto d = std::move(open_embedded(std::move(o))).value();
    REQUIRE(d->add_account(address("own@example.org"), secret{"sesame"}));
    std::unique_ptr<mute_socket> mute;
    for (bool const there : {false, true}) {
        CAPTURE(there);
        if (there) mute = std::make_unique<mute_socket>(path);
        auto const l = log_in(*d, "ann@example.org", "sesame");
        CHECK(l.state == login_state::unsure);
        CHECK(l.cause.find(there ? "in time" : "No such file") != std::string::npos);
        auto const to = d->find_recipient(address("ann@example.org"));
        REQUIRE_FALSE(to);
        CHECK(to.error().code.klass == 4);
        CHECK_FALSE(d->backends()[0].up);
        CHECK(log_in(*d, "own@example.org", "sesame").state == login_state::accepted);
        CHECK(log_in(*d, "own@example.org", "sesamf").state == login_state::unsure);
        CHECK(*d->find_recipient(address("own@example.org")));
        // Not an address at all: nobody is asked.
        CHECK(log_in(*d, "ann", "sesame").state == login_state::bad_credentials);
    }
}
