#include "control/why_public.hpp"

#include <fstream>

#include "catalogue/rules.hpp"
#include "control/fixture.hpp"
#include "control/history.hpp"

namespace postern::control {
namespace {

std::string rule_told(context& c, std::string_view id)
{
    auto const told = run_command(c, "why public", {{"id", id}});
    REQUIRE(told);
    REQUIRE(told->as_object().size() == 1);
    return std::string{told->as_object().at("rule").as_string()};
}

}  // namespace

TEST_CASE("strangers learn the rule of a harmless refusal, and nothing of any other")
{
    testing::world w;
    std::filesystem::create_directories(w.context.history());
    std::ofstream{w.context.history() / "events.1.jsonl"}
        << R"({"time":"2026-01-01T00:00:00Z","event":"refused","session":"K7Q2M9TX4WZA.1","rule":"auth-failed","account":"ann@example.com"})"
           "\n"
        << R"({"time":"2026-01-01T00:00:01Z","event":"refused","session":"K7Q2M9TX4WZA.2","rule":"message-too-big"})"
           "\n"
        << R"({"time":"2026-01-01T00:00:01Z","event":"refused","session":"K7Q2M9TX4WZB.1","rule":"unknown-recipient"})"
           "\n"
        << R"({"time":"2026-01-01T00:00:01Z","event":"accepted","session":"K7Q2M9TX4WZC","rule":"allowed-login"})"
           "\n";
    CHECK(rule_told(w.context, "K7Q2M9TX4WZA.2") == "message-too-big");
    CHECK(rule_told(w.context, "k7q2m9tx4wza.2") == "message-too-big");
    CHECK(rule_told(w.context, "K7Q2M9TX4WZA") == "message-too-big");  // the last one
    for (std::string_view const secret : {"K7Q2M9TX4WZA.1", "K7Q2M9TX4WZB.1", "K7Q2M9TX4WZC", "K7Q2M9TX4WZA.3",
                                          "K7Q2M9TX4WZZ.1", "", "../../etc/passwd", "ann@example.com"})
        CHECK(rule_told(w.context, secret).empty());
}

TEST_CASE("what lies far back is not looked for, for a stranger")
{
    testing::world w;
    std::filesystem::create_directories(w.context.history());
    std::ofstream{w.context.history() / "events.1.jsonl"}
        << R"({"event":"refused","session":"K7Q2M9TX4WZA.1","rule":"message-too-big"})"
           "\n";
    auto const later = w.context.history() / "events.2.jsonl";
    std::ofstream{later} << "\n";
    CHECK(rule_told(w.context, "K7Q2M9TX4WZA.1") == "message-too-big");
    std::filesystem::resize_file(later, most_octets_for_others);
    CHECK(rule_told(w.context, "K7Q2M9TX4WZA.1").empty());
}

TEST_CASE("no refusal is harmless that depends on an account, a mailbox, or what we think of the client")
{
    namespace rules = catalogue::rules;
    for (auto const* r : {&rules::auth_failed, &rules::auth_account_disabled, &rules::auth_smtp_off,
                          &rules::auth_app_password_needed, &rules::unknown_recipient, &rules::sender_not_owned,
                          &rules::guard_login_refused, &rules::guard_network_refused, &rules::sending_limit,
                          &rules::too_many_auth_failures, &rules::auth_unavailable, &rules::mailbox_failure})
        CHECK_FALSE_MESSAGE(is_harmless(*r), r->name);
    CHECK(is_harmless(rules::message_too_big));
}

TEST_CASE("a flood of questions does not search the history each time")
{
    pace p{2, 1};
    auto const now = pace::clock::now();
    CHECK(p.take(now));
    CHECK(p.take(now));
    CHECK_FALSE(p.take(now));
    CHECK(p.take(now + std::chrono::seconds{1}));
    CHECK_FALSE(p.take(now + std::chrono::seconds{1}));
}

}  // namespace postern::control
