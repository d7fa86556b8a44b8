#include "spool/writer.hpp"

#include <doctest/doctest.h>

namespace postern::spool {
namespace {

TEST_CASE("no first attempt is under way below the mark, whatever order they end in")
{
    first_attempts f;
    f.start_at(5);
    CHECK(f.from() == 5);
    for (std::int64_t id : {5, 6, 7}) f.add(id, true);
    f.add(8, false);
    f.ended(6);
    CHECK(f.from() == 5);
    f.ended(5);
    CHECK(f.from() == 7);
    f.ended(7);
    CHECK(f.from() == 9);
    f.ended(3);
    f.ended(100);
    CHECK(f.from() == 9);
}

TEST_CASE("an id that no message got is not waited for")
{
    first_attempts f;
    f.start_at(1);
    f.add(1, true);
    f.add(4, true);
    f.add(5, true);
    f.ended(1);
    CHECK(f.from() == 4);
    f.ended(5);
    CHECK(f.from() == 4);
    f.ended(4);
    CHECK(f.from() == 6);
}

}  // namespace
}  // namespace postern::spool
