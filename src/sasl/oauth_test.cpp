// OAUTHBEARER and XOAUTH2. Standards 39 and 40.
#include "sasl/oauth.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::sasl;
using reason = rejected::reason;

namespace {

/// "^A" stands for U+0001, "^@" for NUL.
std::string octets(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const two = text.substr(i, 2);
        if (two == "^A" || two == "^@") {
            out += two == "^A" ? '\x01' : '\0';
            ++i;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool is_rejected(outcome const& o, reason why)
{
    auto const* r = std::get_if<rejected>(&o);
    return r != nullptr && r->why == why;
}

struct row {
    std::string text;
    bool good;
    std::string identity, token;
};

template <class Parse>
void check_rows(std::vector<row> const& rows, Parse parse)
{
    for (auto const& r : rows) {
        CAPTURE(r.text);
        char const* why = "";
        auto const m = parse(octets(r.text), why);
        CHECK(m.has_value() == r.good);
        if (!m) {
            CHECK(*why != '\0');
            continue;
        }
        CHECK(m->identity == r.identity);
        CHECK(m->token.reveal() == r.token);
    }
}

}  // namespace

TEST_CASE("standard 39: OAUTHBEARER's message, by RFC 7628 section 3.1")
{
    check_rows(
        {
            // The example of section 4.1.
            {"n,a=user@example.com,^Ahost=server.example.com^Aport=143^Aauth=Bearer "
             "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==^A^A",
             true, "user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="},
            {"n,,^Aauth=Bearer abc^A^A", true, "", "abc"},
            {"y,,^Aauth=bearer   a.b-c_d~e+f/g=^A^A", true, "", "a.b-c_d~e+f/g="},
            {"n,a=u=2Cser=3D@x,^Aauth=Bearer abc^A^A", true, "u,ser=@x", "abc"},
            {"n,,^Aauth=Bearer abc^Ax=y^Amore=\xc3\xb6^A^A", true, "", "abc"},
            // It only asks what would be taken (section 4.3).
            {"n,a=user@example.com,^Aauth=^A^A", true, "user@example.com", ""},
            {"n,,^Aauth=Bearer ^A^A", true, "", ""},
            {"n,,^A^A", true, "", ""},
            {"n,,^Ahost=x^A^A", true, "", ""},
            {"", false, "", ""},
            {"n", false, "", ""},
            {"n,", false, "", ""},
            {"n,,", false, "", ""},
            {"n,,^A", false, "", ""},
            {"^A", false, "", ""},
            {"p=tls-exporter,,^Aauth=Bearer abc^A^A", false, "", ""},
            {"x,,^Aauth=Bearer abc^A^A", false, "", ""},
            {"n,b=user,^Aauth=Bearer abc^A^A", false, "", ""},
            {"n,a=,^Aauth=Bearer abc^A^A", false, "", ""},
            {"n,a=a=b,^Aauth=Bearer abc^A^A", false, "", ""},
            {"n,,auth=Bearer abc^A^A", false, "", ""},
            {"n,,^Aauth=Bearer abc^A", false, "", ""},
            {"n,,^Aauth=Bearer abc", false, "", ""},
            {"n,,^Aauth=Bearer abc^A^A^A", false, "", ""},
            {"n,,^Aauth=Bearer abc^A^Ax", false, "", ""},
            {"n,,^Aauth=Bearer abc^Aauth=Bearer def^A^A", false, "", ""},
            {"n,,^Aauth=Basic abc^A^A", false, "", ""},
            {"n,,^Aauth=Bearerabc^A^A", false, "", ""},
            {"n,,^Aauth=Bearer a b^A^A", false, "", ""},
            {"n,,^Aauth=Bearer a,b^A^A", false, "", ""},
            {"n,,^Aauth=Bearer ==^A^A", false, "", ""},
            {"n,,^Aauth=Bearer a=b^A^A", false, "", ""},
            {"n,,^Aauth^A^A", false, "", ""},
            {"n,,^A=x^A^A", false, "", ""},
            {"n,,^Aa1=x^A^A", false, "", ""},
            {"n,,^Ahost=^@^Aauth=Bearer abc^A^A", false, "", ""},
            {"n,,^Ahost=\x7f^Aauth=Bearer abc^A^A", false, "", ""},
            {"n,,^Aauth=Bearer " + std::string(13'000, 'x') + "^A^A", false, "", ""},
            {"n,,^Aauth=Bearer " + std::string(12'000, 'x') + "^A^A", true, "", std::string(12'000, 'x')},
        },
        oauth::parse_oauthbearer);
}

TEST_CASE("XOAUTH2's message, as Google describes it")
{
    check_rows(
        {
            {"user=someuser@example.com^Aauth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg^A^A", true,
             "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"},
            {"auth=Bearer abc^Auser=tim^A^A", true, "tim", "abc"},
            {"user=tim^Aauth=^A^A", true, "tim", ""},
            {"user=tim^Aauth=Bearer abc^Ahost=x^A^A", true, "tim", "abc"},
            {"user=tim^A^A", true, "tim", ""},
            {"", false, "", ""},
            {"^A", false, "", ""},
            {"^A^A", false, "", ""},
            {"user=^Aauth=Bearer abc^A^A", false, "", ""},
            {"auth=Bearer abc^A^A", false, "", ""},
            {"user=tim^Auser=tom^Aauth=Bearer abc^A^A", false, "", ""},
            {"user=tim^Aauth=Bearer abc^Aauth=Bearer def^A^A", false, "", ""},
            {"user=tim^Aauth=Bearer abc^A", false, "", ""},
            {"user=tim^Aauth=Bearer abc", false, "", ""},
            {"user=tim^Aauth=Basic abc^A^A", false, "", ""},
            {"user=t\nm^Aauth=Bearer abc^A^A", false, "", ""},
            {"user=" + std::string(256, 'x') + "^Aauth=Bearer abc^A^A", false, "", ""},
            {"n,a=tim,^Aauth=Bearer abc^A^A", false, "", ""},
        },
        oauth::parse_xoauth2);
}

TEST_CASE("standard 40: a refused token is explained in a challenge; the failure follows its answer")
{
    struct {
        char const *mechanism, *message, *answer;
    } const rows[] = {
        {"OAUTHBEARER", "n,a=tim,^Aauth=Bearer abc^A^A", "^A"},
        {"XOAUTH2", "user=tim^Aauth=Bearer abc^A^A", ""},
    };
    for (auto const& r : rows) {
        for (bool const initial : {true, false}) {
            auto m = make_server_mechanism(r.mechanism, {});
            REQUIRE(m);
            CHECK_FALSE(is_server_first(r.mechanism));
            if (!initial) CHECK(std::get<challenge>(m->step(std::nullopt)).octets.empty());
            auto o = m->step(octets(r.message));
            REQUIRE(std::holds_alternative<verify_token>(o));
            CHECK(std::get<verify_token>(o).identity == "tim");
            CHECK(std::get<verify_token>(o).token.reveal() == "abc");
            CHECK(m->claimed() == "tim");
            CHECK_FALSE(m->refused());
            o = m->on_token_refused("{\"status\":\"invalid_token\"}");
            REQUIRE(std::holds_alternative<challenge>(o));
            CHECK(std::get<challenge>(o).octets == "{\"status\":\"invalid_token\"}");
            CHECK(m->refused());
            CHECK(is_rejected(m->step(octets(r.answer)), reason::bad_credentials));
            CHECK(is_rejected(m->step(octets(r.answer)), reason::malformed));
        }
        auto early = make_server_mechanism(r.mechanism, {});
        CHECK(is_rejected(early->on_token_refused("{}"), reason::malformed));
        auto twice = make_server_mechanism(r.mechanism, {});
        REQUIRE(std::holds_alternative<verify_token>(twice->step(octets(r.message))));
        CHECK(is_rejected(twice->step(octets(r.message)), reason::malformed));
        CHECK(is_rejected(make_server_mechanism(r.mechanism, {})->step(""), reason::malformed));
    }
}
