#include "checks/fair_line.hpp"

#include <doctest/doctest.h>

#include <string>

namespace postern::checks {
namespace {

using line = fair_line<char, std::string>;

bool add(line& l, std::string task) { return l.add(task.front(), task); }
std::string take(line& l)
{
    auto const taken = l.take();
    return taken ? taken->second : "";
}

TEST_CASE("customers get their turns one after the other")
{
    line l{{100, 100, 100}};
    for (auto const* task : {"a1", "a2", "a3", "b1", "c1", "b2"}) CHECK(add(l, task));
    for (auto const* wanted : {"a1", "b1", "c1", "a2", "b2", "a3", ""}) CHECK(take(l) == wanted);
    CHECK(l.empty());
}

TEST_CASE("nobody runs more than his share, and who has none running gets in")
{
    line l{{100, 100, 2}};
    for (auto const* task : {"a1", "a2", "a3", "a4", "b1"}) CHECK(add(l, task));
    CHECK(take(l) == "a1");
    CHECK(take(l) == "b1");
    CHECK(take(l) == "a2");
    CHECK_FALSE(l.can_take());
    CHECK(take(l).empty());
    CHECK(l.can_take(true));
    CHECK(add(l, "c1"));
    CHECK(take(l) == "c1");
    l.done('a');
    CHECK(l.can_take());
    CHECK(take(l) == "a3");
    l.done('a');
    l.done('a');
    CHECK(take(l) == "a4");
}

TEST_CASE("what waits is bounded, for each and for all")
{
    line l{{5, 3, 1}};
    for (auto const* task : {"a1", "a2", "a3"}) CHECK(add(l, task));
    std::string left = "a4";
    CHECK_FALSE(l.add('a', left));
    CHECK(left == "a4");
    CHECK(add(l, "b1"));
    CHECK(add(l, "b2"));
    CHECK_FALSE(add(l, "b3"));
    CHECK_FALSE(add(l, "c1"));
    CHECK(take(l) == "a1");
    CHECK(add(l, "c1"));
    for (auto const* wanted : {"b1", "c1"}) CHECK(take(l) == wanted);
    for (char const c : {'a', 'b', 'c'}) l.done(c);
    for (auto const* wanted : {"a2", "b2"}) CHECK(take(l) == wanted);
}

}  // namespace
}  // namespace postern::checks
