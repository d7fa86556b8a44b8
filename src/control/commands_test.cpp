#include "control/commands.hpp"

#include <condition_variable>
#include <mutex>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "control/fixture.hpp"
#include "directory/directory.hpp"
#include "spool/spool.hpp"

using namespace postern;
using namespace postern::control;
using postern::control::testing::world;
namespace json = boost::json;

namespace {

json::object account(std::string_view address, std::string_view password = "correct horse")
{
    return {{"address", address}, {"password", password}};
}

directory::login log_in(directory::directory& accounts, std::string_view name, std::string_view password)
{
    std::mutex lock;
    std::condition_variable changed;
    std::optional<result<directory::login>> answer;
    accounts.verify_password(name, "", secret{password}, [&](result<directory::login> l) {
        std::scoped_lock guard{lock};
        answer = std::move(l);
        changed.notify_one();
    });
    std::unique_lock guard{lock};
    changed.wait(guard, [&] { return answer.has_value(); });
    REQUIRE(*answer);
    return **answer;
}

std::string enqueue(spool::spool& queue, std::string_view content)
{
    spool::message m;
    m.queue_id = make_queue_id();
    m.session = make_session_id();
    m.account = "ann@example.com";
    m.client = "192.0.2.7";
    m.accepted_at = wall_clock::now();
    m.env.reverse_path.address = *mail::parse_mailbox("ann@example.com");
    m.env.recipients.push_back({*mail::parse_mailbox("bob@elsewhere.example"), {}, {}});
    auto body = queue.new_content();
    REQUIRE(body->append(content));
    auto const id = m.queue_id;
    std::mutex lock;
    std::condition_variable changed;
    std::optional<bool> accepted;
    queue.accept(std::move(m), std::move(body), [&](result<> r) {
        std::scoped_lock guard{lock};
        accepted = r.has_value();
        changed.notify_one();
    });
    std::unique_lock guard{lock};
    changed.wait(guard, [&] { return accepted.has_value(); });
    REQUIRE(*accepted);
    return id;
}

std::string text(json::value const& v, std::string_view key) { return std::string{v.as_object().at(key).as_string()}; }

}  // namespace

TEST_CASE("an account that is added can log in, and shows")
{
    world w;
    auto const added = w.must("account add", account("Ann@Example.com"));
    CHECK(text(added, "address") == "ann@example.com");
    CHECK(added.as_object().contains("warning"));  // its domain isn't local
    CHECK(log_in(*w.accounts, "ann@example.com", "correct horse").state == directory::login_state::accepted);

    auto const all = w.must("account list").as_array();
    REQUIRE(all.size() == 1);
    CHECK(all[0].at("enabled").as_bool());
    // No verifier, no key, no password ever leaves.
    CHECK(json::serialize(all).find("correct horse") == std::string::npos);
    CHECK(json::serialize(all).find("$argon2") == std::string::npos);
}

TEST_CASE("a password that is changed works at once, and the old one no more")
{
    world w;
    w.must("account add", account("ann@example.com"));
    REQUIRE(log_in(*w.accounts, "ann@example.com", "correct horse").state == directory::login_state::accepted);
    w.must("account password", account("ann@example.com", "battery staple"));
    CHECK(log_in(*w.accounts, "ann@example.com", "correct horse").state == directory::login_state::bad_credentials);
    CHECK(log_in(*w.accounts, "ann@example.com", "battery staple").state == directory::login_state::accepted);
}

TEST_CASE("switches of an account take effect at once")
{
    world w;
    w.must("account add", account("ann@example.com"));
    json::object const ann{{"address", "ANN@example.com"}};
    w.must("account smtp-auth", {{"address", "ann@example.com"}, {"on", false}});
    CHECK(log_in(*w.accounts, "ann@example.com", "correct horse").state == directory::login_state::smtp_auth_off);
    w.must("account smtp-auth", {{"address", "ann@example.com"}, {"on", true}});
    w.must("account disable", ann);
    CHECK(log_in(*w.accounts, "ann@example.com", "correct horse").state == directory::login_state::disabled);
    w.must("account enable", ann);
    CHECK(log_in(*w.accounts, "ann@example.com", "correct horse").state == directory::login_state::accepted);
    w.must("account remove", ann);
    CHECK(log_in(*w.accounts, "ann@example.com", "correct horse").state == directory::login_state::bad_credentials);
}

TEST_CASE("wrong calls are told in a sentence and change nothing")
{
    world w;
    w.must("account add", account("ann@example.com"));
    struct wrong_call {
        std::string_view command;
        json::object given;
        std::string_view says;
    };
    wrong_call const calls[] = {
        {"account add", account("ann@example.com"), "there is an account ann@example.com already"},
        {"account add", account("ann"), "is not a mail address"},
        {"account add", account("bob@example.com", ""), "the password is empty"},
        {"account add", {{"address", "bob@example.com"}}, "the password is empty"},
        {"account show", {{"address", "bob@example.com"}}, "there is no account bob@example.com"},
        {"account password", account("bob@example.com"), "there is no account bob@example.com"},
        {"account remove", {{"address", "bob@example.com"}}, "there is no account bob@example.com"},
        {"account smtp-auth", {{"address", "ann@example.com"}}, "on is missing"},
        {"account alias add", {{"address", "ann@example.com"}, {"alias", "x"}}, "is not a mail address"},
        {"domain add", {{"domain", "not a domain"}}, "is not a domain"},
        {"domain add", {{"domain", "localhost"}}, "has no dot"},
        {"domain add", {{"domain", "example.org."}}, "leave out the dot at the end"},
        {"account add", account("@example.com"), "the part before the @ is missing"},
        {"account add", account("bob@example.com."), "leave out the dot at the end"},
        {"account send-as add",
         {{"address", "ann@example.com"}, {"sender", "elsewhere.example"}},
         "write @elsewhere.example"},
        {"domain remove", {{"domain", "absent.example"}}, "is not a local domain"},
        {"domain remove", {{"domain", "configured.example"}}, "comes from the configuration"},
        {"queue show", {{"queue_id", "rm -rf"}}, "is not the id of a message"},
        {"why", {{"id", "yesterday"}}, "is not an id"},
        {"no such command", {}, "does not know this command"},
    };
    for (auto const& call : calls) {
        CAPTURE(call.says);
        auto const done = w.run(call.command, call.given);
        REQUIRE_FALSE(done);
        CHECK(done.error().why == failure::kind::usage);
        CHECK(done.error().text.find(call.says) != std::string::npos);
    }
    CHECK(w.must("account list").as_array().size() == 1);
}

TEST_CASE("aliases and grants are added and removed")
{
    world w;
    w.must("account add", account("ann@configured.example"));
    auto after =
        w.must("account alias add", {{"address", "ann@configured.example"}, {"alias", "Info@configured.example"}});
    CHECK(after.at("aliases") == json::array{"info@configured.example"});
    after = w.must("account send-as add", {{"address", "ann@configured.example"}, {"sender", "@shop.example"}});
    CHECK(after.at("send_as") == json::array{"@shop.example"});
    after = w.must("account send-as remove", {{"address", "ann@configured.example"}, {"sender", "@shop.example"}});
    CHECK(after.at("send_as").as_array().empty());
    after =
        w.must("account alias remove", {{"address", "ann@configured.example"}, {"alias", "info@configured.example"}});
    CHECK(after.at("aliases").as_array().empty());
}

TEST_CASE("an import is all or nothing, and names the bad lines")
{
    world w;
    auto const bad = w.run("account import", {{"lines", "ann@example.com:{PLAIN}secret-1\nnonsense\n"}});
    REQUIRE_FALSE(bad);
    CHECK(bad.error().why == failure::kind::usage);
    REQUIRE(bad.error().details.size() == 1);
    CHECK(bad.error().details[0].find("line 2") != std::string::npos);
    CHECK(bad.error().details[0].find("secret-1") == std::string::npos);
    CHECK(w.must("account list").as_array().empty());

    auto const good =
        w.must("account import", {{"lines", "ann@example.com:{PLAIN}secret-1\nbob@example.com:{PLAIN}b\n"}});
    CHECK(json::serialize(good.at("imported")) == "2");
    CHECK(log_in(*w.accounts, "ann@example.com", "secret-1").state == directory::login_state::accepted);
}

TEST_CASE("domains of the configuration and of the database stand in one list")
{
    world w;
    w.must("domain add", {{"domain", "Added.Example"}});
    auto const all = w.must("domain list").as_array();
    REQUIRE(all.size() == 2);
    for (auto const& d : all) CHECK(d.at("configured").as_bool() == (text(d, "domain") == "configured.example"));
    w.must("domain remove", {{"domain", "added.example"}});
    CHECK(w.must("domain list").as_array().size() == 1);
}

TEST_CASE("an unreadable message is in the queue's list, which says why")
{
    world w;
    auto const id = enqueue(*w.queue, std::string(300'000, 'x'));
    for (auto const& e : std::filesystem::recursive_directory_iterator(w.folder.path() / "content"))
        if (e.is_regular_file()) std::filesystem::resize_file(e.path(), 10);
    REQUIRE(w.queue->take_due(wall_clock::now() + std::chrono::seconds{1}, 10)->empty());
    // Behind what was set aside.
    static_cast<void>(w.queue->hold(enqueue(*w.queue, "Subject: Hello\r\n\r\n"), true));
    auto const all = w.must("queue list").as_array();
    REQUIRE(all.size() == 2);
    CHECK(text(all[0], "queue_id") == id);
    CHECK(text(all[0], "unreadable").find("size") != std::string::npos);
    auto const& to = all[0].at("recipients").as_array().at(0);
    CHECK(text(to, "state") == "unreadable");
    CHECK(to.at("next_attempt").is_null());
    CHECK(all[1].at("unreadable").is_null());
    auto const shown = w.must("queue show", {{"queue_id", id}});
    CHECK_FALSE(shown.as_object().contains("header"));
    CHECK_FALSE(w.run("queue hold", {{"queue_id", id}}));
    w.must("queue remove", {{"queue_id", id}});
    CHECK(w.must("queue list").as_array().size() == 1);
}

TEST_CASE("the queue can be looked at and changed")
{
    world w;
    auto const id = enqueue(*w.queue, "Subject: Hello\r\n\tfolded\r\n\r\nbody\r\n");
    auto const all = w.must("queue list").as_array();
    REQUIRE(all.size() == 1);
    CHECK(text(all[0], "queue_id") == id);
    CHECK(text(all[0], "reverse_path") == "ann@example.com");
    auto const& to = all[0].at("recipients").as_array().at(0);
    CHECK(text(to, "forward_path") == "bob@elsewhere.example");
    CHECK(text(to, "state") == "queued");
    for (auto key : {"attempts", "next_attempt", "last_reply"}) CHECK(to.as_object().contains(key));

    auto const shown = w.must("queue show", {{"queue_id", id}});
    CHECK(text(shown, "header") == "Subject: Hello\n    folded\n");

    auto const says = [&](std::string_view command, std::string_view words) {
        auto const done = w.run(command, {{"queue_id", id}});
        return !done && done.error().text.find(words) != std::string::npos;
    };
    CHECK(says("queue release", "is not held"));
    w.must("queue hold", {{"queue_id", id}});
    CHECK(says("queue retry", "postern queue release"));
    CHECK(w.must("queue show", {{"queue_id", id}}).at("held").as_bool());
    w.must("queue release", {{"queue_id", id}});
    CHECK_FALSE(w.must("queue show", {{"queue_id", id}}).at("held").as_bool());
    w.must("queue retry", {{"queue_id", id}});
    w.must("queue retry", {{"all", true}});
    w.must("queue remove", {{"queue_id", id}});
    CHECK(w.must("queue list").as_array().empty());

    auto const gone = w.run("queue show", {{"queue_id", id}});
    REQUIRE_FALSE(gone);
    CHECK(gone.error().why == failure::kind::problem);
}

TEST_CASE("explain decides as a session would, and names the smallest change")
{
    world w;
    w.must("account add", account("ann@configured.example"));

    auto answer = w.must("explain", {{"from", "x@y.example"}, {"to", "z@far.example"}, {"listener", 25}});
    CHECK(text(answer, "verdict") == "refuse");
    CHECK(text(answer, "rule") == "relay-needs-login");
    CHECK(answer.at("reply").at("code") == 550);
    CHECK(text(answer.at("reply"), "status") == "5.7.1");
    CHECK_FALSE(text(answer, "flip").empty());
    CHECK(text(answer.at("facts"), "role") == "mx");

    answer = w.must("explain", {{"as", "ann@configured.example"}, {"to", "z@far.example"}});
    CHECK(text(answer, "verdict") == "accept");
    CHECK(answer.at("reply").at("code") == 250);

    answer = w.must("explain", {{"from", "x@y.example"}, {"to", "ann@configured.example"}, {"listener", 25}});
    CHECK(text(answer, "verdict") == "accept");
    answer = w.must("explain", {{"from", "x@y.example"}, {"to", "nobody@configured.example"}, {"listener", 25}});
    CHECK(text(answer, "rule") == "unknown-recipient");

    answer = w.must("explain", {{"to", "z@far.example"}});
    CHECK(text(answer, "rule") == "auth-required");
    CHECK(text(answer, "at") == "MAIL");

    answer = w.must("explain", {{"as", "ann@configured.example"}, {"from", "boss@configured.example"}});
    CHECK(text(answer, "rule") == "sender-not-owned");
    answer = w.must("explain", {{"as", "ann@configured.example"}, {"header_from", "boss@configured.example"}});
    CHECK(text(answer, "rule") == "header-from-not-owned");

    answer = w.must("explain", {{"as", "ann@configured.example"}, {"tls", false}});
    CHECK(text(answer, "rule") == "auth-needs-tls");
    w.must("account smtp-auth", {{"address", "ann@configured.example"}, {"on", false}});
    answer = w.must("explain", {{"as", "ann@configured.example"}});
    CHECK(text(answer, "rule") == "auth-smtp-off");
    CHECK(text(answer, "flip") == "postern account smtp-auth ann@configured.example on");

    CHECK_FALSE(w.run("explain", {{"listener", 26}}));
    CHECK_FALSE(w.run("explain", {{"client", "localhost"}}));
    CHECK_FALSE(w.run("explain", {{"as", "nobody@configured.example"}}));
}

TEST_CASE("why tells a message's story from its session on, and leaves other messages out")
{
    world w;
    auto const session = make_session_id(), other = make_session_id();
    auto const first = make_queue_id(), second = make_queue_id();
    log::options o;
    o.level = log::level::error;
    o.history = w.context.history();
    log::start(o);
    log::event(log::level::info, "login", {{"session", session}, {"account", "ann@example.com"}});
    log::event(log::level::info, "accepted", {{"session", session}, {"queue_id", first}});
    log::event(log::level::info, "accepted", {{"session", session}, {"queue_id", second}});
    log::event(log::level::info, "refused", {{"session", session + ".1"}, {"rule", "unknown-recipient"}});
    log::event(log::level::info, "login", {{"session", other}});
    auto const report = make_queue_id();
    log::event(log::level::info, "bounced", {{"queue_id", first}});
    log::event(log::level::info, "report", {{"queue_id", report}, {"about", first}});
    log::event(log::level::info, "delivered", {{"queue_id", report}});
    log::event(log::level::info, "delivered", {{"queue_id", second}});

    auto const names = [&](std::string id) {
        std::string all;
        auto const story = w.must("why", {{"id", std::move(id)}});
        for (auto const& e : story.at("events").as_array()) {
            if (!all.empty()) all += ' ';
            all += text(e, "event");
            if (text(e, "event") == "refused") CHECK(text(e.at("remedy"), "id") == "D-113");
        }
        return all;
    };
    CHECK(names(first) == "login accepted refused bounced report delivered");
    CHECK(names(second) == "login accepted refused delivered");
    CHECK(names(report) == "report delivered");
    CHECK(names(session) == "login accepted accepted refused bounced report delivered");
    CHECK(names("(" + session + ".1)") == "login accepted accepted refused bounced report delivered");
    CHECK(names("https://mail.example.com/why/" + session + ".1") ==
          "login accepted accepted refused bounced report delivered");
    CHECK(names("(" + session + ".1, see https://mail.example.com/why/" + session + ".1)") ==
          "login accepted accepted refused bounced report delivered");
    CHECK(names(to_lower(other)) == "login");

    auto const unknown = w.run("why", {{"id", make_session_id()}});
    log::stop();
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().why == failure::kind::problem);
}

TEST_CASE("status needs a running server")
{
    world w;
    CHECK_FALSE(w.run("status"));
}
