// Which issuer a token goes to, and what a client is told whose token is not taken. The
// issuers' keys are in files here; tests/e2e/test_oauth.py has issuers that are asked.
#include "directory/token_verifier.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <future>

#include <unistd.h>

#include "support/token_issuer.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::testing;
using state = token_judgement::state;

namespace {

struct two_issuers {
    std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("postern-issuers-" + std::to_string(::getpid()));
    issuer_key first{signature_kind::eddsa};
    issuer_key second{signature_kind::es256};

    two_issuers()
    {
        std::filesystem::create_directory(folder);
        std::ofstream{folder / "first"} << set_of({first.jwk("one")});
        std::ofstream{folder / "second"} << set_of({second.jwk("one")});
    }
    ~two_issuers() { std::filesystem::remove_all(folder); }

    std::vector<issuer_options> options() const
    {
        issuer_options a;
        a.rules = {.issuer = "https://id.example/", .audience = {"a"}, .scope = "smtp", .account_claim = "sub"};
        a.keys = (folder / "first").string();
        issuer_options b;
        b.rules = {.issuer = "https://other.example", .audience = {"b"}, .scope = {}, .account_claim = "name"};
        b.keys = (folder / "second").string();
        return {a, b};
    }
};

token_judgement ask(token_verifier& v, std::string const& token)
{
    std::promise<result<token_judgement>> answer;
    v.verify(secret{token}, [&](result<token_judgement> r) { answer.set_value(std::move(r)); });
    auto r = answer.get_future().get();
    REQUIRE(r);
    return *r;
}

}  // namespace

TEST_CASE("a token is judged by the rules of the issuer that it names")
{
    two_issuers const world;
    token_verifier v{world.options()};
    auto const of_first = R"({"iss":"https://id.example/","aud":"a","exp":9999999999,"sub":"tim","scope":"smtp"})";
    auto const of_second = R"({"iss":"https://other.example","aud":"b","exp":9999999999,"name":"tom"})";
    auto const one = ask(v, world.first.token(of_first));
    CHECK(one.what == state::good);
    CHECK(one.account == "tim");
    auto const two = ask(v, world.second.token(of_second));
    CHECK(two.what == state::good);
    CHECK(two.account == "tom");
    CHECK(two.issuer == 1);
    // Nobody speaks for another one.
    CHECK(ask(v, world.second.token(of_first)).what == state::unknown_key);
    CHECK(ask(v, world.first.token(of_second)).what == state::unknown_key);
    CHECK(std::string{ask(v, world.first.token(R"({"iss":"https://third.example"})")).why} == "another issuer");
    for (auto const* opaque : {"2YotnFZFEjr1zCsicMWpAA", "a.b.c", "x"}) {
        auto const judged = ask(v, opaque);
        CHECK(judged.what == state::refused);
        CHECK(std::string{judged.why} == "no JWT, and no issuer is asked about others");
        CHECK_FALSE(v.is_asked_about(secret{opaque}));
    }
    CHECK(std::string{ask(v, std::string(12'289, 'x')).why} == "too long");
}

TEST_CASE("who makes others work: opaque tokens, where an issuer is asked about such")
{
    two_issuers const world;
    auto o = world.options();
    o[1].asks = introspect::only;
    token_verifier const v{o};
    CHECK(v.is_asked_about(secret{"2YotnFZFEjr1zCsicMWpAA"}));
    CHECK_FALSE(v.is_asked_about(secret{world.first.token(R"({"iss":"https://id.example/"})")}));
    CHECK(v.is_asked_about(secret{world.second.token(R"({"iss":"https://other.example"})")}));
    CHECK(v.is_asked_about(secret{world.second.token("{}")}));
}

TEST_CASE("what a refused client is told")
{
    two_issuers const world;
    token_verifier const v{world.options()};
    CHECK(
        v.refusal({state::refused, {}, ""}, false) ==
        R"({"status":"invalid_token","scope":"smtp","openid-configuration":"https://id.example/.well-known/openid-configuration"})");
    CHECK(v.refusal({state::insufficient_scope, {}, ""}, false).find("\"insufficient_scope\"") != std::string::npos);
    CHECK(v.refusal({state::refused, {}, ""}, true) == R"({"status":"401","schemes":"Bearer","scope":"smtp"})");
    CHECK(
        v.refusal({state::refused, {}, "", 1}, false) ==
        R"({"status":"invalid_token","openid-configuration":"https://other.example/.well-known/openid-configuration"})");
}
