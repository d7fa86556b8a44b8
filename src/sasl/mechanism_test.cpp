// PLAIN and LOGIN, and the list of mechanisms. Standards 25, 26 and 28.
#include "sasl/mechanism.hpp"
#include "sasl/prepare.hpp"

#include <doctest/doctest.h>

#include "sasl/client_mechanism.hpp"

using namespace postern;
using namespace postern::sasl;

namespace {

std::string octets(std::string_view text)
{
    // "^@" stands for NUL.
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i, 2) == "^@") {
            out += '\0';
            ++i;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool malformed(outcome const& o)
{
    auto const* r = std::get_if<rejected>(&o);
    return r != nullptr && r->why == rejected::reason::malformed;
}

}  // namespace

TEST_CASE("mechanisms are found by name in any letter case, and no others")
{
    for (auto name : {"PLAIN", "plain", "LOGIN", "Login", "SCRAM-SHA-256", "scram-sha-256-plus", "SCRAM-SHA-1",
                      "scram-sha-512-PLUS"}) {
        auto m = make_server_mechanism(name, {});
        REQUIRE_MESSAGE(m, name);
        CHECK_FALSE(is_server_first(name));
    }
    for (auto name :
         {"", "PLAI", "PLAIN ", "SCRAM-SHA-384", "SCRAM-MD5", "SCRAM-SHA-256-", "ANONYMOUS", "DIGEST-MD5", "NTLM"})
        CHECK_MESSAGE(make_server_mechanism(name, {}) == nullptr, name);
    CHECK(server_mechanisms() == std::vector<std::string_view>{"SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS",
                                                               "SCRAM-SHA-1-PLUS", "EXTERNAL", "GSSAPI",
                                                               "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1",
                                                               "OAUTHBEARER", "XOAUTH2", "CRAM-MD5", "PLAIN", "LOGIN"});
    for (auto name : server_mechanisms()) {
        CHECK(is_server_first(name) == (name == "CRAM-MD5"));
        auto m = make_server_mechanism(name, {});
        CHECK(m->name() == name);
    }
}

TEST_CASE("standards 25 and 26: PLAIN has exactly two NULs, a name and a password")
{
    std::string const x255(255, 'x');
    std::string const x256(256, 'x');
    struct {
        std::string message;
        bool good;
        std::string authzid, authcid, password;
    } const rows[] = {
        {octets("^@tim@example.org^@tanstaaftanstaaf"), true, "", "tim@example.org", "tanstaaftanstaaf"},
        {octets("Ursel^@Kurt^@xipj3plmq"), true, "Ursel", "Kurt", "xipj3plmq"},
        {octets("^@tim^@ pass with blanks "), true, "", "tim", " pass with blanks "},
        {octets("^@ tim ^@x"), true, "", " tim ", "x"},                        // nothing is trimmed
        {octets("^@t\xc3\xb6m^@p\xe4ss"), true, "", "t\xc3\xb6m", "p\xe4ss"},  // old clients' passwords are Latin-1
        {octets("^@tim^@a\x01\x7f\n"), true, "", "tim", "a\x01\x7f\n"},
        {octets("^@") + x255 + octets("^@") + x255, true, "", x255, x255},
        {"", false, "", "", ""},
        {"tim", false, "", "", ""},
        {octets("^@tim"), false, "", "", ""},
        {octets("^@"), false, "", "", ""},
        {octets("^@^@"), false, "", "", ""},
        {octets("^@^@x"), false, "", "", ""},
        {octets("^@tim^@"), false, "", "", ""},
        {octets("^@tim^@x^@"), false, "", "", ""},
        {octets("^@tim^@x^@y"), false, "", "", ""},
        {octets("^@^@tim^@x"), false, "", "", ""},
        {octets("tim^@x"), false, "", "", ""},
        {octets("^@ti\nm^@x"), false, "", "", ""},
        {octets("^@ti\x7fm^@x"), false, "", "", ""},
        {octets("^@ti\xc2\x85m^@x"), false, "", "", ""},
        {octets("^@t\xf6m^@x"), true, "", "t\xf6m", "x"},  // and so are their names
        {octets("^@ti\x81m^@x"), false, "", "", ""},       // not even that
        {octets("^@t\xf6\nm^@x"), false, "", "", ""},
        {octets("a\rb^@tim^@x"), false, "", "", ""},
        {octets("^@") + x256 + octets("^@x"), false, "", "", ""},
        {octets("^@tim^@") + x256, false, "", "", ""},
        {x256 + octets("^@tim^@x"), false, "", "", ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.message);
        auto m = make_server_mechanism("PLAIN", {});
        auto const o = m->step(row.message);
        auto const* v = std::get_if<verify_password>(&o);
        if (!row.good) {
            CHECK(malformed(o));
            continue;
        }
        REQUIRE(v != nullptr);
        CHECK(v->authzid == row.authzid);
        CHECK(v->authcid == row.authcid);
        CHECK(v->password.reveal() == row.password);
        CHECK(m->claimed() == shown_name(row.authcid));
        CHECK(malformed(m->step("more")));
    }
}

TEST_CASE("PLAIN without an initial response asks for it with an empty challenge, once")
{
    auto m = make_server_mechanism("PLAIN", {});
    auto first = m->step(std::nullopt);
    REQUIRE(std::holds_alternative<challenge>(first));
    CHECK(std::get<challenge>(first).octets.empty());
    auto second = m->step(octets("^@tim^@x"));
    CHECK(std::holds_alternative<verify_password>(second));

    auto empty = make_server_mechanism("PLAIN", {});
    CHECK(malformed(empty->step("")));  // "=" is an empty message, not an absent one
    auto silent = make_server_mechanism("PLAIN", {});
    CHECK(std::holds_alternative<challenge>(silent->step(std::nullopt)));
    CHECK(malformed(silent->step(std::nullopt)));
    CHECK(malformed(make_server_mechanism("PLAIN", {})->on_scram({})));
}

TEST_CASE("standard 28: LOGIN prompts with exactly Username: and Password:")
{
    auto m = make_server_mechanism("LOGIN", {});
    auto first = m->step(std::nullopt);
    REQUIRE(std::holds_alternative<challenge>(first));
    CHECK(std::get<challenge>(first).octets == "Username:");
    auto second = m->step("tim@example.org");
    REQUIRE(std::holds_alternative<challenge>(second));
    CHECK(std::get<challenge>(second).octets == "Password:");
    CHECK(m->claimed() == "tim@example.org");
    auto third = m->step(" secret ");
    REQUIRE(std::holds_alternative<verify_password>(third));
    auto const& v = std::get<verify_password>(third);
    CHECK(v.authcid == "tim@example.org");
    CHECK(v.authzid.empty());
    CHECK(v.password.reveal() == " secret ");
    CHECK(malformed(m->step("again")));
}

TEST_CASE("standard 28: LOGIN takes the user name with the command")
{
    auto m = make_server_mechanism("LOGIN", {});
    auto first = m->step("tim");
    REQUIRE(std::holds_alternative<challenge>(first));
    CHECK(std::get<challenge>(first).octets == "Password:");
    CHECK(std::holds_alternative<verify_password>(m->step("x")));
}

TEST_CASE("LOGIN refuses names and passwords that others cut or trim")
{
    for (auto const& name : {octets(""), octets("tim^@junk"), octets("tim\n"), octets("\x81"), std::string(256, 'x')}) {
        auto m = make_server_mechanism("LOGIN", {});
        CHECK(malformed(m->step(name)));
        CHECK(malformed(m->step("x")));
        auto prompted = make_server_mechanism("LOGIN", {});
        CHECK(std::holds_alternative<challenge>(prompted->step(std::nullopt)));
        CHECK(malformed(prompted->step(name)));
    }
    for (auto const& password : {octets(""), octets("x^@y"), std::string(256, 'x')}) {
        auto m = make_server_mechanism("LOGIN", {});
        CHECK(std::holds_alternative<challenge>(m->step("tim")));
        CHECK(malformed(m->step(password)));
        CHECK(malformed(m->step("x")));
    }
}

TEST_CASE("client halves speak what server halves understand")
{
    for (auto name : {"PLAIN", "LOGIN"}) {
        CAPTURE(name);
        auto s = make_server_mechanism(name, {});
        auto c = make_client_mechanism(name, {"tim", "", secret{"x y"}}, {});
        REQUIRE(c);
        auto action = c->step(std::nullopt);
        std::optional<std::string> response;
        if (auto* r = std::get_if<respond>(&action)) response = r->octets;
        auto o = s->step(response);
        while (auto* prompt = std::get_if<challenge>(&o)) {
            action = c->step(prompt->octets);
            REQUIRE(std::holds_alternative<respond>(action));
            o = s->step(std::get<respond>(action).octets);
        }
        REQUIRE(std::holds_alternative<verify_password>(o));
        CHECK(std::get<verify_password>(o).authcid == "tim");
        CHECK(std::get<verify_password>(o).password.reveal() == "x y");
        CHECK(c->finished());
        CHECK(std::holds_alternative<abandon>(c->step("more")));
    }
}

TEST_CASE("a client mechanism is not made where it can't work")
{
    CHECK(make_client_mechanism("NTLM", {"tim", "", secret{"x"}}, {}) == nullptr);
    CHECK(make_client_mechanism("SCRAM-SHA-256-PLUS", {"tim", "", secret{"x"}}, {}) == nullptr);
    CHECK(make_client_mechanism("PLAIN", {"", "", secret{"x"}}, {}) == nullptr);
    CHECK(make_client_mechanism("PLAIN", {"tim", "", secret{}}, {}) == nullptr);
    CHECK(make_client_mechanism("PLAIN", {octets("t^@m"), "", secret{"x"}}, {}) == nullptr);
    CHECK(make_client_mechanism("PLAIN", {"tim", octets("^@"), secret{"x"}}, {}) == nullptr);
    client_options bound;
    bound.bindings.tls_exporter = std::string(32, 'e');
    CHECK(make_client_mechanism("SCRAM-SHA-256-PLUS", {"tim", "", secret{"x"}}, bound) != nullptr);
    CHECK(choose_mechanism({"login", "PLAIN", "SCRAM-SHA-256"}, {}) == "SCRAM-SHA-256");
    CHECK(choose_mechanism({"SCRAM-SHA-256-PLUS", "PLAIN"}, {}) == "PLAIN");
    CHECK(choose_mechanism({"PLAIN", "scram-sha-256-plus"}, bound) == "SCRAM-SHA-256-PLUS");
    CHECK(choose_mechanism({"SCRAM-SHA-1", "SCRAM-SHA-512", "SCRAM-SHA-256"}, {}) == "SCRAM-SHA-512");
    CHECK(choose_mechanism({"SCRAM-SHA-1-PLUS", "SCRAM-SHA-512"}, bound) == "SCRAM-SHA-1-PLUS");
    for (auto ours : {"EXTERNAL", "GSSAPI", "OAUTHBEARER", "XOAUTH2"}) {
        CHECK(make_client_mechanism(ours, {"tim", "", secret{"x"}}, bound) == nullptr);
        CHECK(choose_mechanism({ours, "PLAIN"}, bound) == "PLAIN");
    }
    CHECK(choose_mechanism({"NTLM"}, bound).empty());
}

TEST_CASE("a client mechanism is chosen by what there is to prove with, and by what is allowed")
{
    std::vector<std::string> const all{"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "EXTERNAL", "SCRAM-SHA-256"};
    client_means const token{false, true, false}, certificate{false, false, true}, both{true, true, false};
    CHECK(choose_mechanism(all, {}, token) == "OAUTHBEARER");
    CHECK(choose_mechanism(all, {}, token, {"XOAUTH2"}) == "XOAUTH2");
    CHECK(choose_mechanism(all, {}, certificate) == "EXTERNAL");
    CHECK(choose_mechanism(all, {}, both) == "SCRAM-SHA-256");
    CHECK(choose_mechanism(all, {}, both, {"LOGIN", "PLAIN"}) == "PLAIN");
    CHECK(choose_mechanism({"PLAIN"}, {}, token).empty());
    CHECK(choose_mechanism(all, {}, {}, {"CRAM-MD5"}).empty());

    client_credentials c;
    c.authcid = "ann";
    c.token = secret{"not a token"};
    CHECK(make_client_mechanism("XOAUTH2", c, {}) == nullptr);
    c.token = secret{"ya29.a-b"};
    CHECK(make_client_mechanism("XOAUTH2", c, {}) != nullptr);
    CHECK(make_client_mechanism("EXTERNAL", c, {}) == nullptr);
    c.certificate = true;
    c.authcid.clear();
    CHECK(make_client_mechanism("EXTERNAL", c, {}) != nullptr);
    CHECK(make_client_mechanism("XOAUTH2", c, {}) == nullptr);
}

TEST_CASE("client and server halves of OAuth and EXTERNAL understand each other")
{
    client_credentials c;
    c.authcid = "ann=x,y@example.com";
    c.token = secret{"ya29.a-b"};
    c.host = "smtp.example.com";
    c.port = 587;
    for (auto name : {"OAUTHBEARER", "XOAUTH2"}) {
        CAPTURE(name);
        auto client = make_client_mechanism(name, c, {});
        auto server = make_server_mechanism(name, {});
        auto const first = std::get<respond>(client->step(std::nullopt)).octets;
        auto const asked = std::get<verify_token>(server->step(first));
        CHECK(asked.identity == c.authcid);
        CHECK(asked.token.reveal() == "ya29.a-b");
        CHECK(client->finished());
        auto const no = std::get<challenge>(server->on_token_refused("{}"));
        auto const dummy = std::get<respond>(client->step(no.octets)).octets;
        CHECK(client->server_error() == "{}");
        CHECK_FALSE(client->finished());
        CHECK(std::holds_alternative<rejected>(server->step(dummy)));
        CHECK(std::holds_alternative<abandon>(client->step("more")));
    }
    c.certificate = true;
    auto client = make_client_mechanism("EXTERNAL", c, {});
    server_options o;
    o.external = {c.authcid};
    auto server = make_server_mechanism("EXTERNAL", o);
    auto const said = server->step(std::get<respond>(client->step(std::nullopt)).octets);
    CHECK(std::get<accepted>(said).authcid == c.authcid);
    CHECK(client->finished());
}

TEST_CASE("a mechanism can succeed where the channel is right and an account has what it takes")
{
    account_means none{.password = false, .scram_sha256 = false};
    struct {
        std::string_view name;
        bool account_means::*means;
        bool binding;
    } const rows[] = {
        {"PLAIN", &account_means::password, false},
        {"LOGIN", &account_means::password, false},
        {"SCRAM-SHA-1", &account_means::scram_sha1, false},
        {"SCRAM-SHA-256", &account_means::scram_sha256, false},
        {"scram-sha-512", &account_means::scram_sha512, false},
        {"CRAM-MD5", &account_means::cram_md5, false},
        {"OAUTHBEARER", &account_means::token, false},
        {"XOAUTH2", &account_means::token, false},
        {"SCRAM-SHA-1-PLUS", &account_means::scram_sha1, true},
        {"SCRAM-SHA-256-PLUS", &account_means::scram_sha256, true},
        {"SCRAM-SHA-512-PLUS", &account_means::scram_sha512, true},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        account_means some = none;
        some.*(row.means) = true;
        CHECK_FALSE(can_succeed(row.name, {.accounts = none, .tls = true, .bindings = true}));
        CHECK(can_succeed(row.name, {.accounts = some, .tls = true, .bindings = true}));
        CHECK(can_succeed(row.name, {.accounts = some, .tls = true}) != row.binding);
        // What it needs is in its own column, and in no other.
        account_means others{true, true, true, true, true, true};
        others.*(row.means) = false;
        CHECK_FALSE(can_succeed(row.name, {.accounts = others, .tls = true, .bindings = true}));
    }
    // A token in the clear is anybody's (RFC 7628 section 3); a certificate comes with TLS.
    account_means const all{true, true, true, true, true, true};
    CHECK_FALSE(can_succeed("OAUTHBEARER", {.accounts = all}));
    CHECK_FALSE(can_succeed("XOAUTH2", {.accounts = all}));
    CHECK(can_succeed("CRAM-MD5", {.accounts = all}));
    CHECK_FALSE(can_succeed("EXTERNAL", {.accounts = all, .tls = true, .bindings = true}));
    CHECK(can_succeed("EXTERNAL", {.accounts = none, .tls = true, .certificate = true}));
    CHECK_FALSE(can_succeed("NTLM", {.accounts = {true, true, true, true, true, true}, .tls = true, .bindings = true}));
    CHECK_FALSE(can_succeed("", {}));
}
