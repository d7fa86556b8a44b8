#include <doctest/doctest.h>

#include <boost/json/array.hpp>

#include "web/api_call.hpp"
#include "web/api_fixture.hpp"

namespace postern::web {
namespace {

using namespace testing;

/// Keeps what is written; the client goes after so many pauses.
class kept_stream final : public event_sink {
public:
    explicit kept_stream(int pauses) : pauses_(pauses) {}
    net::awaitable<bool> begin(http::response r) override
    {
        head = std::move(r);
        co_return true;
    }
    net::awaitable<bool> write(std::string_view octets) override
    {
        text += octets;
        co_return true;
    }
    net::awaitable<bool> pause(std::chrono::milliseconds) override { co_return pauses_-- > 0; }

    http::response head;
    std::string text;

private:
    int pauses_;
};

void follow(std::shared_ptr<api::audience> all, std::string_view target, http::fields fields, server_link& server,
            kept_stream& out)
{
    boost::asio::io_context context;
    call c{request_for(method::get, target, {}, std::move(fields)), server};
    boost::asio::co_spawn(context, api::follow_events(std::move(all), c, out), [](std::exception_ptr failed) {
        if (failed) std::rethrow_exception(failed);
    });
    context.run();
}

TEST_CASE("events come as a stream, with their numbers, and what a stranger chose in one line")
{
    mail_process server{visit_opened("x")};
    json::object login{{"number", 8}, {"time", "t"}, {"event", "login"}, {"ehlo", "<script>\n\nevent: x"}};
    server.answers.emplace("account events",
                           json::value(json::object{{"events", json::array{login}}, {"last", 9}, {"gap", true}}));
    kept_stream out{1};
    auto fields = with_bearer();
    fields.emplace_back("last-event-id", "7");
    follow(api::make_audience(9, 9), "/api/v1/events?event=login,refused", fields, server, out);
    CHECK(out.head.status == 200);
    CHECK(http::find(out.head.fields, "content-type") == "text/event-stream");
    std::string const frame =
        "event: gap\ndata: {}\n\nid: 8\nevent: login\ndata: "
        R"({"number":8,"time":"t","event":"login","ehlo":"<script>\n\nevent: x"})"
        "\n\n";
    CHECK(out.text == frame + frame);
    REQUIRE(server.questions.size() == 3);
    CHECK(server.questions[1].arguments.at("since") == 7);
    CHECK(server.questions[1].arguments.at("event") == json::value(json::array{"login", "refused"}));
    CHECK(server.questions[2].arguments.at("since") == 9);
}

TEST_CASE("all events are another command; a stream that may not be is refused before it begins")
{
    mail_process server{visit_opened("x")};
    server.answers.emplace("events", control::failure{kind::forbidden, "no", {}, {}});
    kept_stream out{5};
    follow(api::make_audience(9, 9), "/api/v1/events?scope=all", with_bearer(), server, out);
    CHECK(out.head.status == 403);
    CHECK(out.text.empty());
    kept_stream bad{5};
    follow(api::make_audience(9, 9), "/api/v1/events?scope=everything", with_bearer(), server, bad);
    CHECK(bad.head.status == 400);
    mail_process nobody{control::failure{kind::signed_out, "no", {}, {}}};
    kept_stream unknown{5};
    follow(api::make_audience(9, 9), "/api/v1/events", {}, nobody, unknown);
    CHECK(unknown.head.status == 401);
}

TEST_CASE("there are so many streams and no more")
{
    mail_process server{visit_opened("x")};
    kept_stream out{5};
    follow(api::make_audience(0, 9), "/api/v1/events", with_bearer(), server, out);
    CHECK(out.head.status == 429);
    kept_stream own{5};
    follow(api::make_audience(9, 0), "/api/v1/events", with_bearer(), server, own);
    CHECK(own.head.status == 429);
    // Who leaves makes room.
    auto const one = api::make_audience(1, 1);
    server.answers.emplace("account events",
                           json::value(json::object{{"events", json::array{}}, {"last", 1}, {"gap", false}}));
    for (int i = 0; i < 2; ++i) {
        kept_stream again{1};
        follow(one, "/api/v1/events", with_bearer(), server, again);
        CHECK(again.head.status == 200);
    }
}

}  // namespace
}  // namespace postern::web
