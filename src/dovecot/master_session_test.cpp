#include <doctest/doctest.h>

#include "dovecot/login_register.hpp"
#include "dovecot/master_session.hpp"

using namespace postern;
using namespace postern::dovecot;
using namespace std::chrono_literals;

namespace {

struct asked {
    lookup what;
    std::string_view broken;
};

asked ask(std::string_view line)
{
    master_session s{7};
    std::string_view first{"VERSION\t1\t1\n"};
    s.on_input(first);
    auto const what = s.on_input(line);
    return {what, s.broken()};
}

}  // namespace

TEST_CASE("Questions about users")
{
    using kind = lookup::kind;
    struct row {
        char const* line;
        kind what;
        std::uint32_t id;
        char const* name;
        bool broken;
    };
    constexpr row rows[] = {
        {"USER\t1\tann@example.org\tservice=imap\n", kind::user, 1, "ann@example.org", false},
        {"USER\t1\ta\001tb\n", kind::user, 1, "a\tb", false},
        {"PASS\t2\tann\tservice=lmtp\n", kind::pass, 2, "ann", false},
        {"LIST\t3\tuser=*\n", kind::list, 3, "", false},
        {"CACHE-FLUSH\t4\n", kind::none, 0, "", false},
        {"USER\t1", kind::none, 0, "", false},
        {"USER\t1\n", kind::none, 0, "", true},
        {"USER\tx\tann\n", kind::none, 0, "", true},
        {"REQUEST\t1\t2\n", kind::none, 0, "", true},
        {"REQUEST\t1\t2\t3\t\n", kind::none, 0, "", true},
        {"CPID\t9\n", kind::none, 0, "", true},
        {"AUTH\t1\tPLAIN\n", kind::none, 0, "", true},
        {"\n", kind::none, 0, "", true},
    };
    for (auto const& r : rows) {
        CAPTURE(r.line);
        auto const got = ask(r.line);
        CHECK(got.what.what == r.what);
        CHECK(got.what.id == r.id);
        CHECK(got.what.name == r.name);
        CHECK(got.broken.empty() != r.broken);
    }
    auto const request = ask("REQUEST\t5\t100\t6\tabcd\tsession_pid=9\trequest_auth_token\n").what;
    CHECK(request.what == kind::login);
    CHECK(request.process == 100);
    CHECK(request.login_id == 6);
    CHECK(request.cookie == "abcd");
    CHECK_FALSE(ask(std::string(longest_line, 'x')).broken.empty());
}

TEST_CASE("A version of its own comes first")
{
    for (std::string_view const line : {"VERSION\t2\t1\n", "USER\t1\tann\n", "\n"}) {
        CAPTURE(line);
        master_session s{7};
        std::string_view in{line};
        s.on_input(in);
        CHECK_FALSE(s.broken().empty());
    }
}

TEST_CASE("Answers")
{
    master_session s{7};
    s.on_connect();
    lookup q;
    q.id = 3;
    q.what = lookup::kind::user;
    s.answer(q, "a\tb@x");
    s.answer(q, std::nullopt);
    s.answer_unavailable(q);
    q.what = lookup::kind::pass;
    s.answer(q, "ann@x");
    q.what = lookup::kind::list;
    s.answer_list(q, {"ann@x", "bob@x"});
    s.answer_unavailable(q);
    CHECK(s.output() ==
          "VERSION\t1\t1\nSPID\t7\nUSER\t3\ta\001tb@x\nNOTFOUND\t3\nFAIL\t3\nPASS\t3\tuser=ann@x\n"
          "LIST\t3\tann@x\nLIST\t3\tbob@x\nDONE\t3\t\nDONE\t3\tfail\n");
}

TEST_CASE("A log-in is fetched once, in time, and by who knows the cookie")
{
    login_register waiting;
    steady_time const now{1h};
    waiting.add({9, 1, "secret", "ann@x"}, now);
    CHECK_FALSE(waiting.take(9, 1, "guess", now));
    CHECK_FALSE(waiting.take(8, 1, "secret", now));
    CHECK_FALSE(waiting.take(9, 2, "secret", now));
    CHECK(waiting.take(9, 1, "secret", now) == "ann@x");
    CHECK_FALSE(waiting.take(9, 1, "secret", now));

    waiting.add({9, 1, "secret", "ann@x"}, now);
    waiting.add({9, 1, "secret", "bob@x"}, now + 1s);
    CHECK(waiting.take(9, 1, "secret", now + 2s) == "bob@x");
    CHECK_FALSE(waiting.take(9, 1, "secret", now + login_register::fetch_within));

    for (std::uint32_t i = 0; i < 2 * login_register::most; ++i) waiting.add({9, i, "secret", "ann@x"}, now);
    CHECK(waiting.size() == login_register::most);
    CHECK_FALSE(waiting.take(9, 0, "secret", now));
    CHECK(waiting.take(9, 2 * login_register::most - 1, "secret", now) == "ann@x");
}
