#include "delivery/service.hpp"

#include <condition_variable>
#include <exception>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include <pthread.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "delivery/dispatcher.hpp"
#include "delivery/service_parts.hpp"

namespace postern::delivery {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto patience_with_thread = 5s;
constexpr auto look_again = 20ms;  // while winding down
// What was cut still has its fate to write down.
constexpr auto after_cut = 3s;

class running_service final : public service {
public:
    running_service(std::shared_ptr<plan const> p, surroundings world, directory::directory& accounts,
                    spool::spool& queue)
        : queue_(queue), plan_(std::move(p)), world_(std::move(world)), accounts_(accounts)
    {
    }

    ~running_service() override { stop(std::chrono::seconds{0}); }

    result<> prepare()
    {
        auto names = world_.make_resolver(context_.get_executor());
        if (!names) return names.error();
        dispatcher_ = std::make_unique<dispatcher>(context_, plan_, world_, std::move(*names), accounts_, queue_);
        return done{};
    }

    void start() override
    {
        // The spool may call while this object goes: the gate outlives both.
        queue_.on_arrival([gate = gate_](std::vector<spool::queued_message> arrived) {
            std::lock_guard const lock{gate->mutex};
            if (gate->owner != nullptr) gate->owner->hand_in(std::move(arrived));
        });
        thread_ = std::thread{[this] { run(); }};
        ::pthread_setname_np(thread_.native_handle(), "delivery");
        asio::post(context_, [this] { dispatcher_->pump(); });
    }

    result<> reload(config::settings const& s) override
    {
        auto p = make_plan(s);
        if (!p) return p.error();
        asio::post(context_,
                   [this, shared = std::make_shared<plan const>(std::move(*p))] { dispatcher_->set_plan(shared); });
        return done{};
    }

    void wake() override
    {
        asio::post(context_, [this] { dispatcher_->wake(); });
    }

    std::vector<destination_state> destinations(std::size_t limit) override
    {
        auto const answer = std::make_shared<std::promise<std::vector<destination_state>>>();
        auto told = answer->get_future();
        asio::post(context_, [this, answer, limit] { answer->set_value(dispatcher_->states(limit)); });
        // It may be about to end.
        if (told.wait_for(patience_with_thread) != std::future_status::ready) return {};
        return told.get();
    }

    void stop(std::chrono::seconds limit) override
    {
        {
            std::lock_guard const lock{gate_->mutex};
            if (gate_->owner == nullptr) return;
            gate_->owner = nullptr;
        }
        if (thread_.joinable()) {
            asio::post(context_, [this, until = steady_clock::now() + limit] {
                dispatcher_->wind_down();
                watch_end(until, false);
            });
            thread_.join();
        }
        // In this order: the resolver needs the context. What is left of coroutines goes with the
        // context and is never resumed.
        dispatcher_.reset();
    }

private:
    struct gate {
        explicit gate(running_service* o) : owner(o) {}
        std::mutex mutex;
        running_service* owner;
    };

    void hand_in(std::vector<spool::queued_message> arrived)
    {
        asio::post(context_,
                   [this, arrived = std::move(arrived)]() mutable { dispatcher_->admit(std::move(arrived)); });
    }

    void run()
    {
        for (;;) {
            try {
                context_.run();
                return;
            } catch (std::exception const& e) {
                // One handler's fault: the others go on.
                log::event(log::level::error, "delivery_failed", {{"error", e.what()}});
            }
        }
    }

    void watch_end(steady_time until, bool was_cut)
    {
        if (dispatcher_->quiet()) return context_.stop();
        if (steady_clock::now() >= until) {
            if (was_cut) return context_.stop();
            dispatcher_->cut();
            return watch_end(steady_clock::now() + after_cut, true);
        }
        end_timer_.expires_after(look_again);
        end_timer_.async_wait([this, until, was_cut](boost::system::error_code const&) { watch_end(until, was_cut); });
    }

    spool::spool& queue_;
    std::shared_ptr<plan const> plan_;
    surroundings world_;
    directory::directory& accounts_;
    std::shared_ptr<gate> gate_ = std::make_shared<gate>(this);

    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    asio::steady_timer end_timer_{context_};
    std::unique_ptr<dispatcher> dispatcher_;
    std::thread thread_;
};

}  // namespace

result<std::unique_ptr<service>> make_service_in(surroundings world, config::settings const& s,
                                                 directory::directory& accounts, spool::spool& queue)
{
    auto p = make_plan(s);
    if (!p) return p.error();
    auto made = std::make_unique<running_service>(std::make_shared<plan const>(std::move(*p)), std::move(world),
                                                  accounts, queue);
    if (auto ready = made->prepare(); !ready) return ready.error();
    std::unique_ptr<service> out = std::move(made);
    return out;
}

result<std::unique_ptr<service>> make_service(config::settings const& s, directory::directory& accounts,
                                              spool::spool& queue, signing::signer& signer, escort::office& security,
                                              forwarding::book& forwards, bounce_handler on_bounces,
                                              account_trouble_handler on_account_trouble)
{
    surroundings world;
    world.forwards = &forwards;
    world.signer = &signer;
    world.on_bounces = std::move(on_bounces);
    world.on_account_trouble = std::move(on_account_trouble);
    world.security = &security;
    world.make_resolver = escort::resolver_of(s);
    auto tls = net::make_client_tls(s.transport.authorities);
    if (!tls) return tls.error();
    world.tls = std::move(*tls);
    return make_service_in(std::move(world), s, accounts, queue);
}

}  // namespace postern::delivery
