// A back end for tests: a program with users that can be down, hang, or have only one question fail; and a
// directory that asks it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <variant>

#include "base/base64.hpp"
#include "base/crypto.hpp"
#include "directory/authenticator.hpp"
#include "directory/embedded.hpp"
#include "directory/test_directory.hpp"
#include "sasl/client_mechanism.hpp"
#include "sasl/scram.hpp"

namespace postern::directory::testing {

/// Another program, as the test wants it.
struct program {
    std::mutex lock;
    std::condition_variable changed;
    std::map<std::string, stored_user> users;
    std::atomic<int> fetches{0}, verifications{0}, probes{0}, waiting{0};
    bool down = false;
    bool hangs = false;
    bool can_be_probed = true;
    bool only_this = false;  // errors are about one question
    bool judges = false;     // tells who there is, and judges passwords
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
        auto told = found->second;
        if (p_->judges) told.passwords.clear();
        return std::optional<stored_user>{std::move(told)};
    }
    result<judgement> verify(std::string const& name, secret const& password, steady_time deadline) override
    {
        std::unique_lock hold{p_->lock};
        ++p_->verifications;
        if (!wait(hold, deadline)) return p_->failure();
        judgement j;
        auto const found = p_->users.find(name);
        if (found == p_->users.end() || found->second.passwords.front().reveal() != password.reveal()) return j;
        j.what = found->second.enabled ? judgement::kind::right : judgement::kind::disabled;
        return j;
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

inline backend_options told()
{
    backend_options o;
    o.name = "told";
    o.type = "scripted";
    o.tells = true;
    o.timeout = std::chrono::seconds{10};
    o.moment = std::chrono::milliseconds{0};
    return o;
}

/// A directory whose only back end is that program.
struct house {
    explicit house(backend_options o = told(), options d = {}, bool can_be_probed = true)
        : house(std::vector{std::move(o)}, std::move(d), can_be_probed)
    {
    }
    /// All of them that same program.
    explicit house(std::vector<backend_options> const& list, options d = {}, bool can_be_probed = true)
    {
        p->can_be_probed = can_be_probed;
        d.folder = where.path();
        d.hash_threads = 2;
        d.configured_domains = {"example.org"};
        auto made = accounts_file::open(where.path());
        REQUIRE(made);
        back_ends others;
        for (auto const& o : list)
            others.authenticators.push_back(make_authenticator(o, [p = p] { return std::make_unique<scripted>(p); }));
        accounts = std::make_unique<embedded>(std::move(d), std::move(*made), std::move(others));
        REQUIRE(accounts->begin());
    }
    /// The back end has been looked at once, as it is at the start.
    void settled()
    {
        REQUIRE(eventually([&] { return p->probes > 0 && p->waiting == 0; }));
    }
    certainty prepare(std::string_view name, freshness how) const
    {
        std::promise<certainty> ready;
        auto future = ready.get_future();
        accounts->prepare_login(name, how, [&](certainty c) { ready.set_value(c); });
        return future.get();
    }
    result<sasl::scram_keys> scram(std::string_view name, hash h = hash::sha256) const
    {
        auto const prepared = prepare(name, freshness::now);
        return accounts->scram(name, h, prepared);
    }
    /// A whole exchange; how it ends, or why it did not get to its end.
    std::variant<login, sasl::rejected> log_in_by_scram(std::string const& name, std::string_view password) const
    {
        constexpr char const* mechanism = "SCRAM-SHA-256";
        auto s = sasl::make_server_mechanism(mechanism, {});
        auto c = sasl::make_client_mechanism(mechanism, {name, "", secret{password}}, {});
        auto o = s->step(std::get<sasl::respond>(c->step(std::nullopt)).octets);
        auto const keys = scram(name);
        REQUIRE(keys);
        o = s->on_scram(*keys);
        o = s->step(std::get<sasl::respond>(c->step(std::get<sasl::challenge>(o).octets)).octets);
        if (auto const* no = std::get_if<sasl::rejected>(&o)) return *no;
        o = s->step(std::get<sasl::respond>(c->step(std::get<sasl::challenge>(o).octets)).octets);
        auto const& a = std::get<sasl::accepted>(o);
        prepare(name, freshness::remembered);
        return accounts->authorize(a.authcid, a.authzid, a.stored_key).value();
    }
    login_state state_by_scram(std::string const& name, std::string_view password) const
    {
        auto const end = log_in_by_scram(name, password);
        auto const* l = std::get_if<login>(&end);
        if (l != nullptr) return l->state;
        CHECK(std::get<sasl::rejected>(end).why == sasl::rejected::reason::bad_credentials);
        return login_state::bad_credentials;
    }
    bool unsure_by_scram(std::string const& name, std::string_view password) const
    {
        auto const end = log_in_by_scram(name, password);
        auto const* no = std::get_if<sasl::rejected>(&end);
        return no != nullptr && no->why == sasl::rejected::reason::unsure;
    }
    made_app_password make(char const* address) const
    {
        auto made = accounts->add_app_password(address, {"phone", "operator", {}, {}});
        if (!made) FAIL(made.error().logged);
        return std::move(*made);
    }

    folder where;
    std::shared_ptr<program> p = std::make_shared<program>();
    std::unique_ptr<embedded> accounts;
};

inline std::string scram_text(char const* name, hash h, char const* password, std::uint32_t iterations)
{
    auto const salt = random_octets(12);
    auto const salted = sasl::scram::salted_password(h, password, salt, iterations);
    auto const keys = sasl::scram::derive_keys(h, salted, salt, iterations);
    return std::string{"{"} + name + "}" + std::to_string(iterations) + "," + base64_encode(keys.salt) + "," +
           base64_encode(keys.stored_key) + "," + base64_encode(keys.server_key);
}

}  // namespace postern::directory::testing
