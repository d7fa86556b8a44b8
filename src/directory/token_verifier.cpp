#include "directory/token_verifier.hpp"

#include <boost/json.hpp>

#include "directory/jwt.hpp"

namespace postern::directory {
namespace {

using state = token_judgement::state;

result<token_judgement> of_issuer(result<token_judgement> r, std::size_t index)
{
    if (r) r->issuer = index;
    return r;
}

std::string in_words(std::chrono::seconds t)
{
    using namespace std::chrono;
    if (t < minutes{2}) return std::to_string(t.count()) + " s";
    if (t < hours{2}) return std::to_string(duration_cast<minutes>(t).count()) + " min";
    return std::to_string(duration_cast<hours>(t).count()) + " h";
}

/// What is known of the keys, and what is wrong with them.
std::string in_words(key_health const& h)
{
    if (!h.age) return h.trouble.empty() ? "its keys are being fetched" : "no keys: " + h.trouble;
    std::string out = std::to_string(h.keys) + (h.keys == 1 ? " key" : " keys") + ", " + in_words(*h.age) + " old";
    if (!h.usable) out += ", too old to be used";
    if (!h.trouble.empty()) out += "; they can't be renewed: " + h.trouble;
    return out;
}

}  // namespace

token_verifier::token_verifier(std::vector<issuer_options> issuers)
{
    for (auto& o : issuers) {
        issuer i;
        i.found = std::make_shared<discovery>(o.rules.issuer, o.authorities, o.introspection.timeout);
        if (o.asks != introspect::none) i.asks = std::make_unique<introspector>(o.introspection, o.rules, i.found);
        if (o.asks != introspect::only) {
            key_options k;
            k.rules = o.rules;
            i.keys = std::make_unique<issuer_keys>(std::move(k), make_key_source(o.keys, o.authorities, i.found));
        }
        i.options = std::move(o);
        issuers_.push_back(std::move(i));
    }
}

token_verifier::~token_verifier() { stop(); }

void token_verifier::stop()
{
    // First those that others call into.
    for (auto& i : issuers_)
        if (i.asks) i.asks->stop();
    for (auto& i : issuers_)
        if (i.keys) i.keys->stop();
}

token_verifier::route token_verifier::route_of(std::string_view token) const
{
    if (token.size() > longest_token) return {{}, false, "too long"};
    auto const claimed = claimed_issuer(token);
    if (claimed)
        for (std::size_t i = 0; i < issuers_.size(); ++i)
            if (issuers_[i].options.rules.issuer == *claimed) return {{i}, issuers_[i].keys != nullptr, ""};
    // A JWT is nothing but octets to issuers whose tokens only they can read.
    route r;
    for (std::size_t i = 0; i < issuers_.size(); ++i)
        if (issuers_[i].asks && (!claimed || !issuers_[i].keys)) r.issuers.push_back(i);
    r.why = claimed ? "another issuer" : "no JWT, and no issuer is asked about others";
    return r;
}

bool token_verifier::is_asked_about(secret const& token) const
{
    auto const r = route_of(token.reveal());
    return !r.issuers.empty() && !r.signed_by;
}

void token_verifier::verify(secret token, handler h)
{
    auto r = route_of(token.reveal());
    if (r.issuers.empty()) return h(refused_token(r.why));
    if (r.signed_by) return judge_signed(r.issuers.front(), std::move(token), std::move(h));
    ask_in_turn(std::move(r.issuers), 0, token, std::move(h));
}

void token_verifier::judge_signed(std::size_t index, secret token, handler h)
{
    auto& i = issuers_[index];
    bool const also_asks = i.options.asks == introspect::all;
    auto const again = also_asks ? token : secret{};
    i.keys->judge(std::move(token), [&i, index, also_asks, again, h = std::move(h)](result<token_judgement> judged) {
        if (!judged || judged->what != state::good || !also_asks) return h(of_issuer(std::move(judged), index));
        i.asks->judge(again, judged->account,
                      [index, h](result<token_judgement> said) { h(of_issuer(std::move(said), index)); });
    });
}

/// The first that takes it has the say; one that can't be asked might have taken it.
void token_verifier::ask_in_turn(std::vector<std::size_t> issuers, std::size_t next, secret const& token, handler h)
{
    auto const index = issuers[next];
    issuers_[index].asks->judge(
        token, {},
        [this, issuers = std::move(issuers), next, index, token, h = std::move(h)](result<token_judgement> said) {
            bool const decided = !said || said->what != state::refused || next + 1 == issuers.size();
            if (decided) return h(of_issuer(std::move(said), index));
            ask_in_turn(issuers, next + 1, token, h);
        });
}

std::vector<issuer_health> token_verifier::health() const
{
    std::vector<issuer_health> all;
    for (auto const& i : issuers_) {
        issuer_health h;
        h.issuer = i.options.rules.issuer;
        h.up = true;
        if (i.keys) {
            auto const keys = i.keys->health();
            h.keys = keys.keys;
            h.keys_age = keys.age;
            h.up = keys.usable && keys.trouble.empty();
            h.detail = in_words(keys);
        }
        if (i.asks) {
            auto const trouble = i.asks->trouble();
            h.up = h.up && trouble.empty();
            if (!h.detail.empty()) h.detail += "; ";
            h.detail += trouble.empty() ? "it can be asked about tokens" : "it can't be asked about tokens: " + trouble;
        }
        all.push_back(std::move(h));
    }
    return all;
}

std::string token_verifier::refusal(token_judgement const& why, bool google_format) const
{
    auto const& i = issuers_.at(why.issuer);
    auto const& rules = i.options.rules;
    bool const scope = why.what == state::insufficient_scope;
    boost::json::object o;
    if (google_format) {
        o["status"] = scope ? "403" : "401";
        o["schemes"] = "Bearer";
    } else {
        o["status"] = scope ? "insufficient_scope" : "invalid_token";
    }
    if (!rules.scope.empty()) o["scope"] = rules.scope;
    if (!google_format) o["openid-configuration"] = i.found->document();
    return boost::json::serialize(o);
}

}  // namespace postern::directory
