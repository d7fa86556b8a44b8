#include "delivery/log_in.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "net/awaiting.hpp"

namespace postern::delivery {

namespace {

bool has_plus(std::vector<std::string> const& mechanisms)
{
    return std::any_of(mechanisms.begin(), mechanisms.end(), [](auto const& m) { return m.ends_with("-PLUS"); });
}

std::string list_of(std::vector<std::string> const& words)
{
    std::string all;
    for (auto const& w : words) all += (all.empty() ? "" : ", ") + w;
    return printable(all, 200);
}

std::string nothing_fits(smtp::client_session const& s)
{
    if (s.usable_mechanisms().empty()) return "the server turned down every mechanism that it offers";
    return "of the mechanisms that the server offers (" + list_of(s.usable_mechanisms()) +
           ") none can be used with what is configured";
}

}  // namespace

net::awaitable<void> choose_login(std::shared_ptr<link> l)
{
    auto const& who = *l->to.as;
    auto& s = l->session;
    auto credentials = read_credentials(who);
    if (!credentials) {
        l->no_token = !who.settings.token_file.empty();
        s.give_up_login(credentials.error().logged);
        co_return;
    }
    credentials->host = l->to.name;
    credentials->port = l->to.at.port;
    sasl::client_options options;
    if (l->stream->tls() != nullptr) {
        auto const bindings = l->stream->bindings();
        options.bindings.tls_exporter = bindings.exporter;
        options.bindings.tls_server_end_point = bindings.server_end_point;
    }
    options.plus_offered = has_plus(s.announced().mechanisms);
    sasl::client_means means;
    means.password = !credentials->password.empty();
    means.token = who.settings.wants_token();
    means.certificate = credentials->certificate;
    std::string const name{sasl::choose_mechanism(s.usable_mechanisms(), options, means, who.settings.mechanisms)};
    if (name.empty()) {
        s.give_up_login(nothing_fits(s));
        co_return;
    }
    bool const by_token = name == "OAUTHBEARER" || name == "XOAUTH2";
    if (by_token && !who.settings.token_url.empty()) {
        auto& desk = l->to.helpers->tokens;
        auto token = co_await net::await_handler<result<secret>>(
            l->stream->executor(), [&desk, as = l->to.as](token_desk::handler then) { desk.ask(as, std::move(then)); });
        if (!token) {
            l->no_token = true;
            s.give_up_login(token.error().logged);
            co_return;
        }
        credentials->token = std::move(*token);
    }
    auto mechanism = sasl::make_client_mechanism(name, std::move(*credentials), options);
    if (mechanism) {
        s.begin_login(std::move(mechanism));
    } else {
        s.give_up_login(name + " can't carry the user, the password or the token");
    }
}

net::awaitable<void> answer_challenge(std::shared_ptr<link> l)
{
    auto& s = l->session;
    auto const given = [](link& with) {
        auto const& challenge = with.session.challenge();
        return with.session.mechanism().step(challenge ? std::optional<std::string_view>{*challenge} : std::nullopt);
    };
    if (!s.mechanism().works_long()) {
        s.on_answer(given(*l));
        co_return;
    }
    auto& threads = l->to.helpers->threads;
    auto answer = co_await net::await_handler<sasl::client_action>(
        l->stream->executor(), [&threads, l, given](std::function<void(sasl::client_action)> then) {
            threads.post([l, given, then = std::move(then)] { then(given(*l)); });
        });
    s.on_answer(std::move(answer));
}

void login_ended(link& l)
{
    auto const& s = l.session;
    auto const& who = *l.to.as;
    bool const refused = s.failed() == smtp::failure::login_refused;
    if (refused && who.settings.wants_token()) l.to.helpers->tokens.forget(who);
    if (s.failed() == smtp::failure::none) {
        log::event(log::level::info, "smart_host_login",
                   {{"smart_host", who.smart_host},
                    {"next_hop", l.how.next_hop},
                    {"user", who.settings.user},
                    {"mechanism", s.logged_in_by()},
                    {"tls", l.how.tls}});
    }
}

}  // namespace postern::delivery
