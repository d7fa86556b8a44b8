#include <atomic>
#include <thread>
#include <vector>

#include <boost/json/array.hpp>

#include "control/fixture.hpp"

namespace postern::control {

TEST_CASE("what the operator publishes is not taken back by a question of the pages at the same moment")
{
    testing::world w;
    for (int round = 0; round < 40; ++round) {
        w.settings->setup.imap = "imap" + std::to_string(round) + ".example.com:993";
        std::atomic<int> told = 0;
        std::vector<std::thread> pages;
        for (int i = 0; i < 4; ++i)
            pages.emplace_back([&, of_its_own = w.context]() mutable {
                if (run_command(of_its_own, "discovery facts", {})) ++told;
            });
        auto own = w.context;
        auto const published = run_command(own, "discovery publish", {});
        for (auto& t : pages) t.join();
        REQUIRE(published);
        REQUIRE(told == 4);
        auto const facts = w.must("discovery facts");
        REQUIRE(facts.at("announced") == facts.at("now"));
    }
}

}  // namespace postern::control
