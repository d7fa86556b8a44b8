#include "acme/issuance.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include "acme/jws.hpp"
#include "base/base64.hpp"
#include "base/crypto.hpp"
#include "directory/key_set.hpp"

using namespace postern;
using namespace postern::acme;
namespace json = boost::json;

namespace {

constexpr char const* place = "https://ca.example";

std::string text(json::object const& o, char const* key) { return std::string{o.at(key).as_string()}; }

std::string at(std::string const& path) { return place + path; }

ec_key a_key()
{
    auto made = ec_key::generate();
    REQUIRE(made);
    return *made;
}

std::string directory_text(bool external = false)
{
    return R"({"newNonce":"https://ca.example/nonce","newAccount":"https://ca.example/account",)"
           R"("newOrder":"https://ca.example/orders","meta":{"externalAccountRequired":)" +
           std::string{external ? "true" : "false"} + "}}";
}

std::string order_text(std::string const& state, std::string const& more = "")
{
    return R"({"status":")" + state +
           R"(","authorizations":["https://ca.example/authz/1"],"finalize":"https://ca.example/finalize")" + more + "}";
}

std::string authz_text(std::string const& state, std::string const& error = "")
{
    return R"({"status":")" + state + R"(","identifier":{"type":"dns","value":"mail.example.com"},"challenges":[)" +
           R"({"type":"dns-01","url":"https://ca.example/chall/d","token":"ddd"},)" +
           R"({"type":"http-01","url":"https://ca.example/chall/h","token":"tok-1")" + error + "}]}";
}

std::string problem_text(std::string const& type, std::string const& detail = "it is so")
{
    return R"({"type":"urn:ietf:params:acme:error:)" + type + R"(","detail":")" + detail + R"("})";
}

// Plays the authority: each call must be the one that is expected, and gets this answer.
struct play {
    explicit play(wishes w = {}) : key(a_key()), machine(complete(std::move(w)), key, steady_time{}) {}

    static wishes complete(wishes w)
    {
        w.directory = at("/directory");
        if (w.names.empty()) w.names = {"mail.example.com"};
        if (w.kinds.empty()) w.kinds = {"http-01"};
        w.request = "CSR";
        return w;
    }

    void begin() { now = machine.begin(); }
    call const& expect(call::kind how, std::string const& url)
    {
        auto const* c = std::get_if<call>(&now);
        REQUIRE(c != nullptr);
        CHECK(c->how == how);
        CHECK(c->url == url);
        return *c;
    }
    void answer(long status, std::string body, std::string location = "", std::string retry = "")
    {
        // The directory comes without a nonce, and so does no answer.
        bool const bare = call_count++ == 0 || status == 0;
        acme::answer const a{status, std::move(body), bare ? "" : "nonce-" + std::to_string(++nonces),
                             std::move(location), std::move(retry)};
        now = machine.on_answer(a, wall_time{}, steady_time{} + time);
    }
    /// The payload of a request that is signed as it should be.
    std::string posted(std::string const& url)
    {
        auto const request = json::parse(expect(call::kind::post, url).body).as_object();
        auto const protect = text(request, "protected");
        auto const payload = text(request, "payload");
        auto const header = json::parse(*postern::directory::decode_base64url(protect)).as_object();
        CHECK(text(header, "alg") == "ES256");
        CHECK(text(header, "url") == url);
        CHECK(text(header, "nonce") == "nonce-" + std::to_string(nonces));
        CHECK((header.contains("jwk") != header.contains("kid")));
        by_account = header.contains("kid");
        auto const signature = postern::directory::decode_base64url(text(request, "signature"));
        REQUIRE(signature);
        auto const keys = postern::directory::key_set::parse(R"({"keys":[)" + key.jwk() + "]}");
        REQUIRE(keys);
        CHECK(keys->verify(postern::directory::signature_kind::es256, "", protect + '.' + payload, *signature) ==
              postern::directory::key_set::found::good);
        return *postern::directory::decode_base64url(payload);
    }
    trouble const& failed()
    {
        auto const* t = std::get_if<trouble>(&now);
        REQUIRE(t != nullptr);
        return *t;
    }

    void up_to_order()
    {
        begin();
        expect(call::kind::get, at("/directory"));
        answer(200, directory_text());
        expect(call::kind::head, at("/nonce"));
        answer(200, "");
        posted(at("/account"));
        answer(201, "{}", at("/account/7"));
    }
    void up_to_proof()
    {
        up_to_order();
        posted(at("/orders"));
        answer(201, order_text("pending"), at("/order/1"));
        CHECK(posted(at("/authz/1")).empty());
        answer(200, authz_text("pending"));
    }
    void up_to_waiting()
    {
        up_to_proof();
        now = machine.on_shown();
        CHECK(posted(at("/chall/h")) == "{}");
        answer(200, "{}");
        posted(at("/authz/1"));
    }

    ec_key key;
    issuance machine;
    step now = trouble{};
    unsigned nonces = 0, call_count = 0;
    bool by_account = false;
    std::chrono::seconds time{0};
};

}  // namespace

TEST_CASE("a certificate is issued step by step")
{
    play p;
    p.up_to_proof();
    CHECK(p.by_account);
    CHECK(p.machine.account() == at("/account/7"));
    auto const* shown = std::get_if<show>(&p.now);
    REQUIRE(shown != nullptr);
    REQUIRE(shown->proofs.size() == 1);
    CHECK(shown->proofs[0].type == "http-01");
    CHECK(shown->proofs[0].name == "mail.example.com");
    CHECK(shown->proofs[0].key_authorization == "tok-1." + p.key.thumbprint());
    p.now = p.machine.on_shown();
    CHECK(p.posted(at("/chall/h")) == "{}");
    p.answer(200, "{}");
    p.posted(at("/authz/1"));
    p.answer(200, authz_text("pending"));
    REQUIRE(std::holds_alternative<later>(p.now));
    p.now = p.machine.on_time();
    p.posted(at("/authz/1"));
    p.answer(200, authz_text("pending"), "", "7");
    CHECK(std::get<later>(p.now).time == std::chrono::seconds{7});
    p.now = p.machine.on_time();
    p.posted(at("/authz/1"));
    p.answer(200, authz_text("valid"));
    p.posted(at("/order/1"));
    p.answer(200, order_text("ready"));
    CHECK(p.posted(at("/finalize")) == R"({"csr":"Q1NS"})");
    p.answer(200, order_text("processing"));
    p.now = p.machine.on_time();
    p.posted(at("/order/1"));
    p.answer(200, order_text("valid", R"(,"certificate":"https://ca.example/cert/9")"));
    CHECK(p.posted(at("/cert/9")).empty());
    p.answer(200, "-----BEGIN CERTIFICATE-----\n...");
    CHECK(std::holds_alternative<issued>(p.now));
}

TEST_CASE("a name that was proven before needs no proof")
{
    play p;
    p.up_to_order();
    p.posted(at("/orders"));
    p.answer(201, order_text("ready"), at("/order/1"));
    p.posted(at("/authz/1"));
    p.answer(200, authz_text("valid"));
    p.posted(at("/order/1"));
    p.answer(200, order_text("ready"));
    p.posted(at("/finalize"));
}

namespace {

/// Of an order that was begun before.
wishes wishes_with_order()
{
    wishes w;
    w.account = at("/account/7");
    w.order = at("/order/1");
    return w;
}

/// What is posted for that.
auto ask_about_order(play& p)
{
    p.begin();
    p.answer(200, directory_text());
    p.expect(call::kind::head, at("/nonce"));
    p.answer(200, "");
    return p.posted(at("/order/1"));
}

}  // namespace

TEST_CASE("an order that was begun before is gone on with, from wherever it has come to")
{
    play p{wishes_with_order()};
    CHECK(ask_about_order(p).empty());
    CHECK(p.machine.order().empty());
    auto const done = order_text("valid", R"(,"certificate":"https://ca.example/cert/9")");
    SUBCASE("its certificate is there")
    {
        p.answer(200, done);
        CHECK(p.posted(at("/cert/9")).empty());
        CHECK(p.machine.order() == at("/order/1"));
        p.answer(200, "-----BEGIN CERTIFICATE-----\n...");
        CHECK(std::holds_alternative<issued>(p.now));
    }
    SUBCASE("its certificate is being made")
    {
        p.answer(200, order_text("processing"));
        REQUIRE(std::holds_alternative<later>(p.now));
        p.now = p.machine.on_time();
        p.posted(at("/order/1"));
        p.answer(200, done);
        p.posted(at("/cert/9"));
    }
    SUBCASE("all is proven")
    {
        p.answer(200, order_text("ready"));
        p.posted(at("/authz/1"));
        p.answer(200, authz_text("valid"));
        p.posted(at("/order/1"));
        p.answer(200, order_text("ready"));
        CHECK(p.posted(at("/finalize")) == R"({"csr":"Q1NS"})");
    }
    SUBCASE("nothing is proven")
    {
        p.answer(200, order_text("pending"));
        p.posted(at("/authz/1"));
        p.answer(200, authz_text("pending"));
        CHECK(std::holds_alternative<show>(p.now));
    }
    SUBCASE("it can't be had just now")
    {
        p.answer(503, "not now");
        REQUIRE(std::holds_alternative<later>(p.now));
        p.now = p.machine.on_time();
        p.posted(at("/order/1"));
    }
}

TEST_CASE("an order that came to nothing is followed by a new one")
{
    for (auto const& [status, body] : {std::pair{200L, order_text("invalid")},
                                       {200L, std::string{"<html>"}},
                                       {404L, problem_text("malformed")},
                                       {403L, problem_text("unauthorized")},
                                       {400L, problem_text("accountDoesNotExist")}}) {
        CAPTURE(body);
        play p{wishes_with_order()};
        ask_about_order(p);
        p.answer(status, body);
        if (body.find("accountDoesNotExist") != std::string::npos) {
            p.posted(at("/account"));
            p.answer(201, "{}", at("/account/8"));
        }
        p.posted(at("/orders"));
        p.answer(201, order_text("pending"), at("/order/2"));
        CHECK(p.machine.order() == at("/order/2"));
    }
}

TEST_CASE("a refused nonce is followed by another try with the new one, and not for ever")
{
    play p;
    p.up_to_order();
    for (int n = 0; n < 20; ++n) {
        p.posted(at("/orders"));
        p.answer(400, problem_text("badNonce"));
    }
    p.posted(at("/orders"));
    p.answer(400, problem_text("badNonce"));
    CHECK(p.failed().why == trouble::cause::busy);
}

TEST_CASE("an account that the authority lost is made anew, once")
{
    wishes w;
    w.account = at("/account/old");
    play p{std::move(w)};
    p.begin();
    p.answer(200, directory_text());
    p.answer(200, "");
    p.posted(at("/orders"));
    CHECK(p.by_account);
    p.answer(400, problem_text("accountDoesNotExist"));
    p.posted(at("/account"));
    CHECK(!p.by_account);
    p.answer(201, "{}", at("/account/8"));
    p.posted(at("/orders"));
    p.answer(400, problem_text("accountDoesNotExist"));
    CHECK(p.failed().why == trouble::cause::account);
}

TEST_CASE("External Account Binding vouches for the account's key")
{
    SUBCASE("with a key")
    {
        wishes w;
        w.external_account = "kid-1";
        w.external_key = secret{"mac key"};
        play p{std::move(w)};
        p.begin();
        p.answer(200, directory_text(true));
        p.answer(200, "");
        auto const made = json::parse(p.posted(at("/account"))).as_object();
        auto const& b = made.at("externalAccountBinding").as_object();
        auto const protect = text(b, "protected");
        auto const payload = text(b, "payload");
        CHECK(*postern::directory::decode_base64url(protect) ==
              R"({"alg":"HS256","kid":"kid-1","url":"https://ca.example/account"})");
        CHECK(*postern::directory::decode_base64url(payload) == p.key.jwk());
        CHECK(text(b, "signature") == base64url_encode(hmac(hash::sha256, "mac key", protect + '.' + payload)));
    }
    SUBCASE("without one nothing is asked")
    {
        play p;
        p.begin();
        p.answer(200, directory_text(true));
        CHECK(p.failed().why == trouble::cause::account);
    }
}

TEST_CASE("what the authority says is wrong has its cause")
{
    struct row {
        char const* type;
        long status;
        trouble::cause why;
    };
    for (auto const& r :
         {row{"rateLimited", 429, trouble::cause::rate_limit}, row{"caa", 403, trouble::cause::caa},
          row{"rejectedIdentifier", 400, trouble::cause::name}, row{"serverInternal", 500, trouble::cause::busy},
          row{"unauthorized", 403, trouble::cause::account}, row{"malformed", 400, trouble::cause::other}}) {
        CAPTURE(r.type);
        play p;
        p.up_to_order();
        p.posted(at("/orders"));
        p.answer(r.status, problem_text(r.type), "", "3600");
        CHECK(p.failed().why == r.why);
        CHECK(p.failed().type == r.type);
        CHECK(p.failed().detail == "it is so");
        CHECK(p.failed().retry_after == std::chrono::hours{1});
    }
    play p;
    p.up_to_order();
    p.answer(503, "<html>");
    CHECK(p.failed().why == trouble::cause::busy);
    CHECK_FALSE(p.failed().ordered);
}

TEST_CASE("a proof that was not found names the name and the reason")
{
    play p;
    p.up_to_waiting();
    p.answer(200, authz_text("invalid", R"(,"error":)" + problem_text("connection", "refused")));
    CHECK(p.failed().why == trouble::cause::proof);
    CHECK(p.failed().detail == "refused");
    CHECK(p.failed().names == std::vector<std::string>{"mail.example.com"});
}

TEST_CASE("no proof that we can show is on offer")
{
    wishes w;
    w.kinds = {"tls-alpn-01"};
    play p{std::move(w)};
    p.up_to_proof();
    CHECK(p.failed().why == trouble::cause::unprovable);
}

TEST_CASE("it is not waited for longer than the limit")
{
    play p;
    p.up_to_waiting();
    p.time = std::chrono::minutes{11};
    p.answer(200, authz_text("pending"));
    CHECK(p.failed().why == trouble::cause::busy);
}

TEST_CASE("an answer that is lost, or not to be had just now, is asked for again")
{
    // Of each step from the order on: what it asks for, and the answer that leads to the next one.
    struct row {
        char const* path;
        std::string good;
    };
    std::vector<row> const rows{
        {"/authz/1", authz_text("pending")},
        {"/chall/h", "{}"},
        {"/authz/1", authz_text("valid")},
        {"/order/1", order_text("ready")},
        {"/finalize", order_text("processing")},
        {"/order/1", order_text("valid", R"(,"certificate":"https://ca.example/cert/9")")},
        {"/cert/9", "-----BEGIN CERTIFICATE-----\n..."},
    };
    for (long const status : {0L, 429L, 503L}) {
        for (std::size_t lost = 0; lost < rows.size(); ++lost) {
            if (std::string_view{rows[lost].path} == "/chall/h") continue;
            CAPTURE(status);
            CAPTURE(rows[lost].path);
            play p;
            p.up_to_order();
            p.posted(at("/orders"));
            p.answer(201, order_text("pending"), at("/order/1"));
            for (std::size_t n = 0; n < rows.size(); ++n) {
                if (std::holds_alternative<show>(p.now)) p.now = p.machine.on_shown();
                if (std::holds_alternative<later>(p.now)) p.now = p.machine.on_time();
                p.posted(at(rows[n].path));
                if (n == lost) {
                    p.answer(status, "not now");
                    REQUIRE(std::holds_alternative<later>(p.now));
                    p.now = p.machine.on_time();
                    if (status == 0) {
                        p.expect(call::kind::head, at("/nonce"));
                        p.answer(200, "");
                    }
                    // Nobody knows whether it was finalized: the order does.
                    if (std::string_view{rows[n].path} == "/finalize") {
                        p.posted(at("/order/1"));
                        p.answer(200, order_text("ready"));
                    }
                    p.posted(at(rows[n].path));
                }
                p.answer(200, rows[n].good);
            }
            CHECK(std::holds_alternative<issued>(p.now));
        }
    }
}

TEST_CASE("it is not asked again for ever, nor sooner than the authority wants")
{
    play p;
    p.up_to_waiting();
    SUBCASE("the time is over")
    {
        p.time = std::chrono::minutes{11};
        p.answer(503, "not now");
        CHECK(p.failed().why == trouble::cause::busy);
        CHECK(p.failed().detail == "not now");
    }
    SUBCASE("it names a later time")
    {
        p.answer(429, problem_text("rateLimited"), "", "3600");
        CHECK(p.failed().why == trouble::cause::rate_limit);
        CHECK(p.failed().retry_after == std::chrono::hours{1});
    }
    CHECK(p.failed().ordered);
}

TEST_CASE("whatever comes instead of an answer ends it")
{
    // Every step but the ones before, each with every strange answer.
    for (int step = 0; step < 5; ++step) {
        for (std::string const body : {"", "[]", "{", "{}", "null", "<html>", R"({"status":"valid"})",
                                       R"({"newNonce":"ftp://ca.example"})", R"({"status":17,"identifier":3})"}) {
            CAPTURE(step);
            CAPTURE(body);
            play p;
            if (step == 0) p.begin();
            if (step == 1) p.up_to_order();
            if (step == 2) {
                p.up_to_order();
                p.posted(at("/orders"));
                p.answer(201, order_text("pending"), at("/order/1"));
            }
            if (step == 3) p.up_to_waiting();
            if (step == 4) {
                p.up_to_waiting();
                p.answer(200, authz_text("valid"));
            }
            p.answer(200, body, at("/order/1"));
            CHECK(p.failed().why == trouble::cause::silence);
        }
        play p;
        p.begin();
        p.now = p.machine.on_answer({0, "no route", {}, {}, {}}, {}, {});
        CHECK(p.failed().detail == "no route");
    }
}
