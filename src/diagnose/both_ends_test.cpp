#include "diagnose/both_ends.hpp"

#include <doctest/doctest.h>

#include "witness/book.hpp"

using namespace postern;
using namespace postern::diagnose;

namespace {

/// As the server says it, behind codes.
std::string told(std::vector<witness::sighting> const& seen)
{
    std::string text;
    for (auto const& line : witness::lines_of(seen)) text += line + '\n';
    return text + "End of the record";
}

both_ends_seen stripped()
{
    both_ends_seen b;
    b.looked = true;
    witness::departure d;
    d.number = 1;
    d.spoke = d.connected = true;
    d.hello_name = "1.chk-k7q2m9tx4wza.check.invalid";
    d.clear.said = true;
    b.left = {d};
    witness::sighting s;
    s.number = 1;
    s.clear.said = s.clear.starttls = true;
    s.clear.name = d.hello_name;
    b.arrived = std::vector{s};
    return b;
}

}  // namespace

TEST_CASE("the record in a reply to HELP")
{
    std::vector<witness::sighting> const seen(20, stripped().arrived->front());
    CHECK(record_in(214, told(seen)) == seen);
    CHECK_FALSE(record_in(250, told(seen)));
    CHECK_FALSE(record_in(214, "Commands: EHLO HELO"));
    CHECK_FALSE(record_in(214, "These\nare the\ncommands"));
    CHECK_FALSE(record_in(214, ""));
}

TEST_CASE("what differs is evidence, and stands in both columns")
{
    auto b = stripped();
    CHECK(differences_of(b, 1).find("STARTTLS there") != std::string::npos);
    CHECK(differences_of(b, 2).empty());
    terminal::painter const plain{false};
    auto const lines = both_columns(b, "mail.example.com", plain, 80);
    REQUIRE(lines.size() > 3);
    for (auto const& line : lines) CHECK(line.size() <= 80);
    b.arrived.reset();
    b.problem = "nobody knows";
    CHECK(both_columns(b, "mail.example.com", plain, 80).back() == "Both ends: nobody knows");
    CHECK(both_columns({}, "mail.example.com", plain, 80).empty());
    CHECK(to_json(b).at("known").as_bool() == false);
}
