#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.hpp"
#include "base/log_listener.hpp"
#include "console/discovery_log.hpp"
#include "console/event_ring.hpp"
#include "control/fixture.hpp"
#include "control/own_names.hpp"
#include "signing/key_store.hpp"
#include "signing/signer.hpp"
#include "visits/book.hpp"

namespace postern::control {
namespace {

namespace json = boost::json;
constexpr char const *ann = "ann@example.com", *bob = "bob@example.com";

console::event_ring& keep(std::unique_ptr<console::event_ring> ring)
{
    static std::vector<std::unique_ptr<console::event_ring>> all;
    return *all.emplace_back(std::move(ring));
}

/// A history, a ring that hears what is logged, and two accounts.
struct watched : testing::world {
    // Lives as long as the process, as a listener has to.
    console::event_ring& ring = keep(std::make_unique<console::event_ring>(wall_clock::now()));
    console::discovery_log discovery;
    std::uint64_t begin = ring.last();

    watched()
    {
        must("account add", {{"address", ann}, {"password", "a password of hers"}});
        must("account add", {{"address", bob}, {"password", "a password of his"}});
        context.events = &ring;
        context.discovery = &discovery;
        log::options o;
        o.level = log::level::error;
        o.history = context.history();
        log::start(o);
        log::listen(&ring);
    }
    ~watched()
    {
        log::listen(nullptr);
        log::stop();
    }
    json::value ask(outcome (*command)(control::context&, arguments), json::object const& given)
    {
        auto done = command(context, arguments{given});
        if (!done) FAIL(done.error().text);
        return std::move(*done);
    }
};

void log_login_of(char const* account, char const* label = "Phone")
{
    log::event(log::level::info, "login",
               {{"session", "SAAAAAAAAAAAA"},
                {"account", account},
                {"label", label},
                {"client", "192.0.2.7:1"},
                {"tls", "TLSv1.3"}});
}

void log_refusal_of(char const* account, char const* session = "SBBBBBBBBBBBB.1")
{
    log::event(log::level::info, "refused",
               {{"session", session},
                {"rule", "auth-failed"},
                {"command", "AUTH PLAIN"},
                {"account", account},
                {"client", "192.0.2.9:1"},
                {"ehlo", "<script>"},
                {"cause", "wrong_password"},
                {"problem", "for operators"}});
}

TEST_CASE_FIXTURE(watched, "an account follows its own events and sees of them what is its own")
{
    log_login_of(bob);
    log_login_of("Ann@Example.COM");
    log_refusal_of(ann);
    auto const own = ask(account_events, {{"address", ann}, {"since", begin}});
    auto const& list = own.at("events").as_array();
    REQUIRE(list.size() == 2);
    CHECK(list[0].at("event") == "login");
    CHECK(list[0].at("label") == "Phone");
    CHECK(list[1].at("ehlo") == "<script>");
    CHECK_FALSE(list[1].as_object().contains("problem"));
    CHECK(own.at("last") == ring.last());

    auto const all = ask(events, {{"since", begin}, {"event", json::array{"refused"}}});
    REQUIRE(all.at("events").as_array().size() == 1);
    CHECK(all.at("events").at(0).at("problem") == "for operators");
    CHECK(ask(events, {}).at("events").as_array().empty());  // from now on
    CHECK_FALSE(account_events(context, arguments{json::object{{"address", "nobody@example.com"}}}));
    CHECK_FALSE(events(context, arguments{json::object{{"since", -1}}}));
}

TEST_CASE_FIXTURE(watched, "decisions say what happened in plain words, the latest first")
{
    log_refusal_of(ann);
    log_refusal_of(bob);
    auto const all = ask(decisions, {{"limit", 1}});
    REQUIRE(all.as_array().size() == 1);
    auto const& d = all.at(0);
    CHECK(d.at("account") == bob);
    CHECK(d.at("reply").as_string().starts_with("535 "));
    CHECK_FALSE(d.at("operator").as_string().empty());
    CHECK(d.at("facts").at("problem") == "for operators");
    CHECK(ask(decisions, {{"rule", "no-such-rule"}}).as_array().empty());
    CHECK(ask(decisions, {{"account", ann}}).as_array().size() == 1);
}

TEST_CASE_FIXTURE(watched, "log-ins of an account come from the history")
{
    log_refusal_of(ann);
    log_refusal_of(ann, "SCCCCCCCCCCCC.1");
    log_login_of(bob);
    auto const list = ask(account_logins, {{"address", ann}});
    REQUIRE(list.as_array().size() == 1);
    CHECK(list.at(0).at("times") == 2);
    CHECK(list.at(0).at("cause") == "wrong_password");
}

TEST_CASE_FIXTURE(watched, "who sends without logging in shows to whose address it was, and says little of others")
{
    auto const tell = [](char const* client, char const* mail_from, char const* rule, char const* session) {
        log::event(log::level::info, "refused",
                   {{"session", session},
                    {"rule", rule},
                    {"command", "MAIL FROM:<x>"},
                    {"client", client},
                    {"ehlo", "their-pc"},
                    {"mail_from", mail_from}});
    };
    tell("192.0.2.9:1", ann, "auth-required", "SAAAAAAAAAAAA.1");
    tell("203.0.113.9:1", ann, "auth-required", "SBBBBBBBBBBBB.1");
    tell("192.0.2.9:2", bob, "auth-required", "SCCCCCCCCCCCC.1");
    tell("192.0.2.9:3", "", "tls-on-plain-port", "SDDDDDDDDDDDD.1");
    auto const heard = ask(account_events, {{"address", ann}, {"since", begin}});
    REQUIRE(heard.at("events").as_array().size() == 1);  // the last one tells enough
    CHECK_FALSE(heard.at("events").at(0).as_object().contains("client"));
    CHECK(heard.at("events").at(0).at("rule") == "auth-required");

    CHECK(ask(account_logins, {{"address", ann}, {"waiting_since", 0}}).as_array().size() == 2);
    context.caller.for_itself = true;
    context.caller.from = "192.0.2.9";
    auto const own = ask(account_logins, {{"address", ann}});
    REQUIRE(own.as_array().size() == 2);
    CHECK(own.at(0).at("near") == false);
    CHECK(own.at(1).at("near") == true);
    auto const waiting = ask(account_logins, {{"address", ann}, {"waiting_since", 0}});
    REQUIRE(waiting.as_array().size() == 3);
    CHECK(waiting.at(0).at("rule") == "tls-on-plain-port");
    CHECK(waiting.at(1).at("times") == 1);  // what names another sender is not ours
}

TEST_CASE_FIXTURE(watched,
                  "the id of a refusal tells the account what it was, and of others' what any stranger may know")
{
    log::event(log::level::info, "refused",
               {{"session", "AAAAAAAAAAAA.1"}, {"rule", "sender-not-owned"}, {"account", ann}, {"logged_in", true}});
    log::event(log::level::info, "refused",
               {{"session", "BBBBBBBBBBBB.1"}, {"rule", "auth-required"}, {"client", "192.0.2.9:1"}});
    log::event(log::level::info, "refused", {{"session", "CCCCCCCCCCCC.1"}, {"rule", "auth-failed"}, {"account", bob}});
    auto const own = ask(account_why, {{"address", ann}, {"id", "(aaaaaaaaaaaa.1)"}});
    REQUIRE(own.at("events").as_array().size() == 1);
    CHECK_FALSE(own.at("events").at(0).at("remedy").at("user").as_string().empty());
    CHECK_FALSE(own.at("events").at(0).at("remedy").as_object().contains("operator"));
    auto const anybodys = ask(account_why, {{"address", ann}, {"id", "BBBBBBBBBBBB.1"}});
    REQUIRE(anybodys.at("events").as_array().size() == 1);
    CHECK_FALSE(anybodys.at("events").at(0).as_object().contains("client"));
    for (char const* id : {"CCCCCCCCCCCC.1", "DDDDDDDDDDDD.1", "no id"}) {
        auto const none = account_why(context, arguments{json::object{{"address", ann}, {"id", id}}});
        REQUIRE_FALSE(none);
        CHECK(none.error().rule == not_there_rule);
    }
}

TEST_CASE_FIXTURE(watched, "a message of somebody else's is not there")
{
    log::event(
        log::level::info, "accepted",
        {{"queue_id", "QAAAAAAAAAAAA"}, {"account", ann}, {"forward_path", "x@elsewhere.example"}, {"recipients", 1}});
    log::event(log::level::info, "delivered",
               {{"queue_id", "QAAAAAAAAAAAA"},
                {"account", ann},
                {"forward_path", "x@elsewhere.example"},
                {"reply", "250 ok"}});
    auto const sent = ask(account_sent, {{"address", ann}});
    REQUIRE(sent.as_array().size() == 1);
    CHECK(sent.at(0).at("state") == "delivered");
    CHECK(ask(account_sent, {{"address", bob}}).as_array().empty());
    CHECK(ask(account_message, {{"address", ann}, {"queue_id", "QAAAAAAAAAAAA"}}).at("events").as_array().size() == 2);
    auto const other =
        account_message(context, arguments{json::object{{"address", bob}, {"queue_id", "QAAAAAAAAAAAA"}}});
    auto const none =
        account_message(context, arguments{json::object{{"address", bob}, {"queue_id", "QBBBBBBBBBBBB"}}});
    REQUIRE_FALSE(other);
    REQUIRE_FALSE(none);
    CHECK(other.error().rule == not_there_rule);
    CHECK(none.error().rule == other.error().rule);
}

TEST_CASE_FIXTURE(watched, "a sender is not told where a recipient's mail goes on to")
{
    log::event(log::level::info, "accepted",
               {{"queue_id", "QAAAAAAAAAAAA"}, {"account", ann}, {"forward_path", bob}, {"recipients", 1}});
    log::event(log::level::info, "forwarded",
               {{"queue_id", "QAAAAAAAAAAAA"}, {"forward_path", bob}, {"to", "bob.private@elsewhere.example"}});
    auto const story = ask(account_message, {{"address", ann}, {"queue_id", "QAAAAAAAAAAAA"}});
    REQUIRE(story.at("events").as_array().size() == 2);
    CHECK(story.at("events").at(1).at("event") == "forwarded");
    CHECK(json::serialize(story).find("bob.private") == std::string::npos);
}

TEST_CASE_FIXTURE(watched, "who gets an address later reads nothing of who had it before")
{
    auto const logins = [&](char const* address) {
        return ask(account_logins, {{"address", address}}).as_array().size();
    };
    auto const heard = [&](char const* address) {
        return ask(account_events, {{"address", address}, {"since", begin}, {"event", json::array{"login", "refused"}}})
            .at("events")
            .as_array()
            .size();
    };
    constexpr char const* sales = "sales@example.com";
    must("account alias add", {{"address", ann}, {"alias", sales}});
    log_refusal_of(sales);
    log_login_of(bob);
    log::event(
        log::level::info, "accepted",
        {{"queue_id", "QAAAAAAAAAAAA"}, {"account", bob}, {"forward_path", "x@elsewhere.example"}, {"recipients", 1}});
    CHECK(logins(ann) == 1);
    CHECK(heard(ann) == 1);
    CHECK(logins(bob) == 1);
    CHECK(ask(account_sent, {{"address", bob}}).as_array().size() == 1);

    must("account alias remove", {{"address", ann}, {"alias", sales}});
    must("account alias add", {{"address", bob}, {"alias", sales}});
    CHECK(logins(bob) == 1);
    CHECK(heard(bob) == 1);
    log_refusal_of(sales);
    CHECK(logins(bob) == 2);
    CHECK(heard(bob) == 2);

    must("account remove", {{"address", bob}});
    must("account add", {{"address", bob}, {"password", "a password of the next one"}});
    CHECK(logins(bob) == 0);
    CHECK(heard(bob) == 0);
    CHECK(ask(account_sent, {{"address", bob}}).as_array().empty());
    CHECK_FALSE(account_message(context, arguments{json::object{{"address", bob}, {"queue_id", "QAAAAAAAAAAAA"}}}));
    log_login_of(bob);
    CHECK(logins(bob) == 1);
    CHECK(heard(bob) == 1);
}

TEST_CASE_FIXTURE(watched, "a test mail is stored as the account's own, and its first step told")
{
    signing::signer signer{1};
    context.signer = &signer;
    auto const begun = ask(account_test_mail, {{"address", ann}});
    auto const id = std::string{begun.at("queue_id").as_string()};
    CHECK(begun.at("to") == ann);
    CHECK(begun.at("state") == "on its way");
    REQUIRE(begun.at("steps").as_array().size() == 1);
    CHECK(begun.at("steps").at(0).at("step") == "accepted");
    auto const queued = must("queue show", {{"queue_id", id}});
    CHECK(queued.at("reverse_path") == ann);
    CHECK(queued.at("account") == ann);
    CHECK(ask(account_test_mail_show, {{"address", ann}, {"queue_id", id}}).at("state") == "on its way");
    CHECK_FALSE(account_test_mail_show(context, arguments{json::object{{"address", bob}, {"queue_id", id}}}));
    auto const to_other = account_test_mail(context, arguments{json::object{{"address", ann}, {"to", bob}}});
    REQUIRE_FALSE(to_other);
    CHECK(to_other.error().why == failure::kind::usage);
    must("account smtp-auth", {{"address", bob}, {"on", false}});
    CHECK_FALSE(account_test_mail(context, arguments{json::object{{"address", bob}}}));
    for (int i = 0; i < 5; ++i) ask(account_test_mail, {{"address", ann}});
    auto const too_often = account_test_mail(context, arguments{json::object{{"address", ann}}});
    REQUIRE_FALSE(too_often);
    CHECK(too_often.error().why == failure::kind::put_off);
}

TEST_CASE_FIXTURE(watched, "what the web process tells of discovery is listed, the latest first")
{
    json::object const one{{"client", "192.0.2.7"},
                           {"host", "autoconfig.example.com"},
                           {"path", "/mail/config-v1.1.xml"},
                           {"status", 200}};
    json::object const other{
        {"client", "192.0.2.7"}, {"host", "example.com"}, {"path", "/x"}, {"user_agent", "<script>"}};
    ask(discovery_note, {{"requests", json::array{one, other}}});
    auto const rows = ask(discovery_list, {});
    REQUIRE(rows.as_array().size() == 2);
    CHECK(rows.at(0).at("user_agent") == "<script>");
    CHECK(rows.at(1).at("status") == 200);
    json::object const wrong{{"requests", json::array{json::object{{"client", "192.0.2.7"}}}}};
    CHECK_FALSE(discovery_note(context, arguments{wrong}));
}

TEST_CASE_FIXTURE(watched, "a new password of one's own takes a sign-in of this moment")
{
    json::object const given{{"address", ann}, {"password", "quite another password"}};
    CHECK_FALSE(account_own_password(context, arguments{given}));
    visits::visit v;
    v.account = ann;
    v.created = wall_clock::now() - std::chrono::minutes{5};
    context.caller.visit = v;
    CHECK_FALSE(account_own_password(context, arguments{given}));
    context.caller.visit->created = wall_clock::now();
    CHECK(account_own_password(context, arguments{given}));
}

}  // namespace
}  // namespace postern::control
