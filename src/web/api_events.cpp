// Server-sent events (the HTML standard, "Server-sent events"): the mail process is asked once a second for what is new.
// Each answer is for whoever is signed in at that moment, so a stream ends with its session.
#include <map>
#include <memory>
#include <mutex>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/clock.hpp"
#include "base/numbers.hpp"
#include "web/api_call.hpp"

namespace postern::web::api {
namespace json = boost::json;

class audience {
public:
    audience(std::size_t most, std::size_t most_of_account) : most_(most), most_of_account_(most_of_account) {}
    bool enter(std::string const& account)
    {
        std::scoped_lock const hold{lock_};
        if (count_ == most_) return false;
        auto& own = of_account_[account];
        if (own == most_of_account_) return false;
        ++own;
        ++count_;
        return true;
    }
    void leave(std::string const& account)
    {
        std::scoped_lock const hold{lock_};
        --count_;
        if (auto const at = of_account_.find(account); --at->second == 0) of_account_.erase(at);
    }

private:
    std::size_t const most_, most_of_account_;
    std::mutex lock_;
    std::size_t count_ = 0;
    std::map<std::string, std::size_t> of_account_;
};

std::shared_ptr<audience> make_audience(std::size_t most, std::size_t most_of_account)
{
    return std::make_shared<audience>(most, most_of_account);
}

namespace {

using namespace std::chrono_literals;

constexpr auto between = 1000ms;
constexpr auto heartbeat = 15s;
constexpr std::uint64_t largest = std::uint64_t{1} << 53;
constexpr std::uint64_t most_at_once = 200;
constexpr field fields[] = {
    {"scope", type::text, false, 16}, {"since", type::number, false, largest}, {"event", type::list, false, 200}};

/// Whose place in the audience it is; it leaves it at the end.
class place {
public:
    place(audience& all, std::string account) : all_(all), account_(std::move(account)), taken_(all_.enter(account_)) {}
    ~place()
    {
        if (taken_) all_.leave(account_);
    }
    place(place const&) = delete;
    place& operator=(place const&) = delete;
    bool taken() const noexcept { return taken_; }

private:
    audience& all_;
    std::string account_;
    bool taken_;
};

struct wish {
    std::string command;
    json::object arguments;
};

basic_result<wish, http::response> read_wish(http::request const& r)
{
    wish w;
    if (auto refused = read_query(r, fields, w.arguments)) return std::move(*refused);
    std::string scope = "account";
    if (auto const* given = w.arguments.if_contains("scope")) scope = given->as_string();
    w.arguments.erase("scope");
    if (scope != "account" && scope != "all")
        return json_error(rules::api_bad_request, r, "The query has a wrong value; scope: account or all");
    w.command = scope == "all" ? "events" : "account events";
    // A browser that comes again says how far it was.
    if (auto const n = parse_number<std::uint64_t>(http::find(r.fields, "last-event-id"), largest))
        w.arguments["since"] = *n;
    w.arguments["limit"] = most_at_once;
    return w;
}

std::string framed(json::object const& news)
{
    std::string text;
    if (news.at("gap").as_bool()) text += "event: gap\ndata: {}\n\n";
    for (auto const& e : news.at("events").as_array()) {
        auto const& o = e.as_object();
        auto const* const name = o.if_contains("event");
        text += "id: " + json::serialize(o.at("number")) + "\nevent: ";
        text += name && name->is_string() ? std::string_view{name->as_string()} : std::string_view{"event"};
        text += "\ndata: " + json::serialize(e) + "\n\n";
    }
    return text;
}

http::response head_of_stream()
{
    auto r = http::answer(200, "text/event-stream", "retry: 3000\n\n");
    r.fields.emplace_back("cache-control", "no-store");
    r.fields.emplace_back("x-accel-buffering", "no");
    return r;
}

net::awaitable<void> refuse(event_sink& out, http::response r)
{
    auto const sent = co_await out.begin(std::move(r));
    static_cast<void>(sent);
}

}  // namespace

net::awaitable<void> follow_events(std::shared_ptr<audience> all, call const& c, event_sink& out)
{
    auto const who = find_visitor(c.request);
    auto wanted = read_wish(c.request);
    if (!wanted) {
        co_await refuse(out, std::move(wanted.error()));
        co_return;
    }
    std::string command = "web session";
    json::object nothing;
    auto const visit = co_await c.server.ask(std::move(command), std::move(nothing), who.token, c.request.client);
    if (!visit) {
        auto r = refusal(visit.error(), fault::unacceptable, c.request);
        co_await refuse(out, std::move(r));
        co_return;
    }
    place const mine{*all, std::string{visit->as_object().at("account").as_string()}};
    if (!mine.taken()) {
        auto r = json_error(rules::web_put_off, c.request);
        co_await refuse(out, std::move(r));
        co_return;
    }
    bool begun = false;
    auto told = steady_clock::now();
    for (;;) {
        auto ask_for = wanted->arguments;
        command = wanted->command;
        auto const news = co_await c.server.ask(std::move(command), std::move(ask_for), who.token, c.request.client);
        // The mail process may be away for a moment; a session that has ended does not come back.
        bool const away = !news && news.error().why == control::failure::kind::unavailable;
        if (!begun) {
            auto head = news ? head_of_stream() : refusal(news.error(), fault::unacceptable, c.request);
            auto const going = co_await out.begin(std::move(head));
            if (!going || !news) co_return;
            begun = true;
        } else if (!news && !away) {
            co_return;
        }
        std::string text;
        if (news) {
            text = framed(news->as_object());
            wanted->arguments["since"] = news->as_object().at("last");
        }
        auto const now = steady_clock::now();
        if (text.empty() && now - told >= heartbeat) text = ": there\n\n";
        if (!text.empty()) {
            told = now;
            auto const written = co_await out.write(text);
            if (!written) co_return;
        }
        // There may be more of what was asked for.
        if (news && news->as_object().at("events").as_array().size() == most_at_once) continue;
        auto const going = co_await out.pause(between);
        if (!going) co_return;
    }
}

}  // namespace postern::web::api
