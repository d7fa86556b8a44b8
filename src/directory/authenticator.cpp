#include "directory/authenticator.hpp"

#include <algorithm>
#include <mutex>

#include "base/log.hpp"
#include "base/text.hpp"
#include "directory/answers.hpp"
#include "directory/back_end_state.hpp"
#include "directory/blocking_pool.hpp"
#include "directory/few_notes.hpp"
#include "directory/names.hpp"
#include "directory/stored_user.hpp"
#include "directory/usual_users.hpp"
#include "directory/verifier.hpp"

namespace postern::directory {
namespace {

constexpr std::size_t room_to_wait = 256;
constexpr std::size_t most_users_remembered = 100'000;
constexpr std::size_t most_unknown_remembered = 20'000;
// Whoever prepares an answer comes back for it within so long.
constexpr std::chrono::seconds grace{10};
// So long do users stay who they were while the back end is down.
constexpr std::chrono::minutes trust_while_down{5};
constexpr std::chrono::minutes remember_recipient{5};
constexpr std::chrono::seconds remember_no_recipient{30};

/// What a thread that hangs may still hold when the back end is gone.
class inside : public back_end_state {
public:
    inside(backend_options o, std::function<std::unique_ptr<asker>()> make)
        : back_end_state(std::move(o)), make_(std::move(make))
    {
    }

    asker& asker_of(std::shared_ptr<void>& state) const
    {
        if (!state) state = std::shared_ptr<asker>{make_()};
        return *static_cast<asker*>(state.get());
    }

    template <class Value, class Question>
    result<Value> ask(std::shared_ptr<void>& state, Question const& question, steady_time deadline)
    {
        // It may have gone down while the question waited.
        if (auto e = refusal()) return std::move(*e);
        asker& a = asker_of(state);
        result<Value> answer = question(a, deadline);
        if (answer)
            note(nullptr);
        else if (a.lost())
            note(&answer.error());
        return answer;
    }

    std::string address_of(std::string_view name) const
    {
        std::string address{name};
        if (!options.format.domain.empty() && address.find('@') == std::string::npos)
            address += "@" + options.format.domain;
        return address;
    }
    /// What the program is asked for: without the domain where the configuration names one.
    std::string asked_name(std::string const& address) const
    {
        return options.format.domain.empty() ? address : address.substr(0, address.rfind('@'));
    }
    /// The address of the user that the program named.
    std::string named(std::string const& name, std::string const& address) const
    {
        if (name.empty()) return address;
        bool const bare = name.find('@') == std::string::npos && !options.format.domain.empty();
        auto key = login_key(bare ? name + "@" + options.format.domain : name);
        return key ? *key : address;
    }
    /// The account of a user that the program told of when it was asked for `name`.
    std::shared_ptr<stored_account const> account(stored_user const& told, std::string const& name)
    {
        auto const address = address_of(name);
        auto const key = login_key(named(told.user.name, address));
        if (!key) {
            skip(name, told.problem.empty() ? "there is no full address for the user" : told.problem);
            return nullptr;
        }
        auto a = account_of(told, *key);
        a->name = name;
        a->who.back_end = options.name;
        if (*key != name) a->who.login_name = name;
        if (!options.tells && told.problem.empty()) a->problem = "the back end judges the password";
        if (options.tells) usual.count(*a);
        if (a->problem != nullptr) {
            if (options.tells || !told.problem.empty()) skip(name, told.problem.empty() ? a->problem : told.problem);
            a->verifier = usual.dummy();
            if (a->verifier.empty()) a->verifier = make_dummy({});
        }
        return a;
    }

    error too_late()
    {
        error const e{{4, 3, 0}, "The accounts are not available", "no answer in time"};
        note(&e);
        return unavailable(e.logged);
    }

    usual_users usual;

private:
    /// A user that can't log in for what is stored. Clients that try again must not fill the log.
    void skip(std::string const& name, std::string_view why)
    {
        auto const left_out = notes_.next(steady_clock::now());
        if (!left_out) return;
        log::event(log::level::warning, "backend_user_skipped",
                   {{"backend", options.name},
                    {"user", printable(name, 100)},
                    {"detail", why},
                    {"left_out", static_cast<std::int64_t>(*left_out)}});
    }

    few_notes notes_;
    std::function<std::unique_ptr<asker>()> const make_;
};

class pooled final : public authenticator {
public:
    pooled(backend_options const& o, std::function<std::unique_ptr<asker>()> make)
        : inside_(std::make_shared<inside>(o, make)),
          users_(o.recognises || o.tells ? most_users_remembered : 0,
                 o.recognises || o.tells ? most_unknown_remembered : 0),
          recipients_(most_users_remembered, most_unknown_remembered),
          pool_(o.threads, room_to_wait, o.timeout)
    {
        back_end_state::look_after(inside_, std::move(make));
    }

    backend_health health() const override
    {
        auto const trouble = inside_->trouble();
        auto const& o = inside_->options;
        return {o.name, o.type, trouble.empty(), trouble.empty() ? "no trouble known" : trouble};
    }

    bool covers(std::string_view name) const override
    {
        auto const& domain = inside_->options.format.domain;
        auto const at = name.rfind('@');
        // Whoever is told of may have a name that is no address, and an address besides.
        if (domain.empty()) return at != std::string_view::npos || tells();
        return at == std::string_view::npos || name.substr(at + 1) == domain;
    }
    bool tells() const override { return inside_->options.tells; }
    bool recognises() const override { return inside_->options.recognises || tells(); }
    std::string address_of(std::string_view name) const override { return inside_->address_of(name); }

    std::optional<error> out_of_reach() const override
    {
        if (!inside_->trouble().empty()) return inside_->unavailable("is down");
        if (pool_.full()) return too_many_wait();
        return std::nullopt;
    }

    void verify(std::string_view name, secret password, verdict_handler handler) override
    {
        put<judgement>(
            [in = inside_, address = inside_->address_of(name), password = std::move(password)](asker& a,
                                                                                                steady_time deadline) {
                auto answer = a.verify(in->asked_name(address), password, deadline);
                if (answer) answer->user.name = in->named(answer->user.name, address);
                return answer;
            },
            std::move(handler));
    }

    void fetch(std::string_view name, freshness how, entry_handler handler) override
    {
        auto const known = users_.get(name);
        if (known) {
            auto const age = steady_clock::now() - known->when;
            bool const good = age < inside_->options.moment ||
                              (known->value && how == freshness::remembered && age < inside_->options.remember);
            if (good) return handler(known->value);
        }
        std::string const key{name};
        // Who wants to know how it is now must not hear how it was.
        auto when_told = [this, key, how, handler = std::move(handler)](result<entry> answer) {
            if (!answer && how == freshness::remembered)
                if (auto before = remembered_user(key)) return handler(std::move(before));
            handler(std::move(answer));
        };
        if (users_.join(key, std::move(when_told))) ask_about(key);
    }

    result<entry> fetched(std::string_view name) override
    {
        if (auto const known = users_.get(name)) {
            auto const& o = inside_->options;
            auto const life = known->value ? std::max(o.remember, o.moment) : o.moment;
            if (steady_clock::now() - known->when < life + grace) return known->value;
        }
        if (auto const before = remembered_user(name)) return before;
        return inside_->unavailable("could not be asked");
    }

    entry last_told(std::string_view name) override
    {
        auto const before = users_.get_known(name);
        return before ? before->value : nullptr;
    }

    void look_up(std::string_view address, recipient_handler handler) override
    {
        if (auto const known = recipients_.get(address); known && age_is_good(*known, {})) return handler(known->value);
        std::string const key{address};
        if (!recipients_.join(key, std::move(handler))) return;
        put<std::optional<std::string>>(
            [in = inside_, whole = inside_->address_of(key)](asker& a, steady_time deadline) {
                auto answer = a.look_up(in->asked_name(whole), deadline);
                if (answer && *answer) **answer = in->named(**answer, whole);
                return answer;
            },
            [this, key](result<std::optional<std::string>> answer) {
                if (answer) recipients_.put(key, *answer, steady_clock::now());
                recipients_.finish(key, answer);
            });
    }

    result<std::optional<std::string>> looked_up(std::string_view address) override
    {
        auto const known = recipients_.get(address);
        if (known && age_is_good(*known, grace)) return known->value;
        return inside_->unavailable("could not be asked");
    }

    std::string dummy() const override { return inside_->usual.dummy(); }
    std::optional<scram_shape> usual_shape(hash h) const override { return inside_->usual.shape(h); }

    void keep_usual(std::string_view known, std::function<void(std::string const&)> changed) override
    {
        inside_->usual.remember(known);
        std::lock_guard lock{usual_lock_};
        usual_changed_ = std::move(changed);
    }

    bool takes_hashes() const override { return inside_->options.takes_hashes; }
    void replace_password(entry const& of, std::string const& verifier,
                          std::function<void(result<bool>)> handler) override
    {
        // In the way of who reads it that the old one was in.
        bool const with_scheme = of->text.reveal().starts_with('{');
        std::string text = with_scheme ? "{" + to_upper(scheme_of(verifier)) + "}" + verifier : verifier;
        put<bool>(
            [in = inside_, of, fresh = secret::take(text)](asker& a, steady_time deadline) {
                return a.replace_password(in->asked_name(in->address_of(of->name)), of->text, fresh, deadline);
            },
            [this, of, handler = std::move(handler)](result<bool> answer) {
                // Not forgotten: an outage that begins now would shut the user out.
                if (users_.join(of->name, [](result<entry> const&) {})) ask_about(of->name);
                handler(std::move(answer));
            });
    }

    void stop() override
    {
        pool_.stop();
        inside_->stop();
    }

private:
    using recipients = answers<std::optional<std::string>>;

    static bool age_is_good(recipients::answer const& known, std::chrono::seconds more)
    {
        return steady_clock::now() - known.when <= (known.value ? remember_recipient : remember_no_recipient) + more;
    }

    /// For all that joined.
    void ask_about(std::string const& key)
    {
        put<entry>(
            [in = inside_, key](asker& a, steady_time deadline) -> result<entry> {
                auto told = a.fetch(in->asked_name(in->address_of(key)), deadline);
                if (!told) return std::move(told).error();
                return *told ? in->account(**told, key) : nullptr;
            },
            [this, key](result<entry> answer) {
                if (answer) users_.put(key, *answer, steady_clock::now());
                if (auto const text = inside_->usual.news()) {
                    std::lock_guard lock{usual_lock_};
                    if (usual_changed_) usual_changed_(*text);
                }
                users_.finish(key, answer);
            });
    }

    entry remembered_user(std::string_view name)
    {
        auto const before = users_.get_known(name);
        bool const good = before && steady_clock::now() - before->when <= trust_while_down;
        return good ? before->value : nullptr;
    }

    /// Asks on a thread of the pool. The handler is called once.
    template <class Value, class Question>
    void put(Question question, std::function<void(result<Value>)> handler)
    {
        if (auto e = inside_->refusal()) return handler(std::move(*e));
        auto const shared = std::make_shared<std::function<void(result<Value>)>>(std::move(handler));
        auto ask = [in = inside_, question = std::move(question), shared](
                       std::shared_ptr<void>& state, steady_time deadline) -> blocking_pool::finish {
            auto answer = in->template ask<Value>(state, question, deadline);
            return [shared, answer = std::move(answer)] { (*shared)(answer); };
        };
        auto late = [in = inside_, shared] { (*shared)(in->too_late()); };
        if (!pool_.submit({std::move(ask), std::move(late)})) (*shared)(too_many_wait());
    }

    error too_many_wait() const
    {
        return {{4, 7, 0}, "Too many log-ins at once", "back end " + inside_->options.name + ": too many wait"};
    }

    std::shared_ptr<inside> const inside_;
    answers<entry> users_;
    recipients recipients_;
    std::mutex usual_lock_;
    std::function<void(std::string const&)> usual_changed_;
    blocking_pool pool_;  // last: its threads use all of the above
};

}  // namespace

std::unique_ptr<authenticator> make_authenticator(backend_options const& o,
                                                  std::function<std::unique_ptr<asker>()> make_asker)
{
    return std::make_unique<pooled>(o, std::move(make_asker));
}

}  // namespace postern::directory
