// Tokens: keys made here sign what the table says, and each rule is broken in turn.
// Standard 41.
#include "directory/jwt.hpp"

#include <doctest/doctest.h>

#include <memory>

#include "support/token_issuer.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::testing;
using state = token_judgement::state;

namespace {

token_rules const rules{
    .issuer = "https://id.example", .audience = {"postern", "other"}, .scope = "smtp", .account_claim = "email"};
wall_time const now = wall_time{} + std::chrono::seconds{1'800'000'000};

// Each claim as it is right.
std::string const good_claims =
    R"({"iss":"https://id.example","aud":"postern","exp":1800000600,"scope":"openid smtp","email":"tim@example.org"})";

std::string without(std::string text, std::string_view part)
{
    auto const at = text.find(part);
    REQUIRE(at != std::string::npos);
    return text.erase(at, part.size());
}

std::string with(std::string const& text, std::string_view part, std::string_view instead)
{
    auto out = text;
    auto const at = out.find(part);
    REQUIRE(at != std::string::npos);
    return out.replace(at, part.size(), instead);
}

}  // namespace

TEST_CASE("standard 41: the claims that a token must have")
{
    issuer_key const key{signature_kind::es256};
    auto const keys = key_set::parse(set_of({key.jwk("one")}));
    REQUIRE(keys);
    struct {
        std::string claims;
        state what;
        char const* why;
    } const rows[] = {
        {good_claims, state::good, "token"},
        {with(good_claims, R"("postern")", R"(["x","other"])"), state::good, "token"},
        {with(good_claims, R"("scope":"openid smtp")", R"("scp":["openid","smtp"])"), state::good, "token"},
        {with(good_claims, R"("scope":"openid smtp")", R"("scp":"smtp")"), state::good, "token"},
        {with(good_claims, "1800000600", "1800000600.5"), state::good, "token"},
        {with(good_claims, "}", R"(,"nbf":1799999000,"email_verified":true})"), state::good, "token"},
        // The clocks may differ by a minute.
        {with(good_claims, "1800000600", "1799999941"), state::good, "token"},
        {with(good_claims, "1800000600", "1799999940"), state::refused, "expired"},
        {with(good_claims, "}", R"(,"nbf":1800000060})"), state::good, "token"},
        {with(good_claims, "}", R"(,"nbf":1800000061})"), state::refused, "not valid yet"},
        {with(good_claims, "}", R"(,"nbf":"soon"})"), state::refused, "a time that is none"},
        {without(good_claims, R"("exp":1800000600,)"), state::refused, "no time of expiry"},
        {with(good_claims, "1800000600", R"("1800000600")"), state::refused, "no time of expiry"},
        {with(good_claims, "1800000600", "-1"), state::refused, "no time of expiry"},
        {with(good_claims, "1800000600", "1e300"), state::refused, "no time of expiry"},
        {with(good_claims, "https://id.example", "https://id.example/"), state::refused, "another issuer"},
        {with(good_claims, R"("https://id.example")", R"(["https://id.example"])"), state::refused, "another issuer"},
        {without(good_claims, R"("iss":"https://id.example",)"), state::refused, "another issuer"},
        {with(good_claims, R"("postern")", R"("Postern")"), state::refused, "for another audience"},
        {with(good_claims, R"("postern")", R"([])"), state::refused, "for another audience"},
        {without(good_claims, R"("aud":"postern",)"), state::refused, "for another audience"},
        {with(good_claims, "openid smtp", "openid smtpx"), state::insufficient_scope, "the scope is missing"},
        {with(good_claims, "openid smtp", ""), state::insufficient_scope, "the scope is missing"},
        {without(good_claims, R"("scope":"openid smtp",)"), state::insufficient_scope, "the scope is missing"},
        {with(good_claims, "tim@example.org", ""), state::refused, "no account in the token"},
        {with(good_claims, R"("tim@example.org")", "17"), state::refused, "no account in the token"},
        {without(good_claims, R"(,"email":"tim@example.org")"), state::refused, "no account in the token"},
        {with(good_claims, "}", R"(,"email_verified":"true"})"), state::good, "token"},
        {with(good_claims, "}", R"(,"email_verified":false})"), state::refused,
         "the address in the token is not verified"},
        {with(good_claims, "}", R"(,"email_verified":"false"})"), state::refused,
         "the address in the token is not verified"},
        {with(good_claims, "}", R"(,"email_verified":null})"), state::refused,
         "the address in the token is not verified"},
        {with(good_claims, "}", R"(,"email_verified":0})"), state::refused, "the address in the token is not verified"},
        // Whoever has no right at all is not told about scopes.
        {with(with(good_claims, "openid smtp", "x"), "1800000600", "1"), state::refused, "expired"},
        {"[]", state::refused, "the claims are no JSON object"},
        {"{", state::refused, "the claims are no JSON object"},
        {"", state::refused, "the claims are no JSON object"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.claims);
        auto const judged = judge_token(key.token(row.claims), *keys, rules, now);
        CHECK(judged.what == row.what);
        CHECK(std::string{judged.why} == row.why);
        CHECK(judged.account == (row.what == state::good ? "tim@example.org" : ""));
    }
    token_rules lax{.issuer = "https://id.example", .audience = {}, .scope = "", .account_claim = "sub"};
    auto const other = R"({"iss":"https://id.example","exp":1800000600,"sub":"tim"})";
    CHECK(judge_token(key.token(other), *keys, lax, now).account == "tim");
}

TEST_CASE("tokens are taken in each algorithm, with its own kind of key only")
{
    using enum signature_kind;
    std::vector<std::unique_ptr<issuer_key>> made;
    std::vector<std::string> shown;
    for (auto const kind : {rs256, rs384, rs512, ps256, ps384, ps512, es256, es384, es512, eddsa})
        made.push_back(std::make_unique<issuer_key>(kind));
    made.push_back(std::make_unique<issuer_key>(eddsa, true));
    for (auto const& k : made) shown.push_back(k->jwk("one"));
    auto const all = key_set::parse(set_of(shown));
    REQUIRE(all);
    CHECK(all->size() == 11);
    for (auto const& k : made) {
        CAPTURE(k->algorithm());
        auto const good = k->token(good_claims);
        CHECK(judge_token(good, *all, rules, now).what == state::good);
        // No name: any key of the kind.
        CHECK(judge_token(k->token(good_claims, R"({"alg":")" + k->algorithm() + "\"}"), *all, rules, now).what ==
              state::good);
        auto const renamed = k->token(good_claims, R"({"alg":")" + k->algorithm() + R"(","kid":"two"})");
        CHECK(judge_token(renamed, *all, rules, now).what == state::unknown_key);
        // Every octet of the three parts counts.
        for (std::size_t i = 0; i < good.size(); i += 13) {
            auto changed = good;
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            CHECK_MESSAGE(judge_token(changed, *all, rules, now).what != state::good, i);
        }
        for (auto const& other : made) {
            if (other->algorithm() == k->algorithm()) continue;
            // A good signature that is said to be of another kind.
            auto const lie = k->token(good_claims, R"({"alg":")" + other->algorithm() + R"(","kid":"one"})");
            CHECK(judge_token(lie, *all, rules, now).what == state::refused);
        }
        // A key that is for this algorithm alone.
        auto const only = key_set::parse(set_of({k->jwk("one", R"(,"alg":")" + k->algorithm() + '"')}));
        REQUIRE(only);
        CHECK(judge_token(good, *only, rules, now).what == state::good);
    }
    auto const only = key_set::parse(set_of({made[0]->jwk("one", R"(,"alg":"RS512")")}));
    REQUIRE(only);
    CHECK(judge_token(made[0]->token(good_claims), *only, rules, now).what == state::unknown_key);
    // The same kind, but not the issuer's key.
    issuer_key const stranger{signature_kind::es256};
    auto const judged = judge_token(stranger.token(good_claims), *all, rules, now);
    CHECK(judged.what == state::refused);
    CHECK(std::string{judged.why} == "the signature is wrong");
}

TEST_CASE("no token without a signature, nor with a shared secret, nor with what we don't understand")
{
    issuer_key const key{signature_kind::es256};
    auto const keys = key_set::parse(set_of({key.jwk("one")}));
    REQUIRE(keys);
    auto const claims = url(good_claims);
    for (auto header : {R"({"alg":"none","kid":"one"})", R"({"alg":"None"})", R"({"alg":"HS256","kid":"one"})",
                        R"({"alg":"HS512","kid":"one"})", R"({"alg":"es256","kid":"one"})", R"({"kid":"one"})",
                        R"({"alg":17})", "[]", "", R"({"alg":"ES256","kid":"one","crit":["b64"],"b64":false})"}) {
        CAPTURE(header);
        auto const text = url(header) + '.' + claims;
        CHECK(judge_token(text + '.', *keys, rules, now).what == state::refused);
        CHECK(judge_token(text + '.' + url(key.sign(text)), *keys, rules, now).what == state::refused);
    }
    auto const good = key.token(good_claims);
    REQUIRE(judge_token(good, *keys, rules, now).what == state::good);
    auto const signature = good.substr(good.rfind('.') + 1);
    for (auto const& bad :
         {std::string{}, std::string{"."}, std::string{".."}, std::string{"..."}, good + '.', '.' + good, good + '=',
          good.substr(0, good.rfind('.')), good + "A", ' ' + good, good + '\n', std::string(13'000, 'A') + good})
        CHECK_MESSAGE(judge_token(bad, *keys, rules, now).what == state::refused, bad);
}

TEST_CASE("key sets: usable keys are found among others, and a set without any is an error")
{
    issuer_key const ec{signature_kind::es256};
    issuer_key const small{1024u};
    auto const size = [](std::string const& text) {
        auto const set = key_set::parse(text);
        return set ? set->size() : 0;
    };
    CHECK(size(set_of({ec.jwk("one"), ec.jwk("two", R"(,"use":"sig","alg":"ES256")")})) == 2);
    CHECK(size(set_of({ec.jwk("one"), "17", R"({"kty":"oct","k":"AAAA"})", "{}"})) == 1);
    CHECK(size(set_of({ec.jwk("one", R"(,"use":"enc")")})) == 0);
    CHECK(size(set_of({ec.jwk("one", R"(,"alg":"RS256")")})) == 0);
    CHECK(size(set_of({small.jwk("one")})) == 0);
    CHECK(size(set_of({R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"})"})) == 0);
    // Not on the curve.
    CHECK(size(set_of({R"({"kty":"EC","crv":"P-256","x":")" + url(std::string(32, '\x01')) + R"(","y":")" +
                       url(std::string(32, '\x01')) + "\"}"})) == 0);
    CHECK(size(set_of({R"({"kty":"OKP","crv":"X25519","x":")" + url(std::string(32, '\x01')) + "\"}"})) == 0);
    for (auto bad : {"", "{", "[]", "{}", R"({"keys":{}})", R"({"keys":[]})", "null"})
        CHECK_MESSAGE(size(bad) == 0, bad);
    std::vector<std::string> many(101, ec.jwk("one"));
    CHECK(size(set_of(many)) == 0);
    many.pop_back();
    CHECK(size(set_of(many)) == 100);
    CHECK(size(std::string((1 << 20) + 1, ' ')) == 0);
}

TEST_CASE("whose token it claims to be")
{
    issuer_key const key{signature_kind::es256};
    CHECK(claimed_issuer(key.token(good_claims)) == "https://id.example");
    CHECK(claimed_issuer(key.token("{}")) == "");
    CHECK(claimed_issuer(key.token("what")) == "");
    for (auto const* opaque : {"", "2YotnFZFEjr1zCsicMWpAA", "a.b", "a.b.c", "....", "e30.e30.e30"})
        CHECK_MESSAGE(!claimed_issuer(opaque), opaque);
}
