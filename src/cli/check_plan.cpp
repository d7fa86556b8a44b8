#include <algorithm>

#include <unistd.h>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "base/whole_file.hpp"
#include "cli/check.hpp"
#include "mail/address.hpp"

namespace postern::cli {
namespace {

error wrong(std::string text) { return {{5, 5, 4}, "", std::move(text)}; }

result<std::optional<diagnose::tls_way>> parse_way(std::string const& text)
{
    using way = std::optional<diagnose::tls_way>;
    if (text == "auto") return way{};
    if (text == "implicit") return way{diagnose::tls_way::implicit};
    if (text == "starttls") return way{diagnose::tls_way::starttls};
    if (text == "none") return way{diagnose::tls_way::clear};
    return wrong("--tls takes auto, implicit, starttls or none");
}

struct place {
    std::string host{};
    std::optional<std::uint16_t> port{};
};

/// HOST, HOST:PORT, an address of either family, with a port where it is in brackets.
result<place> parse_place(std::string text)
{
    place p;
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    if (ip_address::parse(text)) {
        p.host = text;
        return p;
    }
    if (auto const both = endpoint::parse(text)) {
        p.host = both->address.to_string();
        p.port = both->port;
        return p;
    }
    auto const colon = text.rfind(':');
    p.host = text.substr(0, colon);
    if (p.host.ends_with('.')) p.host.pop_back();
    if (auto const plain = mail::parse_domain(p.host))
        p.host = *plain;
    else if (p.host.empty() || p.host.size() > 255 || !is_ascii(p.host) ||
             p.host.find_first_of(":/@[]\\ \t\r\n") != std::string::npos)
        return wrong("\"" + printable(text, 200) + "\" is no server: it has to look like mail.example.com:587");
    if (colon == std::string::npos) return p;
    p.port = parse_number<std::uint16_t>(std::string_view{text}.substr(colon + 1));
    if (!p.port || *p.port == 0) return wrong("\"" + printable(text.substr(colon + 1), 20) + "\" is no port");
    return p;
}

result<> take_host(std::string text, diagnose::given& g)
{
    // A web address in the box for the server: the judge says so.
    if (auto const scheme = text.find("://"); scheme != std::string::npos) {
        g.web_address = true;
        text = text.substr(scheme + 3);
        text = text.substr(0, text.find('/'));
    }
    auto at = parse_place(std::move(text));
    if (!at) return std::move(at).error();
    g.host = std::move(at->host);
    if (at->port) g.port = at->port;
    return done{};
}

result<> take_user(check_options const& o, diagnose::given& g)
{
    g.user = o.user;
    if (o.user_form.empty()) return done{};
    if (g.address.empty() || !o.user.empty())
        return wrong("--user-form says which part of the address is the user name: it needs an address, and no --user");
    if (o.user_form == "address")
        g.user = g.address;
    else if (o.user_form == "local")
        g.user = g.address.substr(0, g.address.rfind('@'));
    else
        return wrong("--user-form takes address or local");
    return done{};
}

result<> take_mailbox(check_options const& o, diagnose::given& g)
{
    int const ways = int{!o.imap.empty()} + int{!o.pop3.empty()} + int{!o.maildir.empty()};
    if (ways > 1) return wrong("one of --imap, --pop3 and --maildir is enough");
    if (!o.imap.empty()) g.mailbox = diagnose::mailbox_kind::imap;
    if (!o.pop3.empty()) g.mailbox = diagnose::mailbox_kind::pop3;
    if (!o.maildir.empty()) g.mailbox = diagnose::mailbox_kind::maildir;
    g.mailbox_place = o.maildir;
    if (auto const server = o.imap + o.pop3; !server.empty()) {
        auto at = parse_place(server);
        if (!at) return std::move(at).error();
        g.mailbox_place = std::move(at->host);
        g.mailbox_port = at->port;
    }
    return done{};
}

bool is_unusual(secret const& password)
{
    auto const text = password.reveal();
    return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

result<diagnose::credentials> read_credentials(check_options const& o, std::string const& user)
{
    diagnose::credentials who;
    if (o.token_file) {
        auto token = read_secret_line(*o.token_file);
        if (!token) return std::move(token).error();
        who.token = std::move(*token);
        return who;
    }
    // Who names a user wants to log in; without one there is nothing to ask for.
    bool const given = o.password.from_stdin || o.password.file;
    if (!given && (o.user.empty() || ::isatty(STDIN_FILENO) != 1)) return who;
    if (user.empty()) return wrong("there is a password, but no --user and no address whose it is");
    auto password = read_present_password(o.password, "Password of " + printable(user, 100) + ": ");
    if (!password) return wrong(password.error().text);
    who.password = std::move(*password);
    return who;
}

}  // namespace

result<check_plan> make_check_plan(check_options const& o)
{
    check_plan plan;
    auto& g = plan.person;
    g.who = o.who;
    auto way = parse_way(o.tls);
    if (!way) return std::move(way).error();
    g.way = *way;
    if (o.who.find('@') != std::string::npos) {
        g.address = o.who;
    } else if (auto taken = take_host(o.who, g); !taken) {
        return std::move(taken).error();
    }
    if (!o.server.empty())
        if (auto taken = take_host(o.server, g); !taken) return std::move(taken).error();
    if (o.port) g.port = o.port;
    if (auto taken = take_user(o, g); !taken) return std::move(taken).error();
    if (auto taken = take_mailbox(o, g); !taken) return std::move(taken).error();
    g.mechanism = to_upper(o.mechanism);
    g.from = o.from;
    g.to = o.to;
    g.outside = o.outside;
    g.control = o.control;
    g.sends = o.send;
    g.password_in_clear = o.insecure_clear;
    g.bad_certificates = o.insecure_unverified;
    g.own_authority = !o.authorities.empty();
    g.asks_portal = o.portal;
    g.limit = std::chrono::seconds{o.timeout};
    g.arrival_limit = std::chrono::seconds{o.wait};
    auto who = read_credentials(o, g.user.empty() ? g.address : g.user);
    if (!who) return std::move(who).error();
    plan.who = std::move(*who);
    g.has_password = !plan.who.password.empty();
    g.has_token = !plan.who.token.empty();
    g.unusual_password = is_unusual(plan.who.password);
    return plan;
}

}  // namespace postern::cli
