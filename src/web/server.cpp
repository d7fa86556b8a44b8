#include "web/server.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "base/log.hpp"
#include "net/connection_limits.hpp"
#include "web/connection.hpp"
#include "web/mail_link.hpp"

namespace postern::web {
namespace {

namespace asio = boost::asio;

constexpr std::uint32_t most_connections = 2000, crowd = 1500;
constexpr std::uint32_t most_from_one_address = 100;
constexpr auto patience_at_the_end = std::chrono::seconds{3};

struct io_thread {
    house shared;
    std::unique_ptr<mail_link> link;
    // Below what the coroutines that it owns use when they are destroyed with it.
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::vector<net::socket_handle> https, http;
    std::vector<std::unique_ptr<net::acceptor>> acceptors;
    std::thread thread;

    explicit io_thread(std::string const& mail_socket) { link = make_mail_link(context.get_executor(), mail_socket); }
    // What is open goes before the context that it belongs to.
    ~io_thread() { link->close(); }
    io_thread(io_thread const&) = delete;
    io_thread& operator=(io_thread const&) = delete;
};

/// Room for one connection, while there is.
class place {
public:
    place(net::connection_limits& all, ip_address client)
        : all_(all),
          client_(client),
          in_total_(all.enter_total(most_connections)),
          of_address_(all.enter_address(client, most_from_one_address))
    {
    }
    ~place()
    {
        all_.leave_total();
        all_.leave_address(client_);
    }
    place(place const&) = delete;
    place& operator=(place const&) = delete;
    bool is_free() const noexcept { return in_total_ && of_address_; }

private:
    net::connection_limits& all_;
    ip_address client_;
    bool in_total_, of_address_;
};

net::awaitable<void> serve_peer(house* shared, net::connection_limits* all, std::unique_ptr<net::stream> peer,
                                bool secure)
{
    place const mine{*all, peer->remote().address};
    shared->crowded = all->total() > crowd;
    // Without a word: to say something would take a handshake, and that is what a flood wants.
    if (!mine.is_free()) co_return;
    co_await serve_connection(*shared, *peer, secure);
}

void log_failure(std::exception_ptr failed)
{
    if (!failed) return;
    try {
        std::rethrow_exception(failed);
    } catch (std::exception const& e) {
        log::event(log::level::error, "web_connection_failed", {{"problem", e.what()}});
    }
}

class pages final : public server {
public:
    pages(router const& table, server_options o)
    {
        for (unsigned i = 0; i < o.threads; ++i) {
            auto t = std::make_unique<io_thread>(o.mail_socket);
            t->shared.table = &table;
            t->shared.server = t->link.get();
            t->https = share_of(o.https, i, o.threads);
            t->http = share_of(o.http, i, o.threads);
            threads_.push_back(std::move(t));
        }
        for (auto& t : threads_) t->thread = std::thread{[context = &t->context] { context->run(); }};
    }

    ~pages() override
    {
        for (auto& t : threads_) {
            t->work.reset();
            t->context.stop();
        }
        for (auto& t : threads_) t->thread.join();
    }

    void serve(std::shared_ptr<net::tls_context> tls, std::uint16_t https_port) override
    {
        for (auto& t : threads_) {
            asio::post(t->context, [this, home = t.get(), tls, https_port] {
                home->shared.tls = tls;
                home->shared.https_port = https_port;
                open(*home);
            });
        }
    }

    void drain() override
    {
        for (auto& t : threads_) {
            asio::post(t->context, [this, home = t.get()] {
                home->acceptors.clear();
                home->shared.ending = true;
                ++told_;
            });
        }
        auto const until = steady_clock::now() + patience_at_the_end;
        while (!is_idle() && steady_clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }

    void run(task what) override
    {
        auto& home = *threads_.front();
        asio::co_spawn(home.context, perform(std::move(what), home.link.get()), log_failure);
    }

private:
    static net::awaitable<void> perform(task what, server_link* link) { co_await what(*link); }

    /// Every thread listens to every address: on a socket of its own, where there are as many.
    static std::vector<net::socket_handle> share_of(std::vector<net::socket_handle>& all, unsigned thread,
                                                    unsigned threads)
    {
        std::vector<net::socket_handle> mine;
        if (all.size() >= threads) {
            for (std::size_t i = thread; i < all.size(); i += threads) mine.emplace_back(all[i].take());
        } else {
            for (auto const& socket : all) mine.emplace_back(::dup(socket.get()));
        }
        return mine;
    }

    void open(io_thread& t)
    {
        for (auto& socket : t.https) start(t, std::move(socket), true);
        for (auto& socket : t.http) start(t, std::move(socket), false);
        t.https.clear();
        t.http.clear();
    }

    void start(io_thread& t, net::socket_handle socket, bool secure)
    {
        net::acceptor_handlers handlers;
        handlers.taken = [this, &t, secure](std::unique_ptr<net::stream> peer) {
            asio::co_spawn(t.context, serve_peer(&t.shared, &connections_, std::move(peer), secure), log_failure);
        };
        handlers.turned_away = [](endpoint) { return std::string{}; };
        t.acceptors.push_back(net::start_acceptor(t.context.get_executor(), std::move(socket), std::move(handlers)));
    }

    bool is_idle() const
    {
        return told_ == threads_.size() &&
               std::all_of(threads_.begin(), threads_.end(), [](auto const& t) { return t->shared.busy == 0; });
    }

    net::connection_limits connections_;
    std::atomic<std::size_t> told_ = 0;  // threads that know that it ends
    std::vector<std::unique_ptr<io_thread>> threads_;
};

}  // namespace

std::unique_ptr<server> make_server(router const& table, server_options o)
{
    return std::make_unique<pages>(table, std::move(o));
}

}  // namespace postern::web
