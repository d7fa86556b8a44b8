#include "client/sender.hpp"

#include <algorithm>
#include <array>

#include <netdb.h>
#include <unistd.h>

#include "base/text.hpp"

namespace postern::client {

using net::awaitable;
using namespace std::chrono_literals;

namespace {

constexpr auto connect_patience = 10s;  // for one address
constexpr auto silence = 5s;            // of a server that may be waiting for TLS
constexpr std::size_t most_addresses = 4;

trouble make_trouble(stage where, trouble::kind what, std::string text)
{
    trouble t;
    t.where = where;
    t.what = what;
    t.text = std::move(text);
    return t;
}

std::optional<trouble> unless_ok(stage where, step_result r)
{
    if (r.ok()) return std::nullopt;
    auto t = make_trouble(where, trouble::kind::step, r.to_string());
    t.how = std::move(r);
    return t;
}

bool is_for_implicit_tls(std::uint16_t port) noexcept { return port == 465 || port == 2465; }

// Where a server that is silent only takes its time.
bool is_for_clear_start(std::uint16_t port) noexcept
{
    return port == 25 || port == 587 || port == 2525 || port == 2587;
}

std::string list_of(std::vector<std::string> const& words)
{
    std::string all;
    for (auto const& w : words) all += (all.empty() ? "" : " ") + w;
    return printable(all, 200);
}

}  // namespace

std::string_view name_of(stage s) noexcept
{
    constexpr std::array<std::string_view, 10> names{"look-up", "connect", "tls",  "greeting", "hello",
                                                     "login",   "mail",    "rcpt", "data",     "content"};
    return names[static_cast<std::size_t>(s)];
}

bool trouble::temporary() const noexcept
{
    auto const may_pass = [](step_result const& r) {
        if (r.how == ending::reply) return r.said.temporary();
        return r.how == ending::timed_out || r.how == ending::closed || r.how == ending::unconnected;
    };
    if (what == kind::login) return may_pass(login.last);
    if (what == kind::no_such_host) return how.how == ending::timed_out;
    return what == kind::step && may_pass(how);
}

sender::sender(boost::asio::any_io_executor executor, sender_options options, std::shared_ptr<net::tls_context> tls,
               transcript log)
    : options_(std::move(options)), tls_(std::move(tls)), talk_(std::move(executor), std::move(log))
{
}

awaitable<std::optional<trouble>> sender::open()
{
    usable_ = false;
    if (auto bad = co_await reach()) co_return bad;
    if (auto bad = co_await encrypt_and_greet()) co_return bad;
    if (options_.who.wants_login())
        if (auto bad = co_await log_in()) co_return bad;
    usable_ = true;
    co_return std::nullopt;
}

awaitable<std::optional<trouble>> sender::reach()
{
    maybe_trouble last = make_trouble(stage::look_up, trouble::kind::no_such_host, "there is no server to connect to");
    for (auto const& to : options_.routes) {
        last = co_await reach(to);
        if (!last) break;
    }
    co_return last;
}

awaitable<std::optional<trouble>> sender::reach(client::route to)
{
    route_ = to;
    auto found = co_await look_up(talk_.executor(), to.host, options_.patience);
    if (found.addresses.empty()) {
        auto t = make_trouble(stage::look_up, trouble::kind::no_such_host,
                              "the name " + printable(to.host, 255) + " can't be looked up: " + found.problem);
        bool const silent = found.timed_out || found.failure == EAI_AGAIN;
        t.how.how = silent ? ending::timed_out : ending::unconnected;
        t.how.problem = found.problem;
        talk_.log().note(t.text);
        co_return t;
    }
    maybe_trouble last;
    for (auto const& address : in_turn(found.addresses, most_addresses)) {
        endpoint const there{address, to.port};
        auto r = co_await talk_.connect(there, std::min<steady_clock::duration>(options_.patience, connect_patience));
        last = unless_ok(stage::connect, std::move(r));
        if (!last) break;
        last->text = to.to_string() + " (" + there.to_string() + "): " + last->text;
    }
    co_return last;
}

awaitable<std::optional<trouble>> sender::encrypt_and_greet()
{
    bool const at_once =
        route_.tls == tls_mode::implicit || (route_.tls == tls_mode::automatic && is_for_implicit_tls(route_.port));
    if (at_once) {
        auto bad = co_await begin_in_tls();
        bool const clear = bad && bad->how.how == ending::malformed && bad->how.service == service::smtp;
        if (!clear || route_.tls != tls_mode::automatic) co_return bad;
        talk_.log().note("this port begins without TLS");
        talk_.close();
        if (auto again = co_await reach(route_)) co_return again;
    }
    co_return co_await begin_in_clear();
}

awaitable<std::optional<trouble>> sender::begin_in_tls()
{
    auto shaken = co_await talk_.handshake(terms(), options_.patience);
    if (auto bad = unless_ok(stage::tls, std::move(shaken))) co_return bad;
    if (auto bad = judge_certificate()) co_return bad;
    auto greeted = co_await talk_.greeting(options_.patience);
    if (auto bad = unless_ok(stage::greeting, std::move(greeted))) co_return bad;
    co_return co_await hello();
}

awaitable<std::optional<trouble>> sender::begin_in_clear()
{
    bool const may_wait_for_tls = route_.tls == tls_mode::automatic && !is_for_clear_start(route_.port);
    auto limit = options_.patience;
    if (may_wait_for_tls) limit = std::min<steady_clock::duration>(limit, silence);
    auto greeted = co_await talk_.greeting(limit);
    if (may_wait_for_tls && greeted.how == ending::timed_out && greeted.first.empty()) {
        talk_.log().note("the server says nothing: it may be waiting for TLS");
        co_return co_await begin_in_tls();
    }
    if (auto bad = unless_ok(stage::greeting, std::move(greeted))) co_return bad;
    if (auto bad = co_await hello()) co_return bad;
    if (route_.tls == tls_mode::none) co_return std::nullopt;
    if (!talk_.announced().known.starttls) {
        if (route_.tls == tls_mode::automatic) co_return std::nullopt;
        co_return make_trouble(stage::tls, trouble::kind::no_starttls, "the server does not offer STARTTLS");
    }
    auto shaken = co_await talk_.start_tls(terms(), options_.patience);
    if (auto bad = unless_ok(stage::tls, std::move(shaken))) co_return bad;
    if (auto bad = judge_certificate()) co_return bad;
    co_return co_await hello();
}

awaitable<std::optional<trouble>> sender::hello()
{
    auto r = co_await talk_.hello(options_.hello.empty() ? own_name() : options_.hello, options_.patience);
    co_return unless_ok(stage::hello, std::move(r));
}

// RFC 5321 section 4.1.3: who has no name in the DNS gives an address.
std::string sender::own_name() const
{
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) == 0)
        if (std::string_view const said = name.data();
            said.find('.') != std::string_view::npos && mail::parse_domain(said))
            return std::string{said};
    auto const here = talk_.local().value_or(endpoint{}).address;
    return (here.is_v4() ? "[" : "[IPv6:") + here.to_string() + "]";
}

std::optional<trouble> sender::judge_certificate() const
{
    if (talk_.tls() == nullptr)
        return make_trouble(stage::tls, trouble::kind::no_starttls, "the connection is not encrypted");
    if (talk_.tls()->peer_verified || options_.trusts.unverified) return std::nullopt;
    return make_trouble(
        stage::tls, trouble::kind::wrong_certificate,
        "the certificate of " + printable(route_.host, 255) + " does not verify: " + talk_.tls()->peer_problem);
}

std::optional<trouble> sender::judge_login(std::string const& mechanism) const
{
    if (talk_.tls() == nullptr && !options_.trusts.password_in_clear)
        return make_trouble(stage::login, trouble::kind::clear_password,
                            "the connection is not encrypted: no log-in by " + mechanism + " over it");
    if (talk_.tls() != nullptr && !talk_.tls()->peer_verified && !options_.trusts.password_to_unverified)
        return make_trouble(stage::login, trouble::kind::wrong_certificate,
                            "the certificate does not verify (" + talk_.tls()->peer_problem + "): no log-in by " +
                                mechanism + " there");
    return std::nullopt;
}

tls_terms sender::terms() const
{
    tls_terms t;
    t.context = tls_;
    t.name = route_.host;
    return t;
}

sasl::client_credentials sender::credentials() const
{
    auto const& who = options_.who;
    sasl::client_credentials c;
    c.authcid = who.user;
    c.authzid = who.authzid;
    c.password = who.password;
    c.token = who.token;
    c.certificate = who.certificate;
    c.host = route_.host;
    c.port = route_.port;
    return c;
}

std::string sender::choose_mechanism(std::vector<std::string> const& turned_down) const
{
    auto offered = talk_.announced().known.mechanisms;
    std::erase_if(offered, [&](auto const& name) {
        return std::find(turned_down.begin(), turned_down.end(), name) != turned_down.end();
    });
    // The machine's user has a ticket for many a server: it is used where that is asked for.
    auto const is_gssapi = [](auto const& name) { return equal_ignoring_case(name, sasl::gssapi); };
    if (options_.who.allows(sasl::gssapi) && std::any_of(offered.begin(), offered.end(), is_gssapi))
        return std::string{sasl::gssapi};
    auto const options = talk_.mechanism_options();
    sasl::client_means means;
    means.password = !options_.who.password.empty();
    means.token = !options_.who.token.empty();
    means.certificate = options_.who.certificate;
    return std::string{sasl::choose_mechanism(offered, options, means, options_.who.mechanisms)};
}

awaitable<std::optional<trouble>> sender::log_in()
{
    auto const& offered = talk_.announced().known.mechanisms;
    if (offered.empty()) {
        // Many offer it under TLS only, which is the better thing to be told.
        if (talk_.tls() == nullptr)
            if (auto bad = judge_login("any mechanism")) co_return bad;
        co_return make_trouble(stage::login, trouble::kind::no_login, "the server offers no log-in (AUTH)");
    }
    std::vector<std::string> turned_down;
    std::string unusable;  // why one of them is
    for (;;) {
        auto const name = choose_mechanism(turned_down);
        if (name.empty())
            co_return make_trouble(
                stage::login, trouble::kind::no_mechanism,
                "none of the server's mechanisms (" + list_of(offered) + ") works with what was given" +
                    (options_.who.mechanisms.empty() ? "" : ", which allows " + list_of(options_.who.mechanisms)) +
                    (unusable.empty() ? "" : "; " + unusable));
        if (auto bad = judge_login(name)) co_return bad;
        auto r = co_await talk_.authenticate(name, credentials(), options_.patience);
        if (r.accepted()) {
            mechanism_ = name;
            co_return std::nullopt;
        }
        // RFC 4954 section 4: the mechanism itself is not taken, so another may be.
        bool const another = r.how == login_result::what::refused && r.last.said.code == 504;
        if (another || r.how == login_result::what::unusable) {
            turned_down.push_back(name);
            if (!another) unusable = r.last.problem;
            continue;
        }
        auto t = make_trouble(stage::login, trouble::kind::login,
                              name + ": " + (r.last.problem.empty() ? r.last.to_string() : r.last.problem));
        if (r.how == login_result::what::unproven_server) t.text = name + ": the server could not prove itself";
        if (!r.server_error.empty()) t.text += " (" + r.server_error + ')';
        t.login = std::move(r);
        co_return t;
    }
}

awaitable<void> sender::quit()
{
    // Who says nothing is not waited for long.
    if (talk_.speaking()) {
        auto const said = co_await talk_.quit(std::min<steady_clock::duration>(options_.patience, silence));
        static_cast<void>(said);
    }
    usable_ = false;
    talk_.close();
}

}  // namespace postern::client
