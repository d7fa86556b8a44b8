#include "delivery/target.hpp"

#include <algorithm>

#include "base/ip.hpp"
#include "base/numbers.hpp"

namespace postern::delivery {

namespace {

error wrong(std::string_view key, std::string_view text, std::string_view why)
{
    return {{5, 3, 5}, "", "[delivery] " + std::string{key} + " = \"" + std::string{text} + "\": " + std::string{why}};
}

bool is_host(std::string_view host)
{
    if (host.empty() || host.size() > 255) return false;
    return std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == '_' || c == ':';
    });
}

// "host:port", "[address]:port"; a missing port is `port` as it came in.
bool split(std::string_view text, std::string& host, std::uint16_t& port)
{
    std::string_view rest;
    if (text.starts_with('[')) {
        std::size_t const end = text.find(']');
        if (end == std::string_view::npos) return false;
        host = text.substr(1, end - 1);
        if (!ip_address::parse(host)) return false;
        rest = text.substr(end + 1);
    } else {
        std::size_t const colon = text.find(':');
        host = text.substr(0, colon);
        rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
    }
    if (!is_host(host)) return false;
    if (rest.empty()) return port != 0;
    auto const number = parse_number<std::uint16_t>(rest.substr(1));
    if (rest.front() != ':' || !number || *number == 0) return false;
    port = *number;
    return true;
}

// Every % is one that we know, and no part can lead out of the folder.
bool is_folder_pattern(std::string_view folder)
{
    if (!folder.starts_with('/') || folder.find('\0') != std::string_view::npos) return false;
    for (std::size_t i = 0; i < folder.size(); ++i) {
        if (folder[i] != '%') continue;
        if (++i == folder.size() || std::string_view{"dnu%"}.find(folder[i]) == std::string_view::npos) return false;
    }
    return (std::string{folder} + '/').find("/../") == std::string::npos;
}

}  // namespace

std::string target::to_string() const
{
    if (how == transport::maildir) return "maildir:" + folder;
    std::string text = how == transport::lmtp ? "lmtp:" : "smtp:";
    if (!socket.empty()) return text + "unix:" + socket;
    text += host.find(':') == std::string::npos ? host : '[' + host + ']';
    return text + ':' + std::to_string(port);
}

result<target> parse_local(std::string_view text)
{
    static constexpr std::string_view maildir = "maildir:", lmtp = "lmtp:", smtp = "smtp:", unix_socket = "unix:";
    target t;
    std::string_view rest = text;
    if (rest.starts_with(maildir)) {
        rest.remove_prefix(maildir.size());
        t.how = transport::maildir;
        t.folder = rest;
        if (!is_folder_pattern(rest)) {
            return wrong("local", text,
                         "a Maildir needs an absolute path, which may hold %d (domain), %n (local part), "
                         "%u (address) and %%");
        }
        return t;
    }
    if (rest.starts_with(lmtp)) {
        rest.remove_prefix(lmtp.size());
        t.how = transport::lmtp;
        if (rest.starts_with(unix_socket)) {
            t.socket = rest.substr(unix_socket.size());
            if (!t.socket.starts_with('/') || t.socket.size() > 107) {
                return wrong("local", text, "the path of a Unix socket is absolute and has at most 107 octets");
            }
            return t;
        }
    } else if (rest.starts_with(smtp)) {
        rest.remove_prefix(smtp.size());
    } else {
        return wrong("local", text, "begins with maildir:, lmtp: or smtp:");
    }
    if (!split(rest, t.host, t.port)) return wrong("local", text, "needs HOST:PORT");
    return t;
}

result<target> parse_smart_host(std::string_view text)
{
    target t;
    t.port = 25;
    if (!split(text, t.host, t.port)) return wrong("smart_host", text, "needs HOST:PORT");
    return t;
}

}  // namespace postern::delivery
