// Back ends that tell of users by name: what is asked, remembered, bounded, and what it costs.
#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>

#include <doctest/doctest.h>

#include "base/base64.hpp"
#include "base/crypto.hpp"
#include "directory/authenticator.hpp"
#include "directory/embedded.hpp"
#include "directory/import.hpp"
#include "directory/test_directory.hpp"
#include "directory/verifier.hpp"
#include "sasl/scram.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;
using namespace std::chrono_literals;

namespace {

/// Another program, as the test wants it.
struct program {
    std::mutex lock;
    std::condition_variable changed;
    std::map<std::string, stored_user> users;
    std::atomic<int> fetches{0}, probes{0}, waiting{0};
    bool down = false;
    bool hangs = false;
    bool can_be_probed = true;
    bool only_this = false;  // errors are about one question
    std::vector<std::string> replaced;

    void set(std::string const& name, std::string_view password)
    {
        std::lock_guard hold{lock};
        users[name].passwords = {secret{password}};
    }
    void let(bool program::*what, bool on)
    {
        {
            std::lock_guard hold{lock};
            this->*what = on;
        }
        changed.notify_all();
    }
    error failure() const { return {{4, 3, 0}, "Not available", "the test says so"}; }
};

class scripted final : public asker {
public:
    explicit scripted(std::shared_ptr<program> p) : p_(std::move(p)) {}

    result<std::optional<stored_user>> fetch(std::string const& name, steady_time deadline) override
    {
        std::unique_lock hold{p_->lock};
        ++p_->fetches;
        if (!wait(hold, deadline)) return p_->failure();
        auto const found = p_->users.find(name);
        if (found == p_->users.end()) return std::optional<stored_user>{};
        return std::optional<stored_user>{found->second};
    }
    result<std::optional<std::string>> look_up(std::string const& address, steady_time deadline) override
    {
        std::unique_lock hold{p_->lock};
        ++p_->fetches;
        if (!wait(hold, deadline)) return p_->failure();
        if (!p_->users.contains(address)) return std::optional<std::string>{};
        return std::optional<std::string>{address};
    }
    result<bool> replace_password(std::string const& name, secret const& old, secret const& fresh, steady_time) override
    {
        std::lock_guard hold{p_->lock};
        auto& texts = p_->users[name].passwords;
        if (texts.empty() || texts.front().reveal() != old.reveal()) return false;
        texts.front() = fresh;
        p_->replaced.emplace_back(fresh.reveal());
        return true;
    }
    std::optional<result<>> probe(steady_time deadline) override
    {
        std::unique_lock hold{p_->lock};
        ++p_->probes;
        if (!p_->can_be_probed) return std::nullopt;
        if (!wait(hold, deadline)) return result<>{p_->failure()};
        return result<>{done{}};
    }
    bool lost() const override { return !p_->only_this; }

private:
    bool wait(std::unique_lock<std::mutex>& hold, steady_time deadline)
    {
        ++p_->waiting;
        bool const in_time = p_->changed.wait_until(hold, deadline, [&] { return !p_->hangs; });
        --p_->waiting;
        return in_time && !p_->down;
    }

    std::shared_ptr<program> p_;
};

backend_options told()
{
    backend_options o;
    o.name = "told";
    o.type = "scripted";
    o.tells = true;
    o.timeout = 10s;
    o.moment = 0ms;
    return o;
}

/// A directory whose only back end is that program.
struct house {
    explicit house(backend_options o = told(), options d = {})
    {
        d.folder = where.path();
        d.hash_threads = 2;
        d.configured_domains = {"example.org"};
        auto made = accounts_file::open(where.path());
        REQUIRE(made);
        back_ends others;
        others.authenticators.push_back(make_authenticator(o, [p = p] { return std::make_unique<scripted>(p); }));
        accounts = std::make_unique<embedded>(std::move(d), std::move(*made), std::move(others));
        REQUIRE(accounts->begin());
    }
    /// The back end has been looked at once, as it is at the start.
    void settled()
    {
        REQUIRE(eventually([&] { return p->probes > 0 && p->waiting == 0; }));
    }
    result<sasl::scram_keys> scram(std::string_view name, hash h = hash::sha256)
    {
        std::promise<void> ready;
        auto future = ready.get_future();
        accounts->prepare_login(name, freshness::now, [&] { ready.set_value(); });
        future.wait();
        return accounts->scram(name, h);
    }

    folder where;
    std::shared_ptr<program> p = std::make_shared<program>();
    std::unique_ptr<embedded> accounts;
};

std::string scram_text(char const* name, hash h, char const* password, std::uint32_t iterations)
{
    auto const salt = random_octets(12);
    auto const salted = sasl::scram::salted_password(h, password, salt, iterations);
    auto const keys = sasl::scram::derive_keys(h, salted, salt, iterations);
    return std::string{"{"} + name + "}" + std::to_string(iterations) + "," + base64_encode(keys.salt) + "," +
           base64_encode(keys.stored_key) + "," + base64_encode(keys.server_key);
}

}  // namespace

TEST_CASE("a user who is told of logs in, sends as told, and gets mail")
{
    house h;
    {
        std::lock_guard hold{h.p->lock};
        auto& u = h.p->users["ann"];
        u.user.name = "Ann@Example.org";
        u.user.aliases = {"annie@example.org", "not an address"};
        u.user.send_as = {"@example.net", "sales@example.org"};
        u.passwords = {secret{"{PLAIN}sesame"}};
    }
    h.p->set("off@example.org", "{PLAIN}sesame");
    {
        std::lock_guard hold{h.p->lock};
        h.p->users["off@example.org"].enabled = false;
    }
    auto const l = log_in(*h.accounts, "ANN", "sesame");
    CHECK(l.state == login_state::accepted);
    REQUIRE(l.who);
    CHECK(l.who->address == "ann@example.org");
    CHECK(l.who->login_name == "ann");
    CHECK(*h.accounts->may_send_as(*l.who, address("annie@example.org")));
    CHECK(*h.accounts->may_send_as(*l.who, address("whoever@example.net")));
    CHECK(*h.accounts->may_send_as(*l.who, address("sales@example.org")));
    CHECK_FALSE(*h.accounts->may_send_as(*l.who, address("bob@example.org")));
    CHECK(log_in(*h.accounts, "ann", "sesamf").state == login_state::bad_credentials);
    CHECK(log_in(*h.accounts, "off@example.org", "sesame").state == login_state::disabled);
    CHECK(log_in(*h.accounts, "nobody@example.org", "sesame").state == login_state::bad_credentials);
    // In an open session: by the name that was used.
    h.accounts->wait_for_login("ann");
    auto const again = h.accounts->find_account("ann");
    REQUIRE(again);
    REQUIRE(*again);
    CHECK((*again)->address == "ann@example.org");
    // Who gets mail.
    auto const to = address("off+shop@example.org");
    CHECK_FALSE(h.accounts->find_recipient(to));  // nobody asked yet: not "no such user"
    h.accounts->wait_for_address(to);
    auto const who = h.accounts->find_recipient(to);
    REQUIRE(who);
    REQUIRE(*who);
    CHECK((*who)->address == "off@example.org");
    auto const nobody = address("nobody@example.org");
    h.accounts->wait_for_address(nobody);
    REQUIRE(h.accounts->find_recipient(nobody));
    CHECK(*h.accounts->find_recipient(nobody) == nullptr);
}

TEST_CASE("SCRAM keys are given as they are told, for each hash, and made up in the same shape")
{
    house h;
    {
        std::lock_guard hold{h.p->lock};
        h.p->users["ann@example.org"].passwords = {secret{scram_text("SCRAM-SHA-256", hash::sha256, "sesame", 4096)},
                                                   secret{scram_text("SCRAM-SHA-512", hash::sha512, "sesame", 5000)},
                                                   secret{"{PLAIN}sesame"}};
    }
    for (auto const& [hash, iterations] : {std::pair{hash::sha256, 4096u}, std::pair{hash::sha512, 5000u}}) {
        auto const keys = h.scram("ann@example.org", hash);
        REQUIRE(keys);
        CHECK(keys->real);
        CHECK(keys->iterations == iterations);
        CHECK(h.accounts->authorize("ann@example.org", "", keys->stored_key)->state == login_state::accepted);
        auto const made_up = h.scram("nobody@example.org", hash);
        REQUIRE(made_up);
        CHECK_FALSE(made_up->real);
        CHECK(made_up->iterations == iterations);
        CHECK(made_up->salt.size() == keys->salt.size());
        CHECK(h.scram("nobody@example.org", hash)->salt == made_up->salt);
    }
    CHECK_FALSE(h.scram("ann@example.org", hash::sha1)->real);
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
    CHECK(h.accounts->means().scram_sha512);
}

TEST_CASE("unknown names and wrong passwords take the same: questions and hashes")
{
    auto const crypt = make_verifier("sesame");
    bool of_this_moment = false;
    SUBCASE("asked each time") {}
    SUBCASE("asked a moment ago") { of_this_moment = true; }
    auto o = told();
    if (of_this_moment) o.moment = 1h;
    house h{o};
    h.p->set("ann@example.org", crypt);
    h.settled();
    // The first time tells what a hash of this back end's users costs.
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
    auto work = [&](char const* name, char const* password) {
        auto const checks = h.accounts->checks();
        int const fetches = h.p->fetches;
        CHECK(log_in(*h.accounts, name, password).state == login_state::bad_credentials);
        return std::pair{h.accounts->checks() - checks, h.p->fetches - fetches};
    };
    if (of_this_moment) work("nobody@example.org", "wrong 0");
    auto const wrong = work("ann@example.org", "wrong 1");
    CHECK(wrong == work("nobody@example.org", "wrong 1"));
    CHECK(wrong.first == 1);
    CHECK(wrong.second == (of_this_moment ? 0 : 1));
    // The same wrong password again: not hashed for either.
    auto const again = work("ann@example.org", "wrong 1");
    CHECK(again == work("nobody@example.org", "wrong 1"));
    CHECK(again.first == 0);
}

TEST_CASE("a new password and a new user count at once, whatever is remembered")
{
    house h;
    h.p->set("ann@example.org", "{PLAIN}old");
    CHECK(log_in(*h.accounts, "ann@example.org", "old").state == login_state::accepted);
    CHECK(log_in(*h.accounts, "bob@example.org", "new").state == login_state::bad_credentials);
    h.p->set("ann@example.org", "{PLAIN}new");
    h.p->set("bob@example.org", "{PLAIN}new");
    CHECK(log_in(*h.accounts, "ann@example.org", "new").state == login_state::accepted);
    CHECK(log_in(*h.accounts, "bob@example.org", "new").state == login_state::accepted);
    CHECK(log_in(*h.accounts, "ann@example.org", "old").state == login_state::bad_credentials);
}

TEST_CASE("a back end that is down: at once unavailable, known users go on, and it is back without being asked")
{
    house h;
    h.p->set("ann@example.org", "{PLAIN}sesame");
    h.p->set("bob@example.org", "{PLAIN}sesame");
    h.settled();
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
    h.p->let(&program::down, true);
    auto const l = try_log_in(*h.accounts, "bob@example.org", "sesame");
    REQUIRE_FALSE(l);
    CHECK(l.error().code.klass == 4);
    CHECK_FALSE(h.accounts->backends()[0].up);
    // It is known to be down: no question is put any more.
    int const fetches = h.p->fetches;
    for (char const* name : {"bob@example.org", "cid@example.org"}) {
        auto const next = try_log_in(*h.accounts, name, "sesame");
        REQUIRE_FALSE(next);
        CHECK(next.error().logged.find("the test says so") != std::string::npos);
        CHECK_FALSE(h.scram(name));
    }
    CHECK(h.p->fetches == fetches);
    // Ann was told of: her password is still right, another one is not called wrong.
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
    CHECK_FALSE(try_log_in(*h.accounts, "ann@example.org", "a new one?"));
    h.p->let(&program::down, false);
    CHECK(eventually([&] { return h.accounts->backends()[0].up; }));
    CHECK(log_in(*h.accounts, "bob@example.org", "sesame").state == login_state::accepted);
}

TEST_CASE("an error about one question takes nobody else's answers away")
{
    house h;
    h.p->set("ann@example.org", "{PLAIN}sesame");
    h.settled();
    h.p->let(&program::only_this, true);
    h.p->let(&program::down, true);
    CHECK_FALSE(try_log_in(*h.accounts, "ann@example.org", "sesame"));
    CHECK(h.accounts->backends()[0].up);
    h.p->let(&program::down, false);
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
}

TEST_CASE("the queue of a back end that hangs is bounded, and one question is put for one name")
{
    auto o = told();
    o.threads = 2;
    o.timeout = 3s;
    house h{o};
    h.settled();
    h.p->let(&program::hangs, true);
    constexpr int room = 2 + 256;
    std::atomic<int> full{0}, late{0}, other{0};
    int const before = h.p->fetches;
    auto ask = [&](std::string const& name) {
        h.accounts->verify_password(name, "", secret{"sesame"}, [&](result<login> const& l) {
            if (l)
                ++other;
            else if (l.error().logged.find("too many wait") != std::string::npos)
                ++full;
            else
                ++late;
        });
    };
    // Who waits for the same answer takes no further place.
    for (int i = 0; i < 10; ++i) ask("same@example.org");
    CHECK(eventually([&] { return h.p->waiting == 1; }));
    CHECK(h.p->fetches == before + 1);
    for (int i = 1; i < room; ++i) ask("u" + std::to_string(i) + "@example.org");
    CHECK(full == 0);
    for (int i = 0; i < 5; ++i) ask("v" + std::to_string(i) + "@example.org");
    CHECK(full == 5);
    CHECK(eventually([&] { return late == room + 9; }));
    CHECK(other == 0);
    h.p->let(&program::hangs, false);
    CHECK(eventually([&] { return h.accounts->backends()[0].up; }));
    CHECK(log_in(*h.accounts, "same@example.org", "sesame").state == login_state::bad_credentials);
}

TEST_CASE("a hash that another program made becomes a better one there, SCRAM keys stay")
{
    auto o = told();
    o.takes_hashes = true;
    options d;
    d.upgrade_hashes = true;
    house h{o, d};
    auto const keys = scram_text("SCRAM-SHA-256", hash::sha256, "sesame", 4096);
    h.p->set("ann@example.org", "{PLAIN}sesame");
    h.p->set("bob@example.org", keys);
    CHECK(log_in(*h.accounts, "bob@example.org", "sesame").state == login_state::accepted);
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
    CHECK(eventually([&] {
        std::lock_guard hold{h.p->lock};
        return h.p->replaced.size() == 1;
    }));
    {
        std::lock_guard hold{h.p->lock};
        CHECK(h.p->users["ann@example.org"].passwords.front().reveal().starts_with("{ARGON2ID}$argon2id$"));
        CHECK(h.p->users["bob@example.org"].passwords.front().reveal() == keys);
    }
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
}

TEST_CASE("a user without a password that can be verified is nobody to strangers, and named in the log's cause")
{
    house h;
    for (char const* text : {"{DES-CRYPT}ab.cdefghijk", "!", "", "{SHA512-CRYPT}nonsense"}) {
        CAPTURE(text);
        h.p->set("ann@example.org", text);
        auto const l = log_in(*h.accounts, "ann@example.org", "sesame");
        CHECK(l.state == login_state::bad_credentials);
        CHECK(l.cause != "wrong password");
    }
}

TEST_CASE("a back end may not speak for an account of the database")
{
    house h;
    REQUIRE(h.accounts->add_account(address("boss@example.org"), secret{"the boss's"}));
    {
        std::lock_guard hold{h.p->lock};
        auto& u = h.p->users["mallory"];
        u.user.name = "boss@example.org";
        u.passwords = {secret{"{PLAIN}sesame"}};
    }
    CHECK(log_in(*h.accounts, "mallory", "sesame").state == login_state::bad_credentials);
    CHECK_FALSE(h.scram("mallory")->real);
    CHECK(log_in(*h.accounts, "boss@example.org", "the boss's").state == login_state::accepted);
}
