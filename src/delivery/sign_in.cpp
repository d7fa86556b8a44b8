#include "delivery/sign_in.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include <boost/json.hpp>

#include "base/base64.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "delivery/token_answer.hpp"
#include "delivery/token_request.hpp"
#include "http/message.hpp"

namespace postern::delivery {

namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

// RFC 7636 section 4.1 recommends as many octets, for the state as well.
constexpr std::size_t octets_of_chance = 32;
constexpr std::chrono::seconds usual_interval = 5s, least_interval = 1s, most_interval = 60s, slower_by = 5s;
constexpr std::chrono::seconds most_life = 30min;
constexpr std::size_t longest_code = 4096;

// A command ends by its signal.
std::atomic<bool> const never_stopped = false;

error failed(bool for_good, std::string why)
{
    return {{static_cast<std::uint8_t>(for_good ? 5 : 4), 7, 0}, "", std::move(why)};
}

std::chrono::seconds seconds_of(json::object const& o, std::string_view key, std::chrono::seconds usual)
{
    auto const* const v = o.if_contains(key);
    if (v == nullptr || !v->is_int64()) return usual;
    return std::chrono::seconds{std::clamp<std::int64_t>(v->get_int64(), 0, most_life.count())};
}

bool is_shown_safely(std::string_view text)
{
    return !text.empty() && text.size() <= 500 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

result<secret> refresh_token_of(identity const& who, directory::web_client::answer const& said)
{
    auto a = parse_token_answer(said.status, said.body);
    if (!a) return error{a.error().code, "", who.settings.token_url + ": " + a.error().logged};
    if (a->refresh_token.empty())
        return failed(true, who.settings.token_url + " gave no refresh token: the scope may lack offline_access");
    return std::move(a->refresh_token);
}

}  // namespace

sign_in_places find_sign_in(std::string_view token_url)
{
    if (token_url == "https://oauth2.googleapis.com/token") {
        // Its device endpoint gives no tokens for mail, and the page a refresh token only when it is asked to.
        return {{}, "https://accounts.google.com/o/oauth2/v2/auth?access_type=offline&prompt=consent"};
    }
    // Entra ID, of each tenant and each of its clouds.
    constexpr std::string_view entra = "/oauth2/v2.0/", last = "token";
    if (!token_url.ends_with(std::string{entra}.append(last))) return {};
    std::string const beside{token_url.substr(0, token_url.size() - last.size())};
    return {beside + "devicecode", beside + "authorize"};
}

result<device_offer> parse_device_offer(long status, std::string_view body)
{
    json::error_code wrong;
    auto const value = json::parse(body, wrong);
    std::string const http = "HTTP status " + std::to_string(status);
    if (wrong || !value.is_object()) return failed(false, http + ", and no JSON object");
    auto const& o = value.get_object();
    if (auto refused = refusal_in(body); !refused.code.empty()) return failed(true, std::move(refused.words));
    device_offer offer;
    auto const device_code = text_in(o, "device_code");
    offer.code = secret{device_code};
    offer.shown = text_in(o, "user_code");
    offer.where = text_in(o, "verification_uri");
    // As some wrote it before there was the RFC.
    if (offer.where.empty()) offer.where = text_in(o, "verification_url");
    bool const whole = status == 200 && !device_code.empty() && device_code.size() <= longest_code &&
                       is_shown_safely(offer.shown) && is_shown_safely(offer.where);
    if (!whole) return failed(false, http + ", and no code to enter");
    offer.life = seconds_of(o, "expires_in", most_life);
    offer.interval = std::clamp(seconds_of(o, "interval", usual_interval), least_interval, most_interval);
    return offer;
}

page_visit::page_visit(std::string leads_back)
    : leads_back_(std::move(leads_back)),
      state_(base64url_encode(random_octets(octets_of_chance))),
      verifier_(base64url_encode(random_octets(octets_of_chance)))
{
}

std::string page_visit::url(identity const& who, std::string_view page) const
{
    std::string url{page};
    char between = url.find('?') == std::string::npos ? '?' : '&';
    auto const add = [&](std::string_view name, std::string_view value) {
        url.append(1, std::exchange(between, '&')).append(name).append("=").append(http::percent_encoded(value));
    };
    auto const& s = who.settings;
    add("response_type", "code");
    add("client_id", s.client_id);
    add("redirect_uri", leads_back_);
    if (!s.scope.empty()) add("scope", s.scope);
    add("state", state_);
    add("code_challenge", base64url_encode(digest(hash::sha256, verifier_)));
    add("code_challenge_method", "S256");
    add("login_hint", s.user);
    return url;
}

result<secret> page_visit::code_in(std::string_view url) const
{
    auto const query_at = url.find('?');
    auto query = query_at == std::string_view::npos ? std::string_view{} : url.substr(query_at + 1);
    query = query.substr(0, query.find('#'));
    auto const state = http::parameter(query, "state");
    if (!state || !equal_in_constant_time(*state, state_)) return failed(false, "this does not belong to this sign-in");
    if (auto const refused = http::parameter(query, "error")) {
        auto const more = http::parameter(query, "error_description");
        return failed(true, printable(*refused, 100) + (more ? ": " + printable(*more, 200) : std::string{}));
    }
    auto const code = http::parameter(query, "code");
    if (!code || code->empty() || code->size() > longest_code) return failed(false, "there is no code in it");
    return secret{*code};
}

result<device_offer> sign_in::ask_for_device(std::string const& url)
{
    auto r = token_request::make(*who_);
    if (!r) return r.error();
    if (!who_->settings.scope.empty()) r->add("scope", who_->settings.scope);
    auto const said = r->send(web_, *who_, url, never_stopped);
    if (!said) return said.error();
    auto offer = parse_device_offer(said->status, said->body);
    if (!offer) return error{offer.error().code, "", url + ": " + offer.error().logged};
    return offer;
}

result<secret> sign_in::wait_for_device(device_offer const& offer)
{
    auto const until = steady_clock::now() + offer.life;
    auto interval = offer.interval;
    while (steady_clock::now() + interval < until) {
        std::this_thread::sleep_for(interval);
        auto r = token_request::make(*who_);
        if (!r) return r.error();
        r->add("grant_type", "urn:ietf:params:oauth:grant-type:device_code").add("device_code", offer.code.reveal());
        auto const said = r->send(web_, *who_, who_->settings.token_url, never_stopped);
        // RFC 8628 section 3.5: nor is a lost connection the end.
        auto const why = said ? refusal_in(said->body).code : std::string{};
        if (why == "slow_down" || !said) interval = std::min(interval + slower_by, most_interval);
        if (!said || why == "slow_down" || why == "authorization_pending") continue;
        return refresh_token_of(*who_, *said);
    }
    return failed(true, "nobody entered the code in time");
}

result<secret> sign_in::redeem(page_visit const& visit, secret const& code)
{
    auto r = token_request::make(*who_);
    if (!r) return r.error();
    r->add("grant_type", "authorization_code").add("code", code.reveal()).add("redirect_uri", visit.leads_back());
    r->add("code_verifier", visit.verifier());
    auto const said = r->send(web_, *who_, who_->settings.token_url, never_stopped);
    if (!said) return said.error();
    return refresh_token_of(*who_, *said);
}

}  // namespace postern::delivery
