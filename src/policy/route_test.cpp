#include "policy/route.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::policy;

namespace {

mail::path from(std::string const& text)
{
    mail::path p;
    p.null = text.empty();
    if (!p.null) p.address = *mail::parse_mailbox(text);
    return p;
}

std::vector<config::route> const rows{
    {{"b.example", ".b.example"}, {}, {}, "mx", {}},
    {{"ann@c.example"}, {}, {}, "smtp:10.0.0.1:25", {}},
    {{"press.example"}, {}, {}, "hold", {}},
    {{"press.example"}, {}, {}, "smtp:10.0.0.2:25", {}},
    {{}, {"@staging.example", "ann@a.example"}, {}, "refuse", "Not from there"},
    {{}, {}, {"news@a.example", "@lists.example"}, "smart_host:news", {}},
    {{"local.example"}, {"<>"}, {}, "refuse", {}},
};

struct row {
    char const* sender;
    char const* account;
    char const* recipient;
    bool local;
    int place;  // -1: none
};

}  // namespace

TEST_CASE("the first route whose conditions all hold is taken")
{
    for (row const& r :
         {row{"x@a.example", "", "to@b.example", false, 0}, row{"x@a.example", "", "to@deep.er.b.example", false, 0},
          row{"x@a.example", "", "to@ab.example", false, -1}, row{"x@a.example", "", "Ann@c.example", false, 1},
          row{"x@a.example", "", "bob@c.example", false, -1}, row{"x@staging.example", "", "to@d.example", false, 4},
          row{"x@staging.example", "", "to@b.example", false, 0},
          row{"x@deep.staging.example", "", "to@d.example", false, -1},
          row{"ANN@a.example", "", "to@d.example", false, 4},
          row{"x@a.example", "News@A.example", "to@d.example", false, 5},
          row{"x@a.example", "x@lists.example", "to@d.example", false, 5},
          row{"x@a.example", "", "to@d.example", false, -1}, row{"", "", "to@d.example", false, -1},
          // What leaves is no matter of local mail, unless a route says so.
          row{"x@staging.example", "", "to@local.example", true, -1}, row{"", "", "to@local.example", true, 6},
          row{"x@a.example", "", "to@b.example", true, 0}}) {
        CAPTURE(r.sender);
        CAPTURE(r.account);
        CAPTURE(r.recipient);
        auto const sender = from(r.sender);
        std::string const account = r.account;
        auto const to = *mail::parse_mailbox(r.recipient);
        auto const place = choose_route(rows, {sender, account, to, r.local}, true);
        CHECK(place == (r.place < 0 ? std::nullopt : std::optional<std::size_t>(r.place)));
    }
}

TEST_CASE("holding is for new mail")
{
    auto const sender = from("x@a.example");
    std::string const account;
    auto const to = *mail::parse_mailbox("to@press.example");
    route_facts const f{sender, account, to, false};
    CHECK(is_held(rows, f));
    CHECK(choose_route(rows, f, true) == 2);
    CHECK(choose_route(rows, f, false) == 3);
    auto const other = *mail::parse_mailbox("to@b.example");
    CHECK_FALSE(is_held(rows, {sender, account, other, false}));
}

TEST_CASE("a refusal says what the operator wrote, or where to")
{
    auto const to = *mail::parse_mailbox("to@d.example");
    auto const own = refusal(rows[4], to);
    CHECK(own.what == catalogue::decision::refuse);
    CHECK(catalogue::to_reply(own, "") == "550 5.7.1 Not from there\r\n");
    CHECK(refusal(rows[6], to).text == "Mail to d.example is not allowed on this server");
    CHECK(describe(rows, 5) == "route 6 to smart_host:news");
}
