#include "catalogue/verdict.hpp"

#include <algorithm>
#include <deque>
#include <set>

#include <doctest/doctest.h>

#include "base/text.hpp"

using namespace postern;
using namespace postern::catalogue;

namespace {

// Rules live as long as the process.
rule const& made(int code, status s, std::string_view reply)
{
    static std::deque<rule> rules_made;
    rules_made.push_back({"made", "X-1", code, s, reply, {}, {}, {}});
    return rules_made.back();
}

std::vector<std::string> lines_of(std::string_view reply)
{
    std::vector<std::string> lines;
    while (!reply.empty()) {
        auto const end = reply.find("\r\n");
        REQUIRE(end != std::string_view::npos);
        lines.emplace_back(reply.substr(0, end));
        reply.remove_prefix(end + 2);
    }
    return lines;
}

std::vector<std::string> placeholders(std::string_view text)
{
    std::vector<std::string> names;
    for (auto at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1))
        names.emplace_back(text.substr(at + 1, text.find('}', at) - at - 1));
    return names;
}

}  // namespace

TEST_CASE("a verdict is what the code of its rule says")
{
    CHECK(make_verdict(made(550, {5, 7, 1}, "No")).what == decision::refuse);
    CHECK(make_verdict(made(451, {4, 3, 0}, "Later")).what == decision::defer);
    CHECK(make_verdict(made(0, {}, "")).what == decision::accept);
    CHECK(make_verdict(rules::relay_needs_login).what == decision::refuse);
    CHECK(make_verdict(rules::relay_needs_login).why == &rules::relay_needs_login);
}

TEST_CASE("placeholders are filled with what may be shown to a stranger")
{
    auto const& r = made(550, {5, 7, 1}, "{a} and {b}, {none}.");
    CHECK(make_verdict(r, {{"a", "x"}, {"b", "{a}"}}).text == "x and {a}, .");
    CHECK(make_verdict(r, {{"a", "1\r\n2"}, {"b", "\x1b"}}).text == "1\\x0d\\x0a2 and \\x1b, .");
    CHECK(make_verdict(r, {{"a", "\xc3\xbc"}}).text == "\\xc3\\xbc and , .");
    CHECK(make_verdict(r, {{"a", std::string(5000, 'x')}}).text.size() < 130);
    CHECK(is_ascii(make_verdict(r, {{"a", std::string(300, '\xc3')}, {"b", "\xe2\x80\xae"}}).text));
    std::string umlauts;
    for (int i = 0; i < 300; ++i) umlauts += "\xc3\xbc";
    CHECK(make_verdict(r, {{"a", umlauts}}).text.size() < 130);
    CHECK(make_verdict(made(550, {5, 7, 1}, "open {a")).text == "open ");
    auto const v = make_verdict(r, {{"a", "x"}, {"extra", "y"}});
    REQUIRE(v.facts.size() == 2);
    CHECK(v.facts[1].key == "extra");
}

TEST_CASE("a reply is a line with code, status, text and id")
{
    auto const v = make_verdict(made(550, {5, 7, 1}, "Relaying needs a login"));
    CHECK(to_reply(v, "K7Q2M9TX4WZA.1") == "550 5.7.1 Relaying needs a login (K7Q2M9TX4WZA.1)\r\n");
    CHECK(to_reply(v, "") == "550 5.7.1 Relaying needs a login\r\n");
    CHECK(to_reply(verdict{}, "") == "250 2.0.0 OK\r\n");
}

TEST_CASE("a text too long for a line becomes lines that each hold the status")
{
    std::string words;
    for (int i = 0; i < 300; ++i) words += "word" + std::to_string(i) + ' ';
    words += "end";
    for (auto const& text : {words, std::string(2000, 'x'), std::string(484, 'x'), std::string(485, 'x')}) {
        verdict v = make_verdict(made(550, {5, 7, 1}, "x"));
        v.text = text;
        auto const lines = lines_of(to_reply(v, "K7Q2M9TX4WZA.1"));
        std::string joined;
        for (auto const& line : lines) {
            CHECK(line.size() <= 510);
            bool const last = &line == &lines.back();
            CHECK(line.starts_with(last ? "550 5.7.1 " : "550-5.7.1 "));
            joined += line.substr(10);
            if (!last && text.find(' ') != std::string::npos) joined += ' ';
        }
        if (text.find(' ') != std::string::npos)
            CHECK(joined == text + " (K7Q2M9TX4WZA.1)");
        else
            CHECK(joined.starts_with(text));
        CHECK(lines.back().ends_with("(K7Q2M9TX4WZA.1)"));
    }
}

TEST_CASE("every row of the catalogue is complete")
{
    // What callers fill in; a new name needs a caller that does.
    std::set<std::string, std::less<>> const known{"domain",    "port",    "recipient", "account", "sender",  "command",
                                                   "parameter", "address", "limit",     "hops",    "problem", "client",
                                                   "time",      "wait",    "form",      "resets",  "what",    "said"};
    std::set<std::string_view> names, ids;
    for (auto const& r : all()) {
        CAPTURE(r.name);
        CHECK(names.insert(r.name).second);
        CHECK(ids.insert(r.id).second);
        CHECK((r.id.starts_with("D-") || r.id.starts_with("P-")));
        CHECK(find(r.name) == &r);
        CHECK(find(r.id) == &r);
        // What `check` and `doctor` find has a headline, and values in all of its texts.
        bool const is_finding = r.code == 0 && !r.reply.empty();
        for (auto const text : {r.what, r.user, r.operator_remedy}) {
            CHECK(text.size() >= (is_finding ? 10u : 20u));  // "Nothing to do."
            CHECK(text.size() <= 600);
            CHECK((text.ends_with('.') ||
                   (is_finding && std::string_view{"?)}"}.find(text.back()) != std::string_view::npos)));
            CHECK(text.find("  ") == std::string_view::npos);
            CHECK(is_utf8(text));
            CHECK((is_finding || text.find('{') == std::string_view::npos));
        }
        if (is_finding) {
            CHECK(r.reply.size() <= 200);
            CHECK(!r.reply.ends_with('.'));
        }
        if (r.code == 0) continue;
        CHECK(is_ascii(r.reply));
        CHECK(!r.reply.ends_with('.'));
        std::vector<evidence> longest;
        for (auto const& name : placeholders(r.reply)) {
            CHECK_MESSAGE(known.contains(name), name);
            longest.push_back({name, std::string(1000, 'w')});
        }
        auto const reply = to_reply(make_verdict(r, longest), "QK7Q2M9TX4WZA.9999");
        CHECK(lines_of(reply).size() == 1);
        CHECK(reply.size() <= 512);
        // Without its values the sentence still has no hole that confuses a parser.
        CHECK(to_reply(make_verdict(r), "").find("\r\n") > 12);
    }
    CHECK(find("no-such-rule") == nullptr);
}
