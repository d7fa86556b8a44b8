// When keys are fetched, and what is said while they can't be had.
#include "directory/issuer_keys.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <future>

#include <unistd.h>

#include "support/token_issuer.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::testing;
using state = token_judgement::state;

namespace {

struct published_keys {
    std::mutex lock;
    std::string document;
    bool down = false;
    std::atomic<int> fetches{0};

    void set(std::string text, bool fails = false)
    {
        std::lock_guard const guard{lock};
        document = std::move(text);
        down = fails;
    }
};

class fake_source final : public key_source {
public:
    explicit fake_source(published_keys& k) : keys_(k) {}
    result<std::string> fetch(std::atomic<bool> const&) override
    {
        ++keys_.fetches;
        std::lock_guard const guard{keys_.lock};
        if (keys_.down) return error{{4, 7, 0}, "", "no route to the issuer"};
        return keys_.document;
    }
    bool changed() override { return false; }

private:
    published_keys& keys_;
};

key_options options(std::chrono::milliseconds pause)
{
    key_options o;
    o.rules = {.issuer = "i", .audience = {"a"}, .scope = "", .account_claim = "sub"};
    o.pause = pause;
    return o;
}

constexpr char const* claims = R"({"iss":"i","aud":"a","exp":9999999999,"sub":"tim"})";

std::string token_of(issuer_key const& key, std::string const& id)
{
    return key.token(claims, R"({"alg":"EdDSA","kid":")" + id + "\"}");
}

result<token_judgement> ask(issuer_keys& v, std::string const& token)
{
    std::promise<result<token_judgement>> answer;
    v.judge(secret{token}, [&](result<token_judgement> r) { answer.set_value(std::move(r)); });
    return answer.get_future().get();
}

constexpr std::chrono::milliseconds long_pause{600'000};

}  // namespace

TEST_CASE("the keys are fetched once, and again when a token names a new one")
{
    issuer_key const old_key{signature_kind::eddsa};
    issuer_key const new_key{signature_kind::eddsa};
    published_keys keys;
    keys.document = set_of({old_key.jwk("old")});
    issuer_keys v{options(std::chrono::milliseconds{0}), std::make_unique<fake_source>(keys)};
    for (int i = 0; i < 3; ++i) {
        auto const r = ask(v, token_of(old_key, "old"));
        REQUIRE(r);
        CHECK(r->what == state::good);
        CHECK(r->account == "tim");
    }
    CHECK(keys.fetches == 1);
    keys.set(set_of({old_key.jwk("old"), new_key.jwk("new")}));
    auto const r = ask(v, token_of(new_key, "new"));
    REQUIRE(r);
    CHECK(r->what == state::good);
    CHECK(keys.fetches == 2);
    // A key that is gone is not taken any more once the set was fetched anew.
    keys.set(set_of({new_key.jwk("new")}));
    CHECK(ask(v, token_of(old_key, "unheard of"))->what == state::unknown_key);
    CHECK(ask(v, token_of(old_key, "old"))->what == state::unknown_key);
}

TEST_CASE("invented names of keys do not make us ask again and again")
{
    issuer_key const key{signature_kind::eddsa};
    published_keys keys;
    keys.document = set_of({key.jwk("one")});
    issuer_keys v{options(long_pause), std::make_unique<fake_source>(keys)};
    REQUIRE(ask(v, token_of(key, "one")));
    for (int i = 0; i < 20; ++i) CHECK(ask(v, token_of(key, std::to_string(i)))->what == state::unknown_key);
    CHECK(keys.fetches == 1);
}

TEST_CASE("while the keys can't be had, a token is neither good nor bad")
{
    issuer_key const key{signature_kind::eddsa};
    published_keys keys;
    keys.set(set_of({key.jwk("one")}), true);
    {
        issuer_keys v{options(long_pause), std::make_unique<fake_source>(keys)};
        for (int i = 0; i < 3; ++i) {
            auto const r = ask(v, token_of(key, "one"));
            REQUIRE_FALSE(r);
            CHECK(r.error().code.temporary());
        }
        CHECK(keys.fetches == 1);
    }
    issuer_keys v{options(std::chrono::milliseconds{0}), std::make_unique<fake_source>(keys)};
    CHECK_FALSE(ask(v, token_of(key, "one")));
    keys.set(set_of({key.jwk("one")}));
    CHECK(ask(v, token_of(key, "one"))->what == state::good);
    // Gone again: what is known goes on, what is new can't be told.
    keys.set("", true);
    CHECK(ask(v, token_of(key, "one"))->what == state::good);
    CHECK_FALSE(ask(v, token_of(key, "two")));
    CHECK(ask(v, token_of(key, "one"))->what == state::good);
    // A document that is none is no better.
    keys.set("{}");
    CHECK_FALSE(ask(v, token_of(key, "two")));
}

TEST_CASE("the end answers whoever waits")
{
    issuer_key const key{signature_kind::eddsa};
    published_keys keys;
    keys.set("", true);
    std::atomic<int> answered{0};
    {
        issuer_keys v{options(std::chrono::milliseconds{0}), std::make_unique<fake_source>(keys)};
        for (int i = 0; i < 50; ++i)
            v.judge(secret{token_of(key, "one")}, [&](result<token_judgement> r) { answered += r ? 100 : 1; });
    }
    CHECK(answered == 50);
}

TEST_CASE("keys in a file are read again when it changes")
{
    auto const file = std::filesystem::temp_directory_path() / ("postern-keys-" + std::to_string(::getpid()));
    issuer_key const key{signature_kind::eddsa};
    auto const write = [&](std::string const& text) { std::ofstream{file} << text; };
    write(set_of({key.jwk("one")}));
    issuer_keys v{options(long_pause), make_key_source(file.string(), {}, nullptr)};
    CHECK(ask(v, token_of(key, "one"))->what == state::good);
    CHECK(ask(v, token_of(key, "two"))->what == state::unknown_key);
    write(set_of({key.jwk("two")}));
    std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now() + std::chrono::seconds{5});
    CHECK(ask(v, token_of(key, "two"))->what == state::good);
    std::filesystem::remove(file);
    CHECK(ask(v, token_of(key, "two"))->what == state::good);  // what was read stays good
}

TEST_CASE("keys are renewed though nobody asks: one that was withdrawn is not good for long")
{
    issuer_key const key{signature_kind::eddsa};
    published_keys keys;
    keys.document = set_of({key.jwk("one")});
    auto o = options(long_pause);
    o.renew_after = std::chrono::milliseconds{20};
    issuer_keys v{o, std::make_unique<fake_source>(keys)};
    CHECK(ask(v, token_of(key, "one"))->what == state::good);
    keys.set(set_of({key.jwk("two")}));
    while (ask(v, token_of(key, "one"))->what == state::good) std::this_thread::yield();
    CHECK(ask(v, token_of(key, "two"))->what == state::good);
}
