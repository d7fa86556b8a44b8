#include "submission/server.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>

#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "base/counted.hpp"
#include "base/ids.hpp"
#include "base/listener_address.hpp"
#include "base/log.hpp"
#include "submission/program_socket.hpp"
#include "submission/session_driver.hpp"

namespace postern::submission {
namespace {

namespace asio = boost::asio;

// One I/O thread with everything that only it touches.
struct io_thread {
    std::shared_ptr<runtime const> settings;
    std::unordered_set<session_driver*> sessions;
    std::unique_ptr<filters::milter_pool> milters;
    // Below what the coroutines that it owns use when they are destroyed with it.
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::vector<std::unique_ptr<net::acceptor>> acceptors;
    std::thread thread;

    explicit io_thread(unsigned count)
    {
        milters = std::make_unique<filters::milter_pool>(context.get_executor(), count);
    }
    // Connections go before the context that they belong to; the pool after the coroutines that use it.
    ~io_thread() { milters->close(); }
    io_thread(io_thread const&) = delete;
    io_thread& operator=(io_thread const&) = delete;
};

struct session_entry {
    io_thread& home;
    session_driver* session;
    counted<std::atomic<std::size_t>> const one_more;
    session_entry(io_thread& t, session_driver* s, std::atomic<std::size_t>& all) : home(t), session(s), one_more(all)
    {
        home.sessions.insert(session);
    }
    ~session_entry() { home.sessions.erase(session); }
};

net::awaitable<void> serve(std::unique_ptr<session_driver> session, io_thread* home, std::atomic<std::size_t>* count)
{
    session_entry const entry{*home, session.get(), *count};
    co_await session->run();
}

/// Where strangers may come in.
result<std::unique_ptr<checks::examiner>> make_examiner(config::settings const& s)
{
    bool const strangers =
        std::any_of(s.listeners.begin(), s.listeners.end(), [](auto const& l) { return l.role == config::role::mx; });
    if (!strangers) return std::unique_ptr<checks::examiner>{};
    dns::options o;
    o.servers = s.dns.servers;
    o.limit = std::chrono::seconds{10};
    return checks::examiner::make(o, s.mx.check_threads);
}

unsigned thread_count(config::settings const& s)
{
    return s.threads != 0 ? s.threads : std::max(1u, std::thread::hardware_concurrency());
}

class gate final : public server {
public:
    gate(directory::directory& accounts, spool::spool& queue, guards g, signing::signer& signer,
         forwarding::book& forwards, std::unique_ptr<checks::examiner> examiner,
         std::shared_ptr<runtime const> settings, acme::good_pairs certificates,
         std::vector<std::vector<net::socket_handle>> sockets, net::socket_file file)
        : accounts_(accounts),
          queue_(queue),
          guards_(g),
          signer_(signer),
          forwards_(forwards),
          examiner_(std::move(examiner)),
          settings_(std::move(settings)),
          certificates_(std::move(certificates)),
          sockets_(std::move(sockets)),
          file_(std::move(file))
    {
    }

    ~gate() override { stop(); }

    void start() override
    {
        unsigned const count = thread_count(settings_->settings);
        for (unsigned i = 0; i < count; ++i) {
            threads_.push_back(std::make_unique<io_thread>(count));
            threads_.back()->settings = settings_;
        }
        for (unsigned i = 0; i < count; ++i) {
            auto& t = *threads_[i];
            for (std::size_t l = 0; l < sockets_.size(); ++l) open(t, l, std::move(sockets_[l][i]));
            t.thread = std::thread{[&t] { t.context.run(); }};
        }
        sockets_.clear();
    }

    result<> reload(config::settings const& s, login::judges judges) override
    {
        // Listeners stay as they were bound: adding one takes a restart.
        auto wanted = s;
        wanted.listeners = settings_->settings.listeners;
        wanted.threads = settings_->settings.threads;
        std::vector<std::string> addresses;
        std::vector<std::uint16_t> ports;
        for (auto const& l : settings_->listeners) {
            addresses.push_back(l.address);
            ports.push_back(l.port);
        }
        auto made = make_runtime(wanted, std::move(judges), addresses, ports, certificates_);
        if (!made) return std::move(made).error();
        settings_ = std::move(*made);
        for (auto& t : threads_) asio::post(t->context, [home = t.get(), rt = settings_] { home->settings = rt; });
        return done{};
    }

    void drain() override
    {
        for (auto& t : threads_) {
            asio::post(t->context, [home = t.get()] {
                home->acceptors.clear();
                for (auto* s : home->sessions) s->drain();
            });
        }
        constexpr auto step = std::chrono::milliseconds{10};
        auto const until = steady_clock::now() + settings_->settings.timeouts.drain;
        while (sessions() != 0 && steady_clock::now() < until) std::this_thread::sleep_for(step);
        for (auto& t : threads_) {
            asio::post(t->context, [home = t.get()] {
                for (auto* s : home->sessions) s->cut();
            });
        }
        auto const last = steady_clock::now() + std::chrono::seconds{5};
        while (sessions() != 0 && steady_clock::now() < last) std::this_thread::sleep_for(step);
        stop();
    }

    // The contexts stay: a commit or a hash that outlived the drain may still post its answer,
    // which then nobody hears.
    void stop() override
    {
        for (auto& t : threads_) {
            t->work.reset();
            t->context.stop();
        }
        for (auto& t : threads_)
            if (t->thread.joinable()) t->thread.join();
        if (examiner_) examiner_->stop();
    }

    std::vector<listening> listeners() const override
    {
        std::vector<listening> out;
        for (auto const& l : settings_->listeners) {
            bool const submission = l.configured.role == config::role::submission;
            char const* const tls = l.configured.tls == config::tls_mode::starttls   ? "starttls"
                                    : l.configured.tls == config::tls_mode::implicit ? "implicit"
                                                                                     : "none";
            char const* const role = l.for_programs ? "sendmail" : submission ? "submission" : "mx";
            out.push_back({l.address, role, tls});
        }
        return out;
    }

    std::size_t sessions() const override { return count_.load(std::memory_order_relaxed); }

    std::vector<live_session> list_sessions(std::size_t most, steady_clock::duration patience) override
    {
        // Outlives the question where a thread answers too late.
        auto const answers = std::make_shared<collected>();
        for (auto& t : threads_) {
            asio::post(t->context, [home = t.get(), answers, most] {
                std::vector<live_session> mine;
                for (auto const* s : home->sessions) {
                    if (mine.size() == most) break;
                    mine.push_back(s->describe());
                }
                std::scoped_lock const hold{answers->lock};
                std::move(mine.begin(), mine.end(), std::back_inserter(answers->sessions));
                ++answers->threads;
                answers->more.notify_one();
            });
        }
        std::unique_lock hold{answers->lock};
        answers->more.wait_for(hold, patience, [&] { return answers->threads == threads_.size(); });
        auto all = std::move(answers->sessions);
        hold.unlock();
        std::sort(all.begin(), all.end(),
                  [](live_session const& a, live_session const& b) { return a.since < b.since; });
        if (all.size() > most) all.resize(most);
        return all;
    }

private:
    struct collected {
        std::mutex lock;
        std::condition_variable more;
        std::vector<live_session> sessions;
        std::size_t threads = 0;
    };

    void open(io_thread& t, std::size_t listener, net::socket_handle socket)
    {
        net::acceptor_handlers handlers;
        handlers.taken = [this, &t, listener](std::unique_ptr<net::stream> peer) {
            services const s{accounts_,       queue_,          connections_,        guards_.logins,
                             guards_.sending, guards_.conduct, guards_.devices,     signer_,
                             forwards_,       *t.milters,      guards_.checks_seen, examiner_.get()};
            auto session = std::make_unique<session_driver>(s, t.settings, listener, std::move(peer));
            asio::co_spawn(t.context, serve(std::move(session), &t, &count_), [](std::exception_ptr const& failed) {
                if (!failed) return;
                try {
                    std::rethrow_exception(failed);
                } catch (std::exception const& e) {
                    log::event(log::level::error, "session_failed", {{"problem", e.what()}});
                }
            });
        };
        handlers.turned_away = [&t, listener](endpoint remote) {
            session_identity who;
            who.id = make_session_id();
            who.listener = t.settings->listeners[listener].address;
            who.client = remote.to_string();
            auto const why = catalogue::make_verdict(catalogue::rules::too_many_connections);
            log_incident(who, *why.why, "no file descriptor is free");
            return catalogue::to_reply(why, who.id);
        };
        t.acceptors.push_back(net::start_acceptor(t.context.get_executor(), std::move(socket), std::move(handlers)));
    }

    directory::directory& accounts_;
    spool::spool& queue_;
    guards guards_;
    signing::signer& signer_;
    forwarding::book& forwards_;
    std::unique_ptr<checks::examiner> examiner_;
    net::connection_limits connections_;
    std::shared_ptr<runtime const> settings_;
    acme::good_pairs certificates_;                         // touched by reloads only
    std::vector<std::vector<net::socket_handle>> sockets_;  // by listener, then by thread; until start()
    net::socket_file file_;                                 // of `postern sendmail`
    std::atomic<std::size_t> count_{0};
    std::vector<std::unique_ptr<io_thread>> threads_;
};

}  // namespace

result<std::vector<inherited_socket>> bind_listeners(config::settings const& s, std::vector<inherited_socket> inherited)
{
    unsigned const count = thread_count(s);
    std::vector<inherited_socket> out;
    for (auto const& l : s.listeners) {
        auto const passed = std::find_if(inherited.begin(), inherited.end(),
                                         [&](auto const& i) { return is_same_listener_address(i.address, l.address); });
        if (passed != inherited.end()) {
            // One socket for all threads: they share its queue.
            for (unsigned i = 1; i < count; ++i)
                out.push_back({net::socket_handle{::dup(passed->socket.get())}, l.address});
            out.push_back({std::move(passed->socket), l.address});
            inherited.erase(passed);
            continue;
        }
        // "[::]:25" leaves IPv4 alone where another listener has "0.0.0.0:25".
        auto const port = l.address.substr(l.address.rfind(':'));
        bool const only_ipv6 = std::any_of(s.listeners.begin(), s.listeners.end(),
                                           [&](auto const& other) { return other.address == "0.0.0.0" + port; });
        auto bound = net::bind_sockets(l.address, only_ipv6, count);
        if (!bound) return std::move(bound).error();
        for (auto& socket : *bound) out.push_back({std::move(socket), l.address});
    }
    auto programs = bind_program_socket(s);
    if (!programs) return std::move(programs).error();
    if (*programs) {
        auto const address = program_socket_address(s);
        for (unsigned i = 1; i < count; ++i)
            out.push_back({net::socket_handle{::dup((*programs)->socket.get())}, address});
        out.push_back({std::move((*programs)->socket), address, std::move((*programs)->file)});
    }
    for (auto const& left : inherited)
        log::event(log::level::warning, "socket_not_used",
                   {{"address", left.address}, {"remedy", "no [[listener]] has this address; add one"}});
    return out;
}

result<std::unique_ptr<server>> make_server(config::settings const& configured, login::judges judges,
                                            directory::directory& accounts, spool::spool& queue, guards g,
                                            signing::signer& signer, forwarding::book& forwards,
                                            std::vector<inherited_socket> sockets)
{
    auto s = configured;
    net::socket_file file;
    if (!sockets.empty() && is_program_socket(sockets.back().address)) {
        s.listeners.push_back(program_listener(sockets.back().address));
        file = std::move(sockets.back().file);
    } else if (!s.sendmail.socket.empty()) {
        log::event(log::level::info, "no_sendmail_socket",
                   {{"path", s.sendmail.socket.string()},
                    {"remedy",
                     "`postern sendmail` needs it: make its folder, see that no other server has it, or set "
                     "sendmail.socket"}});
    }
    std::vector<std::vector<net::socket_handle>> by_listener(s.listeners.size());
    std::vector<std::string> addresses;
    std::vector<std::uint16_t> ports;
    std::size_t next = 0;
    for (auto& of_listener : by_listener) {
        for (unsigned i = 0; i < thread_count(s); ++i) of_listener.push_back(std::move(sockets.at(next++).socket));
        auto const& written = s.listeners[addresses.size()].address;
        auto const address = is_program_socket(written) ? written : net::bound_address(of_listener.front().get());
        addresses.push_back(address);
        auto const where = endpoint::parse(address);
        ports.push_back(where ? where->port : std::uint16_t{0});
    }
    acme::good_pairs certificates;
    auto settings = make_runtime(s, std::move(judges), addresses, ports, certificates);
    if (!settings) return std::move(settings).error();
    auto examiner = make_examiner(s);
    if (!examiner) return std::move(examiner).error();
    return std::unique_ptr<server>{std::make_unique<gate>(accounts, queue, g, signer, forwards, std::move(*examiner),
                                                          std::move(*settings), std::move(certificates),
                                                          std::move(by_listener), std::move(file))};
}

}  // namespace postern::submission
