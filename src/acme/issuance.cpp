#include "acme/issuance.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "acme/jws.hpp"
#include "base/base64.hpp"
#include "base/text.hpp"

namespace postern::acme {
namespace json = boost::json;
namespace {

using namespace std::chrono_literals;
using cause = trouble::cause;

// RFC 8555 section 6.5 lets an authority refuse any nonce; one that refuses so many takes none at all.
constexpr unsigned most_nonces = 20;
// How often to ask whether it is done, where the authority doesn't say.
constexpr auto first_pause = 200ms, longest_pause = 5'000ms;
constexpr auto longest_asked_pause = 60s;
constexpr long ok = 200, created = 201, too_many = 429;

struct meaning {
    std::string_view type;
    cause why;
};
// RFC 8555 section 6.7.
constexpr std::array<meaning, 19> meanings{{
    {"rateLimited", cause::rate_limit},
    {"caa", cause::caa},
    {"rejectedIdentifier", cause::name},
    {"unsupportedIdentifier", cause::name},
    {"connection", cause::proof},
    {"dns", cause::proof},
    {"incorrectResponse", cause::proof},
    {"tls", cause::proof},
    {"unauthorized", cause::proof},
    {"externalAccountRequired", cause::account},
    {"accountDoesNotExist", cause::account},
    {"invalidContact", cause::account},
    {"unsupportedContact", cause::account},
    {"userActionRequired", cause::account},
    {"badPublicKey", cause::account},
    {"badSignatureAlgorithm", cause::account},
    {"serverInternal", cause::busy},
    {"badNonce", cause::busy},
    {"orderNotReady", cause::busy},
}};

trouble failed(cause why, std::string detail)
{
    trouble t;
    t.why = why;
    t.detail = std::move(detail);
    return t;
}

}  // namespace

trouble to_trouble(problem const& p, long status)
{
    trouble t;
    auto const known = std::ranges::find(meanings, p.type, &meaning::type);
    t.why = known != meanings.end()           ? known->why
            : status == too_many              ? cause::rate_limit
            : status >= 500 && p.type.empty() ? cause::busy
                                              : cause::other;
    t.type = p.type;
    t.detail = p.detail.empty() ? "it answered with the status " + std::to_string(status) : p.detail;
    t.names = p.names;
    return t;
}

issuance::issuance(wishes w, ec_key account_key, steady_time now, std::chrono::seconds limit)
    : wishes_(std::move(w)), key_(std::move(account_key)), until_(now + limit), steady_(now), pause_(first_pause)
{
}

step issuance::begin()
{
    at_ = at::directory;
    call_ = {call::kind::get, wishes_.directory, {}};
    return call_;
}

step issuance::post(at where, std::string url, std::string payload)
{
    at_ = where;
    call_.how = call::kind::post;
    call_.url = std::move(url);
    payload_ = std::move(payload);
    nonces_refused_ = 0;
    return send();
}

step issuance::send()
{
    asks_nonce_ = nonce_.empty();
    if (asks_nonce_) return call{call::kind::head, directory_.new_nonce, {}};
    auto const& who = at_ == at::account ? std::string{} : wishes_.account;
    call_.body = signed_request(key_, who, call_.url, nonce_, payload_);
    nonce_.clear();
    return call_;
}

step issuance::strange(std::string what) { return failed(cause::silence, std::move(what)); }

step issuance::on_answer(answer const& a, wall_time now, steady_time steady)
{
    now_ = now;
    steady_ = steady;
    if (!a.nonce.empty() && a.nonce.size() <= 256) nonce_ = a.nonce;
    auto next = judge(a);
    if (auto* const t = std::get_if<trouble>(&next)) t->ordered = !order_url_.empty();
    return next;
}

step issuance::judge(answer const& a)
{
    if (is_asked_again(a)) {
        // The order says whether it was finalized all the same.
        if (at_ == at::finalized) at_ = at::ready;
        auto next = again(a);
        if (std::holds_alternative<later>(next)) return next;
    }
    if (a.status == 0) return failed(cause::silence, printable(a.body, 300));
    if (asks_nonce_) {
        asks_nonce_ = false;
        if (nonce_.empty()) return strange("it gives no nonce at " + directory_.new_nonce);
        return send();
    }
    if (a.status >= 400) return refused(a);
    if (a.status != ok && a.status != created)
        return strange(call_.url + ": it answered with the status " + std::to_string(a.status));
    return take(a);
}

/// An answer that is lost, or that the authority could not give just now. What it did so far would be lost with the
/// order, also a certificate that it has issued already.
bool issuance::is_asked_again(answer const& a) const
{
    if (a.status != 0 && a.status != too_many && a.status < 500) return false;
    if (parse_retry_after(a.retry_after, now_).value_or(0s) > longest_asked_pause) return false;
    return at_ == at::finalized || (call_.how == call::kind::post && payload_.empty());
}

step issuance::refused(answer const& a)
{
    auto const why = parse_problem(a.body);
    if (why.type == "badNonce" && call_.how == call::kind::post && ++nonces_refused_ <= most_nonces) return send();
    // An authority that lost its accounts, or another one behind the same name.
    if (why.type == "accountDoesNotExist" && account_is_old_) {
        account_is_old_ = false;
        wishes_.account.clear();
        wishes_.order.clear();
        return make_account();
    }
    // Orders are not kept for ever.
    if (at_ == at::resumed && a.status < 500 && a.status != too_many) return make_order();
    auto t = to_trouble(why, a.status);
    // Before anything is to be proven, this is about ourselves.
    if (t.why == cause::proof && at_ <= at::order) t.why = cause::account;
    t.retry_after = parse_retry_after(a.retry_after, now_);
    return t;
}

step issuance::take(answer const& a)
{
    switch (at_) {
        case at::directory: return on_directory(a);
        case at::account:
            if (a.location.empty()) return strange("it gives no URL for our account");
            wishes_.account = a.location;
            return begin_order();
        case at::resumed: {
            auto kept = parse_order(a.body);
            // It has failed, or run out.
            if (!kept || kept->state == state::invalid || kept->state == state::other) return make_order();
            return go_on(std::move(*kept), wishes_.order, a);
        }
        case at::order: {
            auto made = parse_order(a.body);
            if (!made || a.location.empty()) return strange("its answer to a new order is none");
            return go_on(std::move(*made), a.location, a);
        }
        case at::look: return on_look(a);
        case at::answered: ++next_; return tell_next();
        case at::proven: return on_proven(a);
        case at::ready:
        case at::finalized: {
            auto const o = parse_order(a.body);
            if (!o) return strange("its answer about our order is none");
            return on_order(*o, a);
        }
        case at::certificate:
            if (a.body.find("-----BEGIN CERTIFICATE-----") == std::string::npos)
                return failed(cause::other, "what it sends as the certificate is none in PEM form");
            return issued{a.body};
    }
    return strange("nothing fits");
}

step issuance::on_directory(answer const& a)
{
    auto found = parse_directory(a.body);
    if (!found) return strange(wishes_.directory + " is not the directory of an ACME server");
    directory_ = std::move(*found);
    account_is_old_ = !wishes_.account.empty();
    return account_is_old_ ? begin_order() : make_account();
}

step issuance::make_account()
{
    if (directory_.wants_external_account && wishes_.external_account.empty()) {
        auto t = failed(cause::account, "it wants External Account Binding, and none is configured");
        t.type = "externalAccountRequired";
        return t;
    }
    json::object o;
    o["termsOfServiceAgreed"] = true;
    if (!wishes_.contact.empty()) o["contact"] = json::array{"mailto:" + wishes_.contact};
    if (!wishes_.external_account.empty())
        o["externalAccountBinding"] = json::parse(
            external_binding(key_, wishes_.external_account, wishes_.external_key.reveal(), directory_.new_account));
    return post(at::account, directory_.new_account, json::serialize(o));
}

step issuance::begin_order() { return wishes_.order.empty() ? make_order() : read(at::resumed, wishes_.order); }

step issuance::make_order()
{
    json::array names;
    for (auto const& name : wishes_.names) names.emplace_back(json::object{{"type", "dns"}, {"value", name}});
    json::object o;
    o["identifiers"] = std::move(names);
    return post(at::order, directory_.new_order, json::serialize(o));
}

step issuance::go_on(acme::order o, std::string url, answer const& a)
{
    order_ = std::move(o);
    order_url_ = std::move(url);
    next_ = 0;
    if (order_.state != state::valid && order_.state != state::processing) return look_at_next();
    at_ = at::finalized;
    return on_order(order_, a);
}

step issuance::look_at_next()
{
    if (next_ < order_.authorizations.size()) return read(at::look, order_.authorizations[next_]);
    if (proofs_.empty()) return await_order();
    return show{proofs_};
}

step issuance::on_look(answer const& a)
{
    auto const one = parse_authorization(a.body);
    if (!one) return strange("its answer about an authorization is none");
    auto const& url = order_.authorizations[next_++];
    // Proven before: authorities remember that for a while.
    if (one->state == state::valid) return look_at_next();
    if (one->state != state::pending)
        return failed(cause::other, "the authorization of " + one->name + " is none to be proven");
    for (auto const& kind : wishes_.kinds) {
        auto const found = std::ranges::find(one->challenges, kind, &challenge::type);
        if (found == one->challenges.end()) continue;
        chosen_.push_back(*found);
        authorizations_.push_back(url);
        proofs_.push_back({kind, one->name, found->token, found->token + '.' + key_.thumbprint()});
        return look_at_next();
    }
    auto t = failed(cause::unprovable, "it offers no proof for " + one->name + " that this server can show");
    t.names = {one->name};
    return t;
}

step issuance::on_shown()
{
    next_ = 0;
    return tell_next();
}

step issuance::tell_next()
{
    if (next_ < chosen_.size()) return post(at::answered, chosen_[next_].url, "{}");
    next_ = 0;
    pause_ = first_pause;
    return wait_for_next();
}

step issuance::wait_for_next()
{
    if (next_ == authorizations_.size()) return await_order();
    return read(at::proven, authorizations_[next_]);
}

step issuance::on_proven(answer const& a)
{
    auto const one = parse_authorization(a.body);
    if (!one) return strange("its answer about an authorization is none");
    if (one->state == state::pending || one->state == state::processing) return again(a);
    if (one->state == state::valid) {
        ++next_;
        pause_ = first_pause;
        return wait_for_next();
    }
    auto const mine = std::ranges::find(one->challenges, chosen_[next_].token, &challenge::token);
    auto t = to_trouble(mine == one->challenges.end() ? problem{} : mine->error, a.status);
    if (t.why == cause::other || t.why == cause::busy) t.why = cause::proof;
    if (mine == one->challenges.end() || mine->error.detail.empty()) t.detail = "it does not say why";
    t.names = {one->name};
    return t;
}

step issuance::await_order()
{
    pause_ = first_pause;
    return read(at::ready, order_url_);
}

step issuance::on_order(acme::order const& o, answer const& a)
{
    if (o.state == state::invalid) {
        auto t = to_trouble(o.error, a.status);
        if (o.error.detail.empty()) t.detail = "the order became invalid, and it does not say why";
        return t;
    }
    if (o.state == state::valid) {
        if (o.certificate.empty()) return failed(cause::other, "it does not say where the certificate is");
        return read(at::certificate, o.certificate);
    }
    if (o.state == state::ready && at_ == at::ready) {
        json::object csr;
        csr["csr"] = base64url_encode(wishes_.request);
        return post(at::finalized, o.finalize, json::serialize(csr));
    }
    return again(a);
}

step issuance::again(answer const& a)
{
    auto const asked = parse_retry_after(a.retry_after, now_);
    auto const time = asked ? std::clamp<std::chrono::milliseconds>(*asked, first_pause, longest_asked_pause) : pause_;
    pause_ = std::min<std::chrono::milliseconds>(2 * pause_, longest_pause);
    if (steady_ + time > until_) return failed(cause::busy, "it was not done in time");
    return later{time};
}

step issuance::on_time()
{
    // The order's own URL, also where its finalization was answered.
    return read(at_, at_ == at::ready || at_ == at::finalized ? order_url_ : call_.url);
}

}  // namespace postern::acme
