#include "directory/authenticator.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>

#include "base/log.hpp"
#include "base/text.hpp"
#include "directory/blocking_pool.hpp"
#include "directory/names.hpp"

namespace postern::directory {
namespace {

constexpr std::size_t room_to_wait = 256;
constexpr std::chrono::seconds longest_look_up{1};
// After a failure, look-ups that a connection's thread would wait for are not tried for so long.
constexpr std::chrono::seconds rest_after_failure{5};

error unavailable(std::string const& name, std::string const& why)
{
    return {{4, 3, 0}, "The accounts are not available", "back end " + name + ": " + why};
}

/// What a thread that hangs may still hold when the back end is gone.
class inside {
public:
    inside(backend_options o, std::function<std::unique_ptr<asker>()> make)
        : options(std::move(o)), make_(std::move(make))
    {
    }

    asker& asker_of(std::shared_ptr<void>& state) const
    {
        if (!state) state = std::shared_ptr<asker>{make_()};
        return *static_cast<asker*>(state.get());
    }

    std::string address_of(std::string_view name) const
    {
        std::string address{name};
        if (address.find('@') == std::string::npos) address += "@" + options.format.domain;
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

    void note(error const* e)
    {
        std::string text = e != nullptr ? printable(e->logged, 300) : std::string{};
        {
            std::lock_guard lock{lock_};
            if (text == trouble_) return;
            trouble_ = text;
        }
        if (e != nullptr)
            log::event(log::level::error, "backend_down", {{"backend", options.name}, {"detail", text}});
        else
            log::event(log::level::info, "backend_up", {{"backend", options.name}});
    }
    error too_late()
    {
        auto e = unavailable(options.name, "no answer in time");
        note(&e);
        return e;
    }
    std::string trouble() const
    {
        std::lock_guard lock{lock_};
        return trouble_;
    }

    backend_options const options;

private:
    std::function<std::unique_ptr<asker>()> const make_;
    mutable std::mutex lock_;
    std::string trouble_;
};

class pooled final : public authenticator {
public:
    pooled(backend_options const& o, std::function<std::unique_ptr<asker>()> make)
        : inside_(std::make_shared<inside>(o, std::move(make))), pool_(o.threads, room_to_wait, o.timeout)
    {
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
        if (domain.empty()) return at != std::string_view::npos;
        return at == std::string_view::npos || name.substr(at + 1) == domain;
    }

    void verify(std::string_view name, secret password, verdict_handler handler) override
    {
        auto const shared = std::make_shared<verdict_handler>(std::move(handler));
        auto ask = [in = inside_, address = inside_->address_of(name), password = std::move(password), shared](
                       std::shared_ptr<void>& state, steady_time deadline) -> blocking_pool::finish {
            auto answer = in->asker_of(state).verify(in->asked_name(address), password, deadline);
            in->note(answer ? nullptr : &answer.error());
            if (answer) answer->name = in->named(answer->name, address);
            return [shared, answer = std::move(answer)] { (*shared)(answer); };
        };
        auto late = [in = inside_, shared] { (*shared)(in->too_late()); };
        if (!pool_.submit({std::move(ask), std::move(late)}))
            (*shared)(
                error{{4, 7, 0}, "Too many log-ins at once", "back end " + inside_->options.name + ": too many wait"});
    }

    result<std::optional<std::string>> look_up(std::string_view name) override
    {
        using answer_type = result<std::optional<std::string>>;
        if (steady_clock::now() < steady_time{steady_clock::duration{rest_until_.load()}}) {
            auto const trouble = inside_->trouble();
            return unavailable(inside_->options.name, trouble.empty() ? "no answer in time" : trouble);
        }
        auto const promise = std::make_shared<std::promise<answer_type>>();
        auto future = promise->get_future();
        auto ask = [in = inside_, address = inside_->address_of(name), promise](
                       std::shared_ptr<void>& state, steady_time deadline) -> blocking_pool::finish {
            auto answer = in->asker_of(state).look_up(in->asked_name(address),
                                                      std::min(deadline, steady_clock::now() + longest_look_up));
            in->note(answer ? nullptr : &answer.error());
            if (answer && *answer) **answer = in->named(**answer, address);
            return [promise, answer = std::move(answer)] { promise->set_value(answer); };
        };
        auto late = [in = inside_, promise] { promise->set_value(in->too_late()); };
        if (pool_.submit({std::move(ask), std::move(late)}) &&
            future.wait_for(longest_look_up) == std::future_status::ready) {
            auto answer = future.get();
            if (!answer) rest();
            return answer;
        }
        rest();
        return unavailable(inside_->options.name, "no answer in time");
    }

    void stop() override { pool_.stop(); }

private:
    void rest() { rest_until_ = (steady_clock::now() + rest_after_failure).time_since_epoch().count(); }

    std::shared_ptr<inside> const inside_;
    std::atomic<steady_clock::rep> rest_until_{0};
    blocking_pool pool_;
};

}  // namespace

std::unique_ptr<authenticator> make_authenticator(backend_options const& o,
                                                  std::function<std::unique_ptr<asker>()> make_asker)
{
    return std::make_unique<pooled>(o, std::move(make_asker));
}

}  // namespace postern::directory
