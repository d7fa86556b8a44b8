// GSSAPI, RFC 4752, against a library that says what the table wants.
#include "sasl/gssapi.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace postern;
using namespace postern::sasl;
using state = context_answer::state;
using kind = context_step::kind;

namespace {

constexpr std::string_view plain{"\x01\x00\x00\x00", 4};

context_answer of_anna(std::string octets = "proof")
{
    context_answer a;
    a.what = state::established;
    a.octets = std::move(octets);
    a.principal = "anna@EXAMPLE.COM";
    a.account = "anna@example.com";
    a.names = {"anna@EXAMPLE.COM", "anna"};
    return a;
}

context_answer nobody(char const* note)
{
    context_answer a = of_anna();
    a.account.clear();
    a.names.clear();
    a.note = note;
    return a;
}

context_answer answer(state what, std::string octets = {}, char const* note = "")
{
    context_answer a;
    a.what = what;
    a.octets = std::move(octets);
    a.note = note;
    return a;
}

std::string told(outcome const& o)
{
    if (auto const* c = std::get_if<challenge>(&o)) return "challenge " + c->octets;
    if (auto const* c = std::get_if<context_step>(&o)) {
        constexpr char const* words[] = {"begin ", "go on ", "wrap ", "unwrap "};
        return words[static_cast<int>(c->what)] + c->octets;
    }
    if (auto const* a = std::get_if<accepted>(&o)) {
        CHECK(a->outside);
        CHECK(a->stored_key.empty());
        return "accepted " + a->authcid + (a->authzid.empty() ? "" : " as " + a->authzid);
    }
    auto const* r = std::get_if<rejected>(&o);
    REQUIRE(r);
    return (r->why == rejected::reason::malformed ? "malformed: " : "refused: ") + std::string{r->detail};
}

std::string const offer = "wrap " + std::string{plain};

/// An exchange up to the client's choice, which is `choice`.
std::string choose(context_answer const& client, std::string const& choice)
{
    auto const m = make_gssapi_server();
    CHECK(told(m->step("ticket")) == "begin ticket");
    CHECK(told(m->on_context(client)) == "challenge proof");
    CHECK(told(m->step("")) == offer);
    CHECK(told(m->on_context(answer(state::done, "sealed"))) == "challenge sealed");
    CHECK(told(m->step("sealed too")) == "unwrap sealed too");
    auto const end = told(m->on_context(answer(state::done, choice)));
    CHECK(told(m->step("more")) == "malformed: a response where none belongs");
    CHECK(told(m->on_context(answer(state::done, std::string{plain}))).starts_with("malformed: "));
    return end;
}

}  // namespace

TEST_CASE("GSSAPI: with and without an initial response, with one token and with two")
{
    for (bool const initial : {true, false}) {
        for (bool const two : {true, false}) {
            auto const m = make_server_mechanism("gssapi", {});
            REQUIRE(m);
            CHECK(m->name() == "GSSAPI");
            if (!initial) CHECK(told(m->step(std::nullopt)) == "challenge ");
            CHECK(told(m->step("ticket")) == "begin ticket");
            if (two) {
                CHECK(told(m->on_context(answer(state::more, "say more"))) == "challenge say more");
                CHECK(told(m->step("ticket 2")) == "go on ticket 2");
            }
            CHECK(m->claimed().empty());
            CHECK(told(m->on_context(of_anna())) == "challenge proof");
            CHECK(m->claimed() == "anna@example.com");
            CHECK(told(m->step("")) == offer);
            CHECK(told(m->on_context(answer(state::done, "sealed"))) == "challenge sealed");
            CHECK(told(m->step("sealed too")) == "unwrap sealed too");
            CHECK(told(m->on_context(answer(state::done, std::string{plain}))) == "accepted anna@example.com");
        }
    }
}

TEST_CASE("GSSAPI: a client that wants no proof of the server gets the offer at once")
{
    auto const m = make_gssapi_server();
    CHECK(told(m->step("ticket")) == "begin ticket");
    CHECK(told(m->on_context(of_anna(""))) == offer);
    CHECK(told(m->on_context(answer(state::done, "sealed"))) == "challenge sealed");
}

TEST_CASE("GSSAPI: the client's choice, RFC 4752 section 3.1")
{
    struct row {
        std::string_view choice;
        std::string_view identity;
        std::string_view end;
    };
    using namespace std::string_view_literals;
    for (auto const& r : std::vector<row>{
             {plain, "", "accepted anna@example.com"},
             {plain, "anna@example.com", "accepted anna@example.com"},
             {plain, "anna@EXAMPLE.COM", "accepted anna@example.com"},
             {plain, "Anna", "accepted anna@example.com"},
             // Whether that is the same account is for the directory to say, which knows spellings.
             {plain, "berta@example.com", "accepted anna@example.com as berta@example.com"},
             {plain, "ann", "accepted anna@example.com as ann"},
             {plain, "anna\0"sv, "malformed: unacceptable authorization identity"},
             {plain, "\xff", "malformed: unacceptable authorization identity"},
             {"", "", "malformed: no choice of a security layer"},
             {"\x01\x00\x00"sv, "", "malformed: no choice of a security layer"},
             {"\x00\x00\x00\x00"sv, "", "malformed: a security layer that was not offered"},
             {"\x02\x00\x10\x00"sv, "", "malformed: a security layer that was not offered"},
             {"\x03\x00\x00\x00"sv, "", "malformed: a security layer that was not offered"},
             {"\x04\x00\x10\x00"sv, "", "malformed: a security layer that was not offered"},
             {"\x01\x00\x10\x00"sv, "", "malformed: a size without a security layer"},
             {"\x01\x00\x00\x01"sv, "", "malformed: a size without a security layer"},
         }) {
        auto const text = std::string{r.choice} + std::string{r.identity};
        CAPTURE(text);
        CHECK(choose(of_anna(), text) == r.end);
    }
    CHECK(choose(of_anna(), std::string{plain} + std::string(256, 'x')).starts_with("malformed: "));
}

TEST_CASE("GSSAPI: who is nobody here learns so at the end, whatever else was said")
{
    for (auto const* identity : {"", "anna", "anna@example.com"})
        CHECK(choose(nobody("the realm"), std::string{plain} + identity) == "refused: the realm");
    CHECK(choose(nobody("the realm"), "\x04").starts_with("malformed: "));
}

TEST_CASE("GSSAPI: what the library refuses ends the exchange, at every step")
{
    for (int const step : {0, 1, 2, 3}) {
        for (auto const what : {state::defective, state::refused}) {
            CAPTURE(step);
            auto const m = make_gssapi_server();
            (void)m->step("ticket");
            if (step == 1) {
                (void)m->on_context(answer(state::more, "say more"));
                (void)m->step("ticket 2");
            }
            if (step >= 2) {
                (void)m->on_context(of_anna());
                (void)m->step("");
            }
            if (step == 3) {
                (void)m->on_context(answer(state::done, "sealed"));
                (void)m->step("sealed too");
            }
            CHECK(told(m->on_context(answer(what, "", "tampered"))) ==
                  (what == state::defective ? "malformed: tampered" : "refused: tampered"));
            CHECK(told(m->step("ticket")) == "malformed: a response where none belongs");
            CHECK(told(m->on_context(of_anna())) == "malformed: an answer that nobody asked for");
        }
    }
}

TEST_CASE("GSSAPI: tokens out of place")
{
    SUBCASE("none at all")
    {
        CHECK(told(make_gssapi_server()->step("")) == "malformed: an empty token");
        auto const m = make_gssapi_server();
        (void)m->step(std::nullopt);
        CHECK(told(m->step("")) == "malformed: an empty token");
    }
    SUBCASE("one behind the last")
    {
        auto const m = make_gssapi_server();
        (void)m->step("ticket");
        (void)m->on_context(of_anna());
        CHECK(told(m->step("another")) == "malformed: a token behind the end of the context");
        CHECK(told(m->on_context(answer(state::done, std::string{plain}))).starts_with("malformed: "));
    }
    SUBCASE("ever more")
    {
        auto const m = make_gssapi_server();
        auto last = told(m->step("ticket"));
        for (int i = 0; i < 3; ++i) {
            CHECK(told(m->on_context(answer(state::more, "more"))) == "challenge more");
            last = told(m->step("ticket"));
            CHECK(last == "go on ticket");
        }
        CHECK(told(m->on_context(answer(state::more, "more"))) == "challenge more");
        CHECK(told(m->step("ticket")) == "malformed: more tokens than Kerberos has");
    }
    SUBCASE("while the library is asked")
    {
        auto const m = make_gssapi_server();
        (void)m->step("ticket");
        CHECK(told(m->step("ticket")) == "malformed: a response where none belongs");
    }
    SUBCASE("an answer of another step")
    {
        for (auto const what : {state::done, state::more, state::established}) {
            auto const m = make_gssapi_server();
            CHECK(told(m->on_context(answer(what))) == "malformed: an answer that nobody asked for");
        }
        auto const m = make_gssapi_server();
        (void)m->step("ticket");
        CHECK(told(m->on_context(answer(state::done, std::string{plain}))) ==
              "malformed: an answer that nobody asked for");
    }
}

TEST_CASE("GSSAPI is offered where tickets are taken")
{
    circumstances c;
    CHECK_FALSE(can_succeed("GSSAPI", c));
    c.accounts.ticket = true;
    CHECK(can_succeed("GSSAPI", c));
    CHECK_FALSE(is_server_first("GSSAPI"));
}
