#include "control/web_door.hpp"

#include <exception>
#include <thread>
#include <utility>

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/counted.hpp"
#include "base/log.hpp"
#include "control/sign_in.hpp"
#include "net/awaiting.hpp"
#include "net/connection_limits.hpp"

namespace postern::control {
namespace {

namespace asio = boost::asio;

// The other process keeps some open, and takes them for one request after another.
constexpr std::size_t most_connections = 256;
// A few that hash leave room for the rest; and those who guess leave room for other networks.
constexpr std::size_t most_sign_ins = 64;
constexpr std::uint32_t most_sign_ins_of_network = 4;
// Of a history that is long, several readers at once would only keep the disk from the mail.
constexpr std::size_t most_waiting_for_history = 16;
// A request comes at once when it comes; an open connection may wait for the next one.
constexpr std::chrono::seconds patience{10};
constexpr std::chrono::minutes idle{10};

result<std::optional<passwd>> look_up(std::string const& name, std::vector<char>& room)
{
    passwd entry{};
    passwd* found = nullptr;
    room.resize(1 << 14);
    int const number = ::getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &found);
    if (number == 0 && found) return std::optional{entry};
    if (::geteuid() != 0) return std::optional<passwd>{};
    return error{{5, 3, 5},
                 "",
                 "there is no user `" + name + "` for the web pages: create it (adduser --system --group " + name +
                     "), or name another one at web.user in the configuration (\"\": the server's own user)"};
}

bool has_two_users(config::settings const& s) { return !s.web.user.empty() && s.web.user != s.user; }

bool is_wanted(config::settings const& s)
{
    return !s.web.address.empty() || !s.web.http_address.empty() || !s.web.socket.empty();
}

/// /run/postern, where nobody has made it.
void make_folder(std::filesystem::path const& folder, std::string const& owner)
{
    if (::geteuid() != 0 || ::mkdir(folder.c_str(), 0755) != 0) return;
    if (::chmod(folder.c_str(), 0755) != 0) return;  // whatever the umask
    std::vector<char> room;
    auto const who = owner.empty() ? result<std::optional<passwd>>{std::optional<passwd>{}} : look_up(owner, room);
    // Trouble shows when the socket is made there.
    if (who && *who && ::chown(folder.c_str(), (*who)->pw_uid, (*who)->pw_gid) != 0) return;
}

/// One line, without its end, or why there is none.
class line_reader {
public:
    explicit line_reader(net::stream& peer) : peer_(peer) {}

    /// Empty: the other side is gone, too slow, or said too much.
    net::awaitable<std::optional<secret>> next()
    {
        auto limit = steady_clock::duration{idle};
        std::optional<steady_time> until;
        for (;;) {
            if (auto const end = kept_.find('\n'); end != std::string::npos) co_return take(end);
            if (kept_.size() > longest_web_request) co_return std::nullopt;
            if (!kept_.empty() && !until) until = steady_clock::now() + patience;
            if (until) limit = *until - steady_clock::now();
            if (limit <= steady_clock::duration::zero()) co_return std::nullopt;
            auto const got = co_await peer_.read(limit);
            if (!got) co_return std::nullopt;
            append(*got);
            peer_.wipe_input();
        }
    }
    ~line_reader() { wipe(kept_.data(), kept_.size()); }
    line_reader(line_reader const&) = delete;
    line_reader& operator=(line_reader const&) = delete;

private:
    /// Leaves nothing in memory that is given back.
    void append(std::string_view octets)
    {
        if (kept_.capacity() < kept_.size() + octets.size()) {
            std::string larger;
            larger.reserve((kept_.size() + octets.size()) * 2);
            larger = kept_;
            wipe(kept_.data(), kept_.size());
            kept_ = std::move(larger);
        }
        kept_ += octets;
    }
    std::optional<secret> take(std::size_t end)
    {
        std::optional<secret> line{secret{std::string_view{kept_}.substr(0, end)}};
        std::string rest{std::string_view{kept_}.substr(end + 1)};
        wipe(kept_.data(), kept_.size());
        kept_ = std::move(rest);
        return line;
    }

    net::stream& peer_;
    std::string kept_;
};

/// Commands that wait for each other, and for none of another lane.
struct lane_at_work {
    lane_at_work(std::size_t most_at_once, std::size_t count) : most(most_at_once), threads(count) {}
    std::size_t const most;
    std::size_t under_way = 0;
    asio::thread_pool threads;
};

class place_of_network {
public:
    place_of_network(net::connection_limits& all, ip_address client)
        : all_(all), client_(client), is_free_(all.enter_address(client, most_sign_ins_of_network))
    {
    }
    ~place_of_network() { all_.leave_address(client_); }
    place_of_network(place_of_network const&) = delete;
    place_of_network& operator=(place_of_network const&) = delete;
    bool is_free() const noexcept { return is_free_; }

private:
    net::connection_limits& all_;
    ip_address client_;
    bool is_free_;
};

class door_server final : public web_door {
public:
    door_server(bound_web_door door, login::services logins, std::function<context()> now)
        : door_(std::move(door)), logins_(std::move(logins)), now_(std::move(now))
    {
        // A wrong password that a browser has kept is no mail program's.
        logins_.on_forgotten = [](config::settings const&, login::forgotten_device const&) {};
    }
    ~door_server() override
    {
        stop();
        acceptor_.reset();
    }

    void start() override
    {
        net::acceptor_handlers handlers;
        handlers.taken = [this](std::unique_ptr<net::stream> peer) { take(std::move(peer)); };
        handlers.turned_away = [](endpoint) { return std::string{}; };
        acceptor_ = net::start_acceptor(context_.get_executor(), std::move(door_.socket), std::move(handlers));
        thread_ = std::thread{[this] { context_.run(); }};
    }

    void stop() override
    {
        door_.file.remove();
        work_.reset();
        context_.stop();
        if (thread_.joinable()) thread_.join();
        for (auto* l : {&usual_, &prompt_, &history_}) l->threads.join();  // what runs ends; nobody hears its answer
    }

private:
    bool is_allowed(net::stream const& peer) const
    {
        auto const who = peer.local_user();
        return who && (*who == 0 || *who == ::geteuid() || who == door_.user);
    }

    void take(std::unique_ptr<net::stream> peer)
    {
        if (!is_allowed(*peer)) {
            log::event(log::level::warning, "web_socket_stranger",
                       {{"user", static_cast<std::int64_t>(peer->local_user().value_or(0))}});
            return;
        }
        if (connections_ >= most_connections) {
            log::event(log::level::warning, "web_socket_full", {{"connections", connections_}});
            return;
        }
        ++connections_;
        asio::co_spawn(context_, serve(std::move(peer)), [this](std::exception_ptr const& failed) {
            --connections_;
            if (!failed) return;
            try {
                std::rethrow_exception(failed);
            } catch (std::exception const& e) {
                log::event(log::level::error, "session_failed", {{"problem", e.what()}});
            }
        });
    }

    net::awaitable<void> serve(std::unique_ptr<net::stream> peer)
    {
        line_reader lines{*peer};
        for (;;) {
            auto const line = co_await lines.next();
            if (!line) break;
            auto asked = parse_web_request(line->reveal());
            if (!asked) {
                failure const wrong{failure::kind::usage, "this is not a request of the web socket", {}};
                auto const told = print_response(outcome{wrong});
                static_cast<void>(co_await peer->finish(told.reveal(), patience));
                break;
            }
            auto const answer = co_await perform(std::move(*asked));
            auto const sent = co_await peer->write(answer.reveal(), patience);
            if (!sent) break;
        }
        peer->close();
    }

    net::awaitable<secret> perform(request asked)
    {
        auto const client = ip_address::parse(asked.client);
        if (!client) {
            failure const wrong{failure::kind::usage, "the client is not an address", {}};
            co_return print_response(outcome{wrong});
        }
        if (asked.command == "web sign-in") {
            auto const done = co_await sign_in_of(*client, std::move(asked));
            co_return print_response(done);
        }
        auto& mine = lane_of(asked.command);
        if (mine.under_way >= mine.most) {
            failure const busy{failure::kind::unavailable, "too many ask for that at once; try again in a moment", {}};
            co_return print_response(outcome{busy});
        }
        counted const one{mine.under_way};
        auto const shared = std::make_shared<request>(std::move(asked));
        auto begin = [this, shared, &mine](std::function<void(secret)> handler) {
            asio::post(mine.threads, [this, shared, handler = std::move(handler)] { handler(run(*shared)); });
        };
        auto answer = co_await net::await_handler<secret>(context_.get_executor(), std::move(begin));
        co_return answer;
    }

    lane_at_work& lane_of(std::string_view name)
    {
        auto const* const what = find_command(name);
        if (!what || what->lane == lane::usual) return usual_;
        return what->lane == lane::prompt ? prompt_ : history_;
    }

    /// Who has to wait for a refusal is in the way of the own network only.
    net::awaitable<outcome> sign_in_of(ip_address client, request asked)
    {
        place_of_network const mine{sign_ins_of_, client};
        if (!mine.is_free()) {
            failure many{
                failure::kind::put_off, "too many sign in from one network at once; try again in a moment", {}};
            co_return outcome{std::move(many)};
        }
        auto judged = co_await sign_in_some(std::move(asked));
        asio::steady_timer timer{context_, judged.not_before};
        boost::system::error_code ignored;
        if (judged.not_before != steady_time{})
            co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        co_return std::move(judged.told);
    }

    net::awaitable<judged_sign_in> sign_in_some(request asked)
    {
        if (sign_ins_ >= most_sign_ins) {
            failure busy{failure::kind::unavailable, "too many people sign in at once; try again in a moment", {}};
            co_return judged_sign_in{std::move(busy)};
        }
        counted const one{sign_ins_};
        auto c = now_();
        c.caller = caller_of(asked);
        auto done = co_await sign_in(logins_, std::move(c), std::move(asked.arguments), context_.get_executor());
        co_return done;
    }

    static caller caller_of(request const& asked)
    {
        caller who;
        who.through = caller::door::web;
        who.from = asked.client;
        return who;
    }

    /// On a thread that may wait.
    secret run(request const& asked)
    {
        try {
            auto c = now_();
            c.caller = caller_of(asked);
            if (!asked.session.empty())
                if (auto trouble = find_visitor(c, asked.session.reveal(), find_command(asked.command)))
                    return print_response(outcome{std::move(*trouble)});
            return print_response(run_command(c, asked.command, asked.arguments));
        } catch (std::exception const& e) {
            // The server must not end because of one command.
            log::event(log::level::error, "command_failed", {{"command", asked.command}, {"reason", e.what()}});
            return print_response(outcome{failure{failure::kind::unavailable, "the server could not do it", {}}});
        }
    }

    bound_web_door door_;
    login::services logins_;
    std::function<context()> const now_;

    // The thread's.
    std::size_t connections_ = 0;
    std::size_t sign_ins_ = 0;
    net::connection_limits sign_ins_of_;
    lane_at_work usual_{most_connections, 4}, prompt_{most_connections, 1}, history_{most_waiting_for_history, 1};
    // Below what the coroutines that it owns use when they are destroyed with it.
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    std::unique_ptr<net::acceptor> acceptor_;
    std::thread thread_;
};

}  // namespace

std::filesystem::path web_socket_path(config::settings const& s)
{
    if (!s.web.socket.empty()) return s.web.socket;
    return has_two_users(s) ? std::filesystem::path{"/run/postern/web.sock"} : s.data_dir / "web.sock";
}

bool is_in_data_dir(config::settings const& s) { return web_socket_path(s).parent_path() == s.data_dir; }

result<std::optional<bound_web_door>> bind_web_door(config::settings const& s)
{
    auto const path = web_socket_path(s);
    if (!is_wanted(s)) return std::optional<bound_web_door>{};
    if (s.web.socket.empty() && path.native().size() > net::longest_socket_path) {
        log::event(log::level::warning, "no_web_socket",
                   {{"path", path.native()}, {"text", "the path is too long for a socket; web.socket names another"}});
        return std::optional<bound_web_door>{};
    }
    bound_web_door door;
    net::socket_file_options wanted;
    wanted.path = path.native();
    wanted.mode = "0600";
    // Root makes it for the user that the server becomes.
    if (::geteuid() == 0) wanted.owner = s.user;
    if (has_two_users(s)) {
        std::vector<char> room;
        auto const other = look_up(s.web.user, room);
        if (!other) return other.error();
        if (*other) door.user = (*other)->pw_uid;
        if (*other && (::geteuid() == 0 || ::group_member((*other)->pw_gid) != 0)) {
            wanted.mode = "0660";
            wanted.group_number = (*other)->pw_gid;
        }
        if (s.web.socket.empty()) make_folder(path.parent_path(), s.user);
    }
    auto file = net::socket_file::make(wanted, door.socket);
    if (!file) return std::move(file).error();
    door.file = std::move(*file);
    return std::optional<bound_web_door>{std::move(door)};
}

std::unique_ptr<web_door> make_web_door(bound_web_door door, login::services logins, std::function<context()> now)
{
    return std::make_unique<door_server>(std::move(door), std::move(logins), std::move(now));
}

}  // namespace postern::control
