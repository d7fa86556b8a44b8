#include "store/file_lock.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>

#include "support/throw_away_folder.hpp"

namespace postern::store {
namespace {

TEST_CASE("a lock has one holder, who may hand it on")
{
    testing::throw_away_folder const scratch;
    auto const& folder = scratch.path();
    {
        auto first = file_lock::take(folder / "lock");
        REQUIRE(first);
        REQUIRE(*first);
        std::optional<file_lock> keeper{std::move(**first)};
        first->reset();
        auto const second = file_lock::take(folder / "lock");
        REQUIRE(second);
        CHECK_FALSE(*second);
        keeper.reset();
        auto const third = file_lock::take(folder / "lock");
        REQUIRE(third);
        CHECK(*third);
    }
    auto const nowhere = file_lock::take(folder / "absent" / "lock");
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error() == ENOENT);
    std::filesystem::create_symlink("lock", folder / "link");
    CHECK_FALSE(file_lock::take(folder / "link"));
}

}  // namespace
}  // namespace postern::store
