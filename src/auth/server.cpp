#include "auth/server.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <unordered_set>

#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "auth/client_connection.hpp"
#include "auth/master_connection.hpp"
#include "base/log.hpp"

namespace postern::auth {
namespace {

namespace asio = boost::asio;

// Each process of another server that looks after clients keeps one.
constexpr std::size_t most_connections = 2000;
// What a client did not go on with is forgotten after one to two of these, as Dovecot does it.
constexpr std::chrono::seconds sweep_every{75};

net::socket_file_options file_of(config::auth_socket const& c) { return {c.path.string(), c.owner, c.group, c.mode}; }

std::string place_of(config::auth_socket const& c) { return c.path.empty() ? c.address : c.path.string(); }

result<bound_door> bind_door(config::auth_socket const& c)
{
    bound_door d;
    d.what = {place_of(c), c};
    if (!c.path.empty()) {
        auto made = net::socket_file::make(file_of(c), d.socket);
        if (!made) return std::move(made).error();
        d.file = std::move(*made);
        return d;
    }
    auto bound = net::bind_sockets(c.address, false, 1);
    if (!bound) return std::move(bound).error();
    d.socket = std::move(bound->front());
    d.what.name = net::bound_address(d.socket.get());
    return d;
}

class auth_server final : public server {
public:
    auth_server(config::settings const& s, login::judges judges, login::services logins, std::vector<bound_door> doors)
        : logins_(std::move(logins)), drain_time_(s.timeouts.drain), sweep_(context_)
    {
        in_force_ = std::make_shared<state const>(state{s, std::move(judges)});
        for (auto& d : doors) listeners_.push_back(listening_at(d.what));
        fresh_ = std::move(doors);
    }

    ~auth_server() override
    {
        stop();
        // Their streams belong to the context.
        doors_.clear();
    }

    void start() override
    {
        open(std::move(fresh_));
        wait_to_sweep();
        thread_ = std::thread{[this] { context_.run(); }};
    }

    result<> reload(config::settings const& s, login::judges judges) override
    {
        // First all that may fail.
        std::vector<bound_door> made;
        for (auto const& c : s.auth_sockets) {
            if (auto const* const there = find(c)) {
                if (auto changed = there->file.change(file_of(c)); !changed) return changed;
                continue;
            }
            auto d = bind_door(c);
            if (!d) return std::move(d).error();
            made.push_back(std::move(*d));
        }
        drain_time_ = s.timeouts.drain;
        auto next = std::make_shared<state const>(state{s, std::move(judges)});
        // The list of doors is the thread's; nobody else changes it, and this waits for the change.
        auto const changed = std::make_shared<std::promise<void>>();
        auto const done_there = changed->get_future();
        asio::post(context_, [&, changed] {
            in_force_ = std::move(next);
            take_up(s.auth_sockets);
            open(std::move(made));
            changed->set_value();
        });
        done_there.wait();
        listeners_.clear();
        for (auto const& d : doors_) listeners_.push_back(listening_at(d->what));
        return done{};
    }

    void drain() override
    {
        asio::post(context_, [this] {
            doors_.clear();
            for (auto* c : std::vector<connection*>{connections_.begin(), connections_.end()}) c->drain();
        });
        constexpr auto step = std::chrono::milliseconds{10};
        auto const until = steady_clock::now() + drain_time_;
        while (count_.load() != 0 && steady_clock::now() < until) std::this_thread::sleep_for(step);
        stop();
    }

    void stop() override
    {
        work_.reset();
        context_.stop();
        if (thread_.joinable()) thread_.join();
    }

    std::vector<listening> listeners() const override { return listeners_; }

private:
    struct open_door {
        door what;
        net::socket_file file;
        std::unique_ptr<net::acceptor> acceptor;
    };

    static listening listening_at(door const& d)
    {
        return {d.name, d.configured.role == config::auth_role::auth ? "auth" : "master"};
    }

    /// The open door that is the same place.
    open_door const* find(config::auth_socket const& c) const
    {
        for (auto const& d : doors_)
            if (place_of(d->what.configured) == place_of(c)) return d.get();
        return nullptr;
    }

    void take_up(std::vector<config::auth_socket> const& wanted)
    {
        std::erase_if(doors_, [&](auto const& d) {
            auto const same = std::find_if(wanted.begin(), wanted.end(),
                                           [&](auto const& c) { return place_of(c) == place_of(d->what.configured); });
            if (same == wanted.end()) return true;
            d->what.configured = *same;
            return false;
        });
    }

    void open(std::vector<bound_door> doors)
    {
        for (auto& b : doors) {
            auto d = std::make_unique<open_door>();
            d->what = std::move(b.what);
            d->file = std::move(b.file);
            net::acceptor_handlers handlers;
            handlers.taken = [this, at = d.get()](std::unique_ptr<net::stream> peer) {
                take(at->what, std::move(peer));
            };
            handlers.turned_away = [](endpoint) { return std::string{}; };
            d->acceptor = net::start_acceptor(context_.get_executor(), std::move(b.socket), std::move(handlers));
            doors_.push_back(std::move(d));
        }
    }

    void take(door const& at, std::unique_ptr<net::stream> peer)
    {
        if (connections_.size() >= most_connections) {
            log::event(log::level::warning, "auth_socket_full",
                       {{"listener", at.name}, {"connections", connections_.size()}});
            return;
        }
        services const s{logins_, [this] { return in_force_; }};
        std::shared_ptr<connection> c;
        if (at.configured.role == config::auth_role::auth)
            c = std::make_shared<client_connection>(s, at, ++last_number_, register_, std::move(peer));
        else
            c = std::make_shared<master_connection>(s, at, register_, std::move(peer));
        connections_.insert(c.get());
        count_ = connections_.size();
        auto* const key = c.get();
        asio::co_spawn(context_, key->run(std::move(c)), [this, key](std::exception_ptr failed) {
            connections_.erase(key);
            count_ = connections_.size();
            if (!failed) return;
            try {
                std::rethrow_exception(failed);
            } catch (std::exception const& e) {
                log::event(log::level::error, "session_failed", {{"problem", e.what()}});
            }
        });
    }

    void wait_to_sweep()
    {
        sweep_.expires_after(sweep_every);
        sweep_.async_wait([this](net::error_code ec) {
            if (ec) return;
            for (auto* c : connections_) c->sweep();
            wait_to_sweep();
        });
    }

    login::services const logins_;
    std::chrono::seconds drain_time_;
    std::vector<listening> listeners_;
    std::vector<bound_door> fresh_;  // until start()
    std::atomic<std::size_t> count_{0};

    // The thread's.
    std::shared_ptr<state const> in_force_;
    dovecot::login_register register_;
    std::uint32_t last_number_ = 0;
    std::unordered_set<connection*> connections_;
    // Below what the coroutines that it owns use when they are destroyed with it.
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    asio::steady_timer sweep_;
    std::vector<std::unique_ptr<open_door>> doors_;
    std::thread thread_;
};

}  // namespace

result<std::vector<bound_door>> bind_doors(config::settings const& s)
{
    std::vector<bound_door> out;
    for (auto c : s.auth_sockets) {
        // Root makes it for the user that the server becomes.
        if (c.owner.empty() && ::geteuid() == 0) c.owner = s.user;
        auto d = bind_door(c);
        if (!d) return std::move(d).error();
        out.push_back(std::move(*d));
    }
    return out;
}

std::unique_ptr<server> make_server(config::settings const& s, login::judges judges, login::services logins,
                                    std::vector<bound_door> doors)
{
    return std::make_unique<auth_server>(s, std::move(judges), std::move(logins), std::move(doors));
}

}  // namespace postern::auth
