#include "acme/office.hpp"

#include <condition_variable>
#include <mutex>
#include <new>

#include <doctest/doctest.h>

#include "support/throw_away_folder.hpp"

using namespace postern;
using namespace postern::acme;
using namespace std::chrono_literals;

namespace {

// Says which domains there are, each time as the test wants it, and lets the test wait for a question.
struct domain_list {
    using answer = std::function<result<std::vector<std::string>>()>;

    result<std::vector<std::string>> ask()
    {
        std::unique_lock hold{lock};
        ++asked;
        changed.notify_all();
        auto const say = now;
        hold.unlock();
        return say();
    }
    void say(answer a)
    {
        std::lock_guard const hold{lock};
        now = std::move(a);
    }
    void wait_for_question(int n)
    {
        std::unique_lock hold{lock};
        REQUIRE(changed.wait_for(hold, 20s, [&] { return asked >= n; }));
    }

    std::mutex lock;
    std::condition_variable changed;
    int asked = 0;
    answer now = [] { return std::vector<std::string>{"example.org"}; };
};

struct fixture {
    fixture()
    {
        settings->hostname = "mail.example.com";
        settings->data_dir = folder.path();
        // Nobody listens there.
        settings->acme.directory = "https://127.0.0.1:1/directory";
    }
    std::unique_ptr<office> open()
    {
        office_options o;
        o.settings = [this] { return settings; };
        o.local_domains = [this] { return domains.ask(); };
        o.make_resolver = [](boost::asio::any_io_executor) -> result<std::unique_ptr<dns::resolver>> {
            return error{{4, 4, 3}, "", "no resolver"};
        };
        o.changed = [] {};
        auto made = office::open(std::move(o));
        REQUIRE(made);
        return std::move(*made);
    }

    testing::throw_away_folder const folder;
    std::shared_ptr<config::settings> settings = std::make_shared<config::settings>();
    domain_list domains;
};

}  // namespace

TEST_CASE("domains keep their certificates while nobody can say which there are")
{
    fixture f;
    auto const key = ec_key::generate();
    REQUIRE(key);
    auto const chain = make_proof_certificate(*key, "autoconfig.example.org", "x");
    REQUIRE(chain);
    REQUIRE(shelf::open(f.folder.path())->put("web-example.org", *chain, *key, {}));
    auto const office = f.open();
    auto const before = office->for_web("");
    REQUIRE(before.certificates.size() == 1);
    CHECK(before.certificates[0].names == std::vector<std::string>{"autoconfig.example.org"});

    f.domains.wait_for_question(2);
    f.domains.say([]() -> result<std::vector<std::string>> { return error{{4, 3, 0}, "", "locked"}; });
    office->wake();
    f.domains.wait_for_question(3);
    // The next plan begins when that one is made.
    office->wake();
    f.domains.wait_for_question(4);
    CHECK(!office->for_web(before.version).changed);

    f.domains.say([] { return std::vector<std::string>{}; });
    office->wake();
    f.domains.wait_for_question(5);
    office->wake();
    f.domains.wait_for_question(6);
    CHECK(office->for_web(before.version).changed);
}

TEST_CASE("an exception ends neither the server nor the keeping of certificates")
{
    fixture f;
    auto const office = f.open();
    f.domains.wait_for_question(2);
    f.domains.say([]() -> result<std::vector<std::string>> { throw std::bad_alloc{}; });
    office->wake();
    f.domains.wait_for_question(3);
    office->wake();
    f.domains.wait_for_question(4);
}
