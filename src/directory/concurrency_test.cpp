// Everything at once, from several threads: for the thread sanitizer, and for rules that
// must hold whatever comes first.
#include <atomic>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "directory/generation_cache.hpp"
#include "directory/hash_pool.hpp"
#include "directory/published.hpp"
#include "directory/test_directory.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

namespace {

// "sesame" with few rounds, so that there are many log-ins.
constexpr char const* quick =
    "$6$rounds=1000$x$Tjv4saYfD1gELqBVgjRW6TkNpkIAnx/X9fu9OaAo5QRXV3rpIBFn8WTBKfFyYqaXFS6XC/VVEXXxhzSuyQHFp0";

}  // namespace

TEST_CASE("log-ins, look-ups and changes from many threads at once")
{
    folder where;
    auto d = open(where, {"example.org"});
    std::string lines;
    for (int i = 0; i < 20; ++i) lines += "user" + std::to_string(i) + "@example.org:" + quick + "\n";
    std::vector<std::string> problems;
    REQUIRE(d->import_accounts(lines, problems));

    std::atomic<bool> stop{false};
    std::atomic<int> wrongly_refused{0};
    std::atomic<int> wrongly_accepted{0};
    std::atomic<int> lost{0};
    std::atomic<int> asked{0};
    std::atomic<int> answered{0};
    auto client = [&](unsigned seed) {
        for (unsigned n = seed; !stop; n = n * 1103515245 + 12345) {
            std::string const name = "user" + std::to_string((n >> 8) % 20) + "@example.org";
            bool const right = (n >> 16) % 3 != 0;
            ++asked;
            d->verify_password(name, "", secret{right ? "sesame" : "wrong " + std::to_string((n >> 20) % 50)},
                               [&, right](result<login> l) {
                                   ++answered;
                                   if (!l) return;  // the queue is full
                                   if (right && l->state == login_state::bad_credentials) ++wrongly_refused;
                                   if (!right && l->state != login_state::bad_credentials) ++wrongly_accepted;
                               });
            if (auto found = d->find_recipient(address(name.c_str())); !found || !*found) ++lost;
            if (auto found = d->find_account(name); !found || !*found) ++lost;
            if (auto local = d->is_local("example.org"); !local || !*local) ++lost;
            if (auto keys = d->scram(name, hash::sha256); !keys || !d->authorize(name, "", keys->stored_key)) ++lost;
        }
    };
    auto administrator = [&] {
        for (int i = 0; !stop; ++i) {
            std::string const name = "user" + std::to_string(i % 20) + "@example.org";
            if (!d->set_smtp_auth(name, i % 2 == 0)) ++lost;
            if (!d->add_domain("d" + std::to_string(i % 5) + ".example")) ++lost;
            d->set_configured_domains({"example.org", "c" + std::to_string(i % 5) + ".example"});
            if (!d->list_domains() || !d->list_accounts()) ++lost;
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 1; i <= 4; ++i) threads.emplace_back(client, i);
    threads.emplace_back(administrator);
    std::this_thread::sleep_for(std::chrono::milliseconds{1500});
    stop = true;
    for (auto& t : threads) t.join();
    CHECK(eventually([&] { return answered == asked; }));
    CHECK(wrongly_refused == 0);
    CHECK(wrongly_accepted == 0);
    CHECK(lost == 0);
    CHECK(asked > 20);
}

TEST_CASE("after a password change returns, no thread gets in with the old one")
{
    folder where;
    auto d = open(where, {"example.org"});
    std::vector<std::string> problems;
    REQUIRE(d->import_accounts(std::string{"bob@example.org:"} + quick + "\n", problems));
    for (int round = 0; round < 3; ++round) {
        std::atomic<bool> changed{false};
        std::atomic<bool> stop{false};
        std::atomic<int> late{0};
        std::atomic<int> pending{0};
        std::vector<std::thread> threads;
        threads.reserve(3);
        for (int i = 0; i < 3; ++i) {
            threads.emplace_back([&] {
                while (!stop) {
                    bool const before = changed;
                    ++pending;
                    d->verify_password("bob@example.org", "", secret{"sesame"}, [&, before](result<login> l) {
                        if (before && l && l->state == login_state::accepted) ++late;
                        --pending;
                    });
                }
            });
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
        REQUIRE(d->set_password("bob@example.org", secret{"other"}));
        changed = true;
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
        stop = true;
        for (auto& t : threads) t.join();
        CHECK(eventually([&] { return pending == 0; }));
        CHECK(late == 0);
        REQUIRE(d->import_accounts(std::string{"bob@example.org:"} + quick + "\n", problems));
        CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);
    }
}

TEST_CASE("a generation cache is bounded, keeps what is asked for, and takes nothing outdated")
{
    generation_cache<int> cache{640};
    cache.put("wanted", 1);
    for (int i = 0; i < 100'000; ++i) {
        cache.put("other" + std::to_string(i), i);
        if (i % 10 == 0) REQUIRE(cache.get("wanted") == 1);
    }
    int kept = 0;
    for (int i = 0; i < 100'000; ++i) kept += cache.get("other" + std::to_string(i)) ? 1 : 0;
    CHECK(kept > 0);
    CHECK(kept < 1000);
    cache.put("late", 2, [] { return false; });
    CHECK_FALSE(cache.get("late"));
    cache.erase("wanted");
    CHECK_FALSE(cache.get("wanted"));
    cache.put("x", 3);
    cache.clear();
    CHECK_FALSE(cache.get("x"));
}

TEST_CASE("a hash pool answers each check once, right, wrong or refused")
{
    std::atomic<int> right{0};
    std::atomic<int> wrong{0};
    std::atomic<int> refused{0};
    int full = 0;
    int submitted = 0;
    {
        hash_pool pool{2, 30};
        for (int i = 0; i < 200; ++i) {
            verification v;
            v.verifier = quick;
            v.candidates = sasl::password_candidates(i % 2 == 0 ? "sesame" : "p\xc3\xa4ss");
            v.done = [&](verified found) {
                if (found.what == verified::outcome::matched) ++right;
                if (found.what == verified::outcome::wrong) ++wrong;
                if (found.what == verified::outcome::refused) ++refused;
            };
            ++submitted;
            if (!pool.submit(i % 3 == 0 ? hash_pool::order::suspect : hash_pool::order::normal, std::move(v))) ++full;
            if (i % 20 == 0) std::this_thread::sleep_for(std::chrono::milliseconds{5});
        }
    }
    CHECK(right + wrong + refused + full == submitted);
    CHECK(right > 0);
    CHECK(wrong > 0);
}
