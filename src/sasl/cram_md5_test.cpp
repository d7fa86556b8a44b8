// CRAM-MD5: the example of RFC 2195, and each way to get it wrong.
#include "sasl/cram_md5.hpp"

#include <doctest/doctest.h>

#include "base/hmac_md5.hpp"

using namespace postern;
using namespace postern::sasl;
using reason = rejected::reason;

namespace {

constexpr std::string_view example = "<1896.697170952@postoffice.reston.mci.net>";

bool is_rejected(outcome const& o, reason why)
{
    auto const* r = std::get_if<rejected>(&o);
    return r != nullptr && r->why == why;
}

cram_keys keys_of(std::string_view password)
{
    return {.state = make_cram_secret(password), .stored_key = "key", .real = true};
}

/// A server that has sent the example's challenge.
std::unique_ptr<server_mechanism> asked()
{
    auto s = make_cram_md5_server(std::string{example});
    auto const first = s->step(std::nullopt);
    REQUIRE(std::holds_alternative<challenge>(first));
    CHECK(std::get<challenge>(first).octets == example);
    return s;
}

}  // namespace

TEST_CASE("RFC 2195 section 2: the example, octet by octet")
{
    auto s = asked();
    auto c = make_client_mechanism("CRAM-MD5", {"tim", "", secret{"tanstaaftanstaaf"}}, {});
    REQUIRE(c);
    CHECK(std::holds_alternative<await_challenge>(c->step(std::nullopt)));
    auto const answer = c->step(example);
    REQUIRE(std::holds_alternative<respond>(answer));
    CHECK(std::get<respond>(answer).octets == "tim b913a602c7eda7a495b4e6e7334d3890");
    CHECK(c->finished());
    auto o = s->step("tim b913a602c7eda7a495b4e6e7334d3890");
    REQUIRE(std::holds_alternative<fetch_cram>(o));
    CHECK(std::get<fetch_cram>(o).authcid == "tim");
    CHECK(s->claimed() == "tim");
    auto const keys = keys_of("tanstaaftanstaaf");
    o = s->on_cram(keys);
    REQUIRE(std::holds_alternative<accepted>(o));
    CHECK(std::get<accepted>(o).authcid == "tim");
    CHECK(std::get<accepted>(o).authzid.empty());
    CHECK(std::get<accepted>(o).stored_key == "key");
    CHECK_FALSE(std::get<accepted>(o).outside);
    CHECK(is_rejected(s->step("tim b913a602c7eda7a495b4e6e7334d3890"), reason::malformed));
    CHECK(is_rejected(s->on_cram(keys), reason::malformed));
}

TEST_CASE("CRAM-MD5: what a response must be")
{
    std::string const code = "b913a602c7eda7a495b4e6e7334d3890";
    struct {
        std::string response;
        char const* name;  // null: refused
    } const rows[] = {
        {"tim " + code, "tim"},
        {"tim B913A602C7EDA7A495B4E6E7334D3890", "tim"},
        {"tim of the hill " + code, "tim of the hill"},  // the last blank counts
        {"t\xc3\xb6m@example.org " + code, "t\xc3\xb6m@example.org"},
        {std::string(255, 'x') + ' ' + code, nullptr},  // (checked below: 255 is fine)
        {"", nullptr},
        {" ", nullptr},
        {"tim", nullptr},
        {code, nullptr},
        {' ' + code, nullptr},
        {"tim  " + code, "tim "},
        {"tim " + code + ' ', nullptr},
        {"tim " + code + '0', nullptr},
        {"tim " + code.substr(1), nullptr},
        {"tim g" + code.substr(1), nullptr},
        {"tim\n " + code, nullptr},
        {std::string{"t\0m ", 4} + code, nullptr},
        {"t\xffm " + code, nullptr},
        {std::string(256, 'x') + ' ' + code, nullptr},
    };
    for (auto const& row : rows) {
        CAPTURE(row.response);
        auto s = asked();
        auto const o = s->step(row.response);
        if (row.response.starts_with("xxx") && row.response.size() == 255 + 33) {
            CHECK(std::holds_alternative<fetch_cram>(o));
        } else if (row.name == nullptr) {
            CHECK(is_rejected(o, reason::malformed));
        } else {
            REQUIRE(std::holds_alternative<fetch_cram>(o));
            CHECK(std::get<fetch_cram>(o).authcid == row.name);
        }
    }
}

TEST_CASE("CRAM-MD5: every change makes the exchange fail")
{
    std::string const right = "tim b913a602c7eda7a495b4e6e7334d3890";
    for (std::size_t i = 4; i < right.size(); ++i) {
        auto s = asked();
        std::string changed = right;
        changed[i] = changed[i] == '0' ? '1' : '0';
        REQUIRE(std::holds_alternative<fetch_cram>(s->step(changed)));
        CHECK(is_rejected(s->on_cram(keys_of("tanstaaftanstaaf")), reason::bad_credentials));
    }
    auto other_password = asked();
    REQUIRE(std::holds_alternative<fetch_cram>(other_password->step(right)));
    CHECK(is_rejected(other_password->on_cram(keys_of("tanstaaftanstaag")), reason::bad_credentials));
    auto other_challenge = make_cram_md5_server("<1896.697170953@postoffice.reston.mci.net>");
    REQUIRE(std::holds_alternative<challenge>(other_challenge->step(std::nullopt)));
    REQUIRE(std::holds_alternative<fetch_cram>(other_challenge->step(right)));
    CHECK(is_rejected(other_challenge->on_cram(keys_of("tanstaaftanstaaf")), reason::bad_credentials));
    auto unknown = asked();
    REQUIRE(std::holds_alternative<fetch_cram>(unknown->step(right)));
    cram_keys made_up = keys_of("tanstaaftanstaaf");
    made_up.real = false;
    auto const o = unknown->on_cram(made_up);
    REQUIRE(is_rejected(o, reason::bad_credentials));
    CHECK(std::get<rejected>(o).detail == std::string{"no such account"});
    auto damaged = asked();
    REQUIRE(std::holds_alternative<fetch_cram>(damaged->step(right)));
    CHECK(is_rejected(damaged->on_cram({.state = secret{"short"}, .real = true}), reason::malformed));
}

TEST_CASE("CRAM-MD5: the server begins, with another challenge each time")
{
    CHECK(is_server_first("cram-md5"));
    auto early = make_server_mechanism("CRAM-MD5", {});
    CHECK(is_rejected(early->step("tim b913a602c7eda7a495b4e6e7334d3890"), reason::malformed));
    CHECK(is_rejected(early->on_cram(keys_of("x")), reason::malformed));
    auto const text = [] {
        auto s = make_server_mechanism("CRAM-MD5", {.host = "mx.example"});
        return std::get<challenge>(s->step(std::nullopt)).octets;
    };
    auto const one = text();
    CHECK(one.starts_with('<'));
    CHECK(one.ends_with("@mx.example>"));
    CHECK(one.size() == 1 + 32 + 12);
    CHECK(one != text());
}

TEST_CASE("CRAM-MD5 is proven by the password in any form it can be typed")
{
    for (auto typed : {"p\xc3\xa4ss", "pa\xcc\x88ss", "p\xe4ss"}) {
        auto s = make_server_mechanism("CRAM-MD5", {});
        auto c = make_client_mechanism("CRAM-MD5", {"tim", "", secret{typed}}, {});
        auto const answer = c->step(std::get<challenge>(s->step(std::nullopt)).octets);
        REQUIRE(std::holds_alternative<fetch_cram>(s->step(std::get<respond>(answer).octets)));
        CHECK(std::holds_alternative<accepted>(s->on_cram(keys_of("p\xc3\xa4ss"))));
        CHECK(std::holds_alternative<abandon>(c->step("more")));
    }
}
