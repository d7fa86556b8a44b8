#include "base/counters.hpp"

#include <doctest/doctest.h>

#include <map>
#include <thread>

namespace postern::counters {
namespace {

TEST_CASE("threads that count the same labels lose nothing, and share the slots")
{
    family f;
    std::vector<std::thread> all;
    for (int t = 0; t < 4; ++t)
        all.emplace_back([&] {
            for (int i = 0; i < 10'000; ++i) f.add("label " + std::to_string(i % 7));
        });
    for (auto& t : all) t.join();
    auto const values = f.values();
    CHECK(values.size() == 7);
    std::uint64_t sum = 0;
    for (auto const& [label, n] : values) sum += n;
    CHECK(sum == 40'000);
}

TEST_CASE("more labels than there is place for are counted together")
{
    family f;
    for (int i = 0; i < 1000; ++i) f.add(std::to_string(i));
    auto const values = f.values();
    CHECK(values.size() == 257);
    CHECK(values.back() == std::pair{std::string{"other"}, std::uint64_t{744}});
}

TEST_CASE("a histogram puts a value under the first bound that is not below it")
{
    histogram h;
    for (double const s : {0.0, 0.01, 0.011, 2.0, 1e9}) h.add(s);
    auto const counts = h.counts();
    CHECK(counts[0] == 2);
    CHECK(counts[1] == 1);
    CHECK(counts[7] == 1);
    CHECK(counts.back() == 1);
}

TEST_CASE("a quantile is right to a fifth")
{
    spread s;
    CHECK_FALSE(spread::quantile(s.values(), 0.5));
    for (int i = 1; i <= 100; ++i) s.add(i * 1e-3);
    auto const half = spread::quantile(s.values(), 0.5), most = spread::quantile(s.values(), 0.99);
    REQUIRE(half);
    REQUIRE(most);
    CHECK(*half >= 0.050);
    CHECK(*half <= 0.050 * 1.2);
    CHECK(*most >= 0.099);
    CHECK(*most <= 0.099 * 1.2);
    spread ends;
    ends.add(0);
    ends.add(1e9);
    CHECK(*spread::quantile(ends.values(), 0.5) == doctest::Approx(50e-6));
    CHECK(*spread::quantile(ends.values(), 1.0) > 1000);
}

}  // namespace
}  // namespace postern::counters
