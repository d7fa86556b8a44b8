// SCRAM with each hash, and -PLUS: the vectors of RFC 5802 and RFC 7677, and each way to get
// it wrong. Standards 29 to 38.
#include "sasl/scram.hpp"

#include <functional>

#include <doctest/doctest.h>

#include "base/base64.hpp"
#include "sasl/prepare.hpp"

using namespace postern;
using namespace postern::sasl;
using reason = rejected::reason;

namespace {

constexpr hash hashes[] = {hash::sha1, hash::sha256, hash::sha512};

scram_keys keys_of(std::string_view password, hash h = hash::sha256, std::string_view salt = "0123456789abcdef",
                   std::uint32_t iterations = 4096)
{
    secret const prepared = scram_password(password);
    return scram::derive_keys(h, scram::salted_password(h, prepared.reveal(), salt, iterations), salt, iterations);
}

std::string text_of(outcome const& o)
{
    auto const* c = std::get_if<challenge>(&o);
    REQUIRE(c != nullptr);
    return c->octets;
}

std::string text_of(client_action const& a)
{
    auto const* r = std::get_if<respond>(&a);
    REQUIRE(r != nullptr);
    return r->octets;
}

bool is_rejected(outcome const& o, reason why)
{
    auto const* r = std::get_if<rejected>(&o);
    return r != nullptr && r->why == why;
}

/// One exchange, with a hand in every message on its way.
struct exchange {
    using hand = std::function<std::string(std::string const&)>;
    hash h = hash::sha256;
    bool plus = false;
    server_options server{};
    client_options client{};
    client_credentials who{"user", "", secret{"pencil"}};
    scram_keys keys = keys_of("pencil", h);
    hand client_first{}, server_first{}, client_final{}, server_final{}, last{};
    bool client_gave_up = false;
    bool client_finished = false;
    std::string claimed{};

    outcome run()
    {
        auto touch = [](hand const& change, std::string const& m) { return change ? change(m) : m; };
        std::string const name{scram::mechanism_name(h, plus)};
        auto s = make_server_mechanism(name, server);
        auto c = make_client_mechanism(name, who, client);
        REQUIRE(s);
        REQUIRE(c);
        auto o = s->step(touch(client_first, text_of(c->step(std::nullopt))));
        claimed = s->claimed();
        if (!std::holds_alternative<fetch_scram>(o)) return o;
        o = s->on_scram(keys);
        auto answer = c->step(touch(server_first, text_of(o)));
        if (std::holds_alternative<abandon>(answer)) {
            client_gave_up = true;
            return o;
        }
        o = s->step(touch(client_final, text_of(answer)));
        if (!std::holds_alternative<challenge>(o)) return o;
        answer = c->step(touch(server_final, text_of(o)));
        client_finished = c->finished();
        if (std::holds_alternative<abandon>(answer)) {
            client_gave_up = true;
            return o;
        }
        return s->step(touch(last, text_of(answer)));
    }
};

std::string replaced(std::string text, std::string_view from, std::string_view to)
{
    auto const at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

/// Another octet in the middle of the base64 after "key".
std::string flipped(std::string text, std::string_view key)
{
    auto const at = text.find(key);
    REQUIRE(at != std::string::npos);
    char& c = text[at + key.size() + 3];
    c = c == 'A' ? 'B' : 'A';
    return text;
}

exchange bound(std::string_view client_type, hash h = hash::sha256)
{
    exchange e{h};
    e.plus = true;
    e.server.plus_offered = e.client.plus_offered = true;
    e.server.bindings.tls_exporter = std::string(32, 'e');
    e.server.bindings.tls_server_end_point = std::string(32, 's');
    if (client_type == "tls-exporter") e.client.bindings.tls_exporter = e.server.bindings.tls_exporter;
    if (client_type == "tls-server-end-point")
        e.client.bindings.tls_server_end_point = e.server.bindings.tls_server_end_point;
    return e;
}

}  // namespace

TEST_CASE("RFC 7677 section 3 and RFC 5802 section 5: the example exchanges, octet by octet")
{
    struct {
        hash h;
        char const *client_nonce, *server_nonce, *salt;
        char const *client_first, *server_first, *client_final, *server_final;
    } const rows[] = {
        {hash::sha256, "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
         "W22ZaJ0SNY7soEsUEjb6gQ==", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
         "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
         "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
         "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
         "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
        {hash::sha1, "fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j", "QSXCR+Q6sek8bf92",
         "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
         "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
         "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
         "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
        // No RFC has an exchange with SHA-512: that of RFC 7677 once more, computed with another
        // implementation of the hash (Python's hashlib), which gives the row above, too.
        {hash::sha512, "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
         "W22ZaJ0SNY7soEsUEjb6gQ==", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
         "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
         "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
         "p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
         "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw=="},
    };
    for (auto const& row : rows) {
        auto c = scram::make_client(row.h, false, {"user", "", secret{"pencil"}}, {}, row.client_nonce);
        auto s = scram::make_server(row.h, false, {}, row.server_nonce);
        CHECK(text_of(c->step(std::nullopt)) == row.client_first);
        auto o = s->step(row.client_first);
        REQUIRE(std::holds_alternative<fetch_scram>(o));
        CHECK(std::get<fetch_scram>(o).authcid == "user");
        CHECK(std::get<fetch_scram>(o).hash == row.h);
        auto const salt = base64_decode(row.salt).value();
        auto const keys = scram::derive_keys(row.h, scram::salted_password(row.h, "pencil", salt, 4096), salt, 4096);
        CHECK(text_of(s->on_scram(keys)) == row.server_first);
        CHECK(text_of(c->step(row.server_first)) == row.client_final);
        CHECK_FALSE(c->finished());
        CHECK(text_of(s->step(row.client_final)) == row.server_final);
        CHECK(text_of(c->step(row.server_final)).empty());
        CHECK(c->finished());
        o = s->step("");  // standard 38: the signature went in a challenge, its answer is empty
        REQUIRE(std::holds_alternative<accepted>(o));
        CHECK(std::get<accepted>(o).authcid == "user");
        CHECK(std::get<accepted>(o).authzid.empty());
        CHECK(is_rejected(s->step(""), reason::malformed));
    }
}

TEST_CASE("SCRAM accepts the right password, in any form it can be typed")
{
    struct {
        char const *set, *typed;
    } const rows[] = {
        {"pencil", "pencil"},
        {"p\xc3\xa4ss", "pa\xcc\x88ss"},  // composed, decomposed
        {"p\xc3\xa4ss", "p\xe4ss"},       // typed where Latin-1 is used
        {"a\xc2\xa0"
         "b",
         "a b"},  // a no-break space
    };
    for (auto const& row : rows) {
        exchange e;
        e.keys = keys_of(row.set);
        e.who.password = secret{row.typed};
        CHECK(std::holds_alternative<accepted>(e.run()));
        CHECK(e.client_finished);
    }
    exchange e;
    e.who.password = secret{"Pencil"};
    CHECK(is_rejected(e.run(), reason::bad_credentials));
    CHECK_FALSE(e.client_finished);
}

TEST_CASE("standard 29: the nonce of the last message is that of the exchange, and ours is fresh")
{
    exchange tampered;
    tampered.client_final = [](std::string const& m) { return replaced(m, ",p=", "x,p="); };
    CHECK(is_rejected(tampered.run(), reason::bad_credentials));

    exchange shortened;
    shortened.client_final = [](std::string const& m) { return std::string{m}.erase(m.find(",p=") - 1, 1); };
    CHECK(is_rejected(shortened.run(), reason::bad_credentials));

    std::vector<std::string> seen;
    for (int i = 0; i < 3; ++i) {
        exchange e;
        e.client_first = [](std::string const&) { return std::string{"n,,n=user,r=same"}; };
        e.server_first = [&](std::string const& m) {
            seen.push_back(m.substr(0, m.find(",s=")));
            return m;
        };
        e.run();
    }
    CHECK(seen[0].size() >= 6 + 24);  // 18 random octets
    CHECK(seen[0] != seen[1]);
    CHECK(seen[1] != seen[2]);

    for (auto bad : {"n,,n=user,r=", "n,,n=user", "n,,n=user,r=a\x7f", "n,,n=user,r=a b", "n,,r=abc,n=user"}) {
        auto s = make_server_mechanism("SCRAM-SHA-256", {});
        CHECK_MESSAGE(is_rejected(s->step(bad), reason::malformed), bad);
    }
}

TEST_CASE("standard 30: =2C and =3D are decoded, any other = fails")
{
    exchange e;
    e.who.authcid = "a,b=c@example.org";
    auto const o = e.run();
    REQUIRE(std::holds_alternative<accepted>(o));
    CHECK(std::get<accepted>(o).authcid == "a,b=c@example.org");
    for (auto bad : {"n,,n=a=b,r=x", "n,,n==,r=x", "n,,n=a=2c,r=x", "n,,n=a=2,r=x", "n,,n==3,r=x", "n,,n=,r=x",
                     "n,,n=a\x01,r=x", "n,,n=\xff,r=x", "n,a=x=y,n=a,r=x", "n,a=,n=a,r=x", "n,b=x,n=a,r=x"}) {
        auto s = make_server_mechanism("SCRAM-SHA-256", {});
        CHECK_MESSAGE(is_rejected(s->step(bad), reason::malformed), bad);
    }
}

TEST_CASE("standard 31: a mandatory extension fails, others are ignored")
{
    for (auto bad : {"n,,m=x,n=user,r=abc", "n,,n=user,r=abc,m=x", "n,,n=user,r=abc,x=y,m=z"}) {
        auto s = make_server_mechanism("SCRAM-SHA-256", {});
        CHECK_MESSAGE(is_rejected(s->step(bad), reason::malformed), bad);
    }
    for (auto bad : {"n,,n=user,r=abc,", "n,,n=user,r=abc,x", "n,,n=user,r=abc,x=", "n,,n=user,r=abc,1=2"}) {
        auto s = make_server_mechanism("SCRAM-SHA-256", {});
        CHECK_MESSAGE(is_rejected(s->step(bad), reason::malformed), bad);
    }
    auto s = make_server_mechanism("SCRAM-SHA-256", {});
    CHECK(std::holds_alternative<fetch_scram>(s->step("n,,n=user,r=abc,x=y,z=1=2")));

    exchange final;
    final.client_final = [](std::string const& m) { return replaced(m, ",p=", ",m=x,p="); };
    CHECK(is_rejected(final.run(), reason::malformed));

    exchange client_side;
    client_side.server_first = [](std::string const& m) { return m + ",m=x"; };
    client_side.run();
    CHECK(client_side.client_gave_up);
}

TEST_CASE("an authorization identity is handed on, and is part of what is proven")
{
    exchange e;
    e.who.authzid = "boss,=@example.org";
    auto const o = e.run();
    REQUIRE(std::holds_alternative<accepted>(o));
    CHECK(std::get<accepted>(o).authzid == "boss,=@example.org");

    exchange smuggled;
    smuggled.client_first = [](std::string const& m) { return replaced(m, "n,,", "n,a=boss,"); };
    CHECK(is_rejected(smuggled.run(), reason::channel_binding));  // the header in "c=" differs
}

TEST_CASE("standard 32: flag y is a downgrade where -PLUS was offered")
{
    exchange e;
    e.server.plus_offered = true;
    e.client.plus_offered = false;  // someone removed it from the list
    e.client.bindings.tls_exporter = std::string(32, 'e');
    CHECK(is_rejected(e.run(), reason::channel_binding));

    exchange honest;  // we offered none, and the client says that it saw none
    honest.client.bindings.tls_exporter = std::string(32, 'e');
    CHECK(std::holds_alternative<accepted>(honest.run()));

    exchange changed;  // the flag itself is protected
    changed.client.bindings.tls_exporter = std::string(32, 'e');
    changed.client_first = [](std::string const& m) { return replaced(m, "y,,", "n,,"); };
    CHECK(is_rejected(changed.run(), reason::channel_binding));
}

TEST_CASE("standards 33 to 35: -PLUS binds to the connection, by tls-exporter or tls-server-end-point")
{
    for (hash const h : hashes)
        for (auto type : {"tls-exporter", "tls-server-end-point"}) {
            exchange e = bound(type, h);
            CHECK(std::holds_alternative<accepted>(e.run()));
        }
    for (auto type : {"tls-exporter", "tls-server-end-point"}) {
        exchange elsewhere = bound(type);  // someone in between has another connection to us
        elsewhere.server.bindings.tls_exporter = std::string(32, 'x');
        elsewhere.server.bindings.tls_server_end_point = std::string(32, 'x');
        CHECK(is_rejected(elsewhere.run(), reason::channel_binding));

        exchange absent = bound(type);
        absent.server.bindings = {};
        CHECK(is_rejected(absent.run(), reason::channel_binding));
    }
    exchange removed = bound("tls-exporter");
    removed.client_final = [](std::string const& m) {
        auto const end = m.find(',');
        return "c=" + base64_encode("p=tls-exporter,,") + m.substr(end);
    };
    CHECK(is_rejected(removed.run(), reason::channel_binding));

    // tls-unique, where the connection has it: only old clients ask for it.
    exchange unique = bound("tls-exporter");
    unique.server.bindings.tls_unique = unique.server.bindings.tls_exporter;
    unique.client_first = [](std::string const& m) { return replaced(m, "p=tls-exporter", "p=tls-unique"); };
    CHECK(is_rejected(unique.run(), reason::channel_binding));  // the type is part of what is compared
    for (std::string const& octets : {std::string(12, 'u'), std::string(12, 'v')}) {
        auto s = scram::make_server(hash::sha256, true, {{.tls_unique = std::string(12, 'u')}, true}, "server");
        std::string const bare = "n=user,r=client";
        REQUIRE(std::holds_alternative<fetch_scram>(s->step("p=tls-unique,," + bare)));
        auto const keys = keys_of("pencil");
        std::string const first = text_of(s->on_scram(keys));
        std::string const final = "c=" + base64_encode("p=tls-unique,," + octets) + ",r=clientserver";
        secret const salted = scram::salted_password(hash::sha256, "pencil", keys.salt, keys.iterations);
        std::string const proof = scram::client_proof(hash::sha256, salted, bare + "," + first + "," + final);
        auto const end = s->step(final + ",p=" + base64_encode(proof));
        CHECK(std::holds_alternative<challenge>(end) == (octets[0] == 'u'));
    }

    server_options o = bound("tls-exporter").server;
    struct {
        char const* mechanism;
        char const* message;
        reason why;
    } const rows[] = {
        {"SCRAM-SHA-256-PLUS", "n,,n=user,r=abc", reason::channel_binding},
        {"SCRAM-SHA-256-PLUS", "y,,n=user,r=abc", reason::channel_binding},
        {"SCRAM-SHA-256-PLUS", "p=tls-unique,,n=user,r=abc", reason::channel_binding},
        {"SCRAM-SHA-256-PLUS", "p=foo,,n=user,r=abc", reason::channel_binding},
        {"SCRAM-SHA-256-PLUS", "p=,,n=user,r=abc", reason::malformed},
        {"SCRAM-SHA-256-PLUS", "p=a b,,n=user,r=abc", reason::malformed},
        {"SCRAM-SHA-256", "p=tls-exporter,,n=user,r=abc", reason::channel_binding},
        {"SCRAM-SHA-256", "x,,n=user,r=abc", reason::malformed},
        {"SCRAM-SHA-256", "N,,n=user,r=abc", reason::malformed},
        {"SCRAM-SHA-256", "", reason::malformed},
        {"SCRAM-SHA-256", "n", reason::malformed},
        {"SCRAM-SHA-256", "n,", reason::malformed},
        {"SCRAM-SHA-256", "n,,", reason::malformed},
    };
    for (auto const& row : rows) {
        CAPTURE(row.message);
        auto s = make_server_mechanism(row.mechanism, o);
        CHECK(is_rejected(s->step(row.message), row.why));
        CHECK(is_rejected(s->step(row.message), reason::malformed));
    }
}

TEST_CASE("every tampered message fails the exchange")
{
    struct {
        char const* what;
        void (*tamper)(exchange&);
    } const rows[] = {
        {"user name",
         [](exchange& e) { e.client_first = [](std::string const& m) { return replaced(m, "n=user", "n=root"); }; }},
        {"client nonce", [](exchange& e) { e.client_first = [](std::string const& m) { return m + "x"; }; }},
        {"server nonce",
         [](exchange& e) { e.server_first = [](std::string const& m) { return replaced(m, ",s=", "x,s="); }; }},
        {"salt", [](exchange& e) { e.server_first = [](std::string const& m) { return flipped(m, ",s="); }; }},
        {"iterations",
         [](exchange& e) { e.server_first = [](std::string const& m) { return replaced(m, "i=4096", "i=4097"); }; }},
        {"binding",
         [](exchange& e) { e.client_final = [](std::string const& m) { return replaced(m, "c=biws", "c=eSws"); }; }},
        {"proof", [](exchange& e) { e.client_final = [](std::string const& m) { return flipped(m, ",p="); }; }},
        {"short proof",
         [](exchange& e) {
             e.client_final = [](std::string const& m) { return m.substr(0, m.find(",p=")) + ",p=AAAA"; };
         }},
        {"no proof",
         [](exchange& e) { e.client_final = [](std::string const& m) { return m.substr(0, m.find(",p=")); }; }},
        {"behind the proof", [](exchange& e) { e.client_final = [](std::string const& m) { return m + ",x=y"; }; }},
        {"extension",
         [](exchange& e) { e.client_final = [](std::string const& m) { return replaced(m, ",p=", ",x=y,p="); }; }},
        {"order",
         [](exchange& e) { e.client_final = [](std::string const& m) { return replaced(m, "c=biws,r=", "r="); }; }},
        {"proof not base64", [](exchange& e) { e.client_final = [](std::string const& m) { return m + "!"; }; }},
        {"answer to the signature", [](exchange& e) { e.last = [](std::string const&) { return std::string{"x"}; }; }},
        {"NUL", [](exchange& e) { e.client_final = [](std::string const& m) { return m + std::string(1, '\0'); }; }},
    };
    for (hash const h : hashes) {
        exchange untouched{h};
        CHECK(std::holds_alternative<accepted>(untouched.run()));
        CHECK(untouched.client_finished);
        for (auto const& row : rows) {
            CAPTURE(row.what);
            exchange e{h};
            row.tamper(e);
            CHECK_FALSE(std::holds_alternative<accepted>(e.run()));
        }
    }
    for (hash const h : hashes) {
        // Keys of another hash prove nothing, whatever their size.
        exchange other{h};
        other.keys = keys_of("pencil", h == hash::sha1 ? hash::sha512 : hash::sha1);
        CHECK_FALSE(std::holds_alternative<accepted>(other.run()));
    }
    exchange signature;
    signature.server_final = [](std::string const& m) { return flipped(m, "v="); };
    signature.run();
    CHECK(signature.client_gave_up);
    CHECK_FALSE(signature.client_finished);
    exchange refusal;
    refusal.server_final = [](std::string const&) { return std::string{"e=other-error"}; };
    refusal.run();
    CHECK(refusal.client_gave_up);
}

TEST_CASE("while it is not sure whose keys they are, only a proof that fits says something")
{
    for (bool const real : {true, false}) {
        exchange e;
        e.keys.unsure = true;
        e.keys.real = real;
        e.who.password = secret{"guess"};
        CHECK(is_rejected(e.run(), reason::unsure));
        // What breaks the exchange is no guess.
        e.who.password = secret{"pencil"};
        e.client_final = [](std::string const& m) { return flipped(m, "r="); };
        CHECK(is_rejected(e.run(), reason::bad_credentials));
        e.client_final = nullptr;
        CHECK(std::holds_alternative<accepted>(e.run()) == real);
    }
}

TEST_CASE("a proof can't be used twice")
{
    std::string first;
    std::string final;
    exchange e;
    e.client_first = [&](std::string const& m) { return first = m; };
    e.client_final = [&](std::string const& m) { return final = m; };
    REQUIRE(std::holds_alternative<accepted>(e.run()));
    auto s = make_server_mechanism("SCRAM-SHA-256", {});
    REQUIRE(std::holds_alternative<fetch_scram>(s->step(first)));
    REQUIRE(std::holds_alternative<challenge>(s->on_scram(e.keys)));
    CHECK(is_rejected(s->step(final), reason::bad_credentials));
}

TEST_CASE("standard 36: a client takes 4096 to 600000 iterations, and no other number")
{
    for (auto bad :
         {"i=4095", "i=1", "i=0", "i=600001", "i=4294967295", "i=4294971392", "i=-4096", "i=4096x", "i=", "i"}) {
        exchange e;
        e.server_first = [&](std::string const& m) { return replaced(m, "i=4096", bad); };
        e.run();
        CHECK_MESSAGE(e.client_gave_up, bad);
    }
    for (auto bad : {"s=", "s=!", "s=AAA"}) {
        exchange e;
        e.server_first = [&](std::string const& m) {
            auto const at = m.find("s=");
            return m.substr(0, at) + bad + ",i=4096";
        };
        e.run();
        CHECK_MESSAGE(e.client_gave_up, bad);
    }
    exchange echo;  // a server that adds nothing of its own to the nonce
    echo.server_first = [](std::string const& m) { return m.substr(0, 2 + 24) + m.substr(m.find(",s=")); };
    echo.run();
    CHECK(echo.client_gave_up);
}

TEST_CASE("standard 37: keys that are not real fail at the proof, even a right one")
{
    exchange e;
    e.keys.real = false;
    e.keys.note = "no such account";
    std::string server_first;
    e.server_first = [&](std::string const& m) { return server_first = m; };
    auto const o = e.run();
    REQUIRE(is_rejected(o, reason::bad_credentials));
    CHECK(std::get<rejected>(o).detail == std::string{"no such account"});
    CHECK(server_first.find(",i=4096") != std::string::npos);
}

TEST_CASE("messages out of turn end the exchange")
{
    auto early = make_server_mechanism("SCRAM-SHA-256", {});
    CHECK(is_rejected(early->on_scram(keys_of("x")), reason::malformed));
    CHECK(is_rejected(early->step("n,,n=user,r=abc"), reason::malformed));
    auto twice = make_server_mechanism("SCRAM-SHA-256", {});
    REQUIRE(std::holds_alternative<fetch_scram>(twice->step("n,,n=user,r=abc")));
    CHECK(is_rejected(twice->step("n,,n=user,r=abc"), reason::malformed));
    CHECK(is_rejected(twice->on_scram(keys_of("x")), reason::malformed));
    auto asked = make_server_mechanism("SCRAM-SHA-256", {});
    CHECK(text_of(asked->step(std::nullopt)).empty());
    CHECK(std::holds_alternative<fetch_scram>(asked->step("n,,n=user,r=abc")));
    auto large = make_server_mechanism("SCRAM-SHA-256", {});
    CHECK(is_rejected(large->step("n,,n=user,r=abc,x=" + std::string(20'000, 'x')), reason::malformed));
}
