// Looks for one message in somebody's own mailbox: over IMAP (RFC 3501), POP3 (RFC 1939), or in a
// Maildir. No mail client: it reads, changes nothing, and looks at so much and no more. Passwords
// go over TLS only, to a server whose certificate is good.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "base/secret.hpp"
#include "net/tls.hpp"

namespace postern::mailbox {

template <class T>
using awaitable = boost::asio::awaitable<T>;

inline constexpr std::size_t most_folders = 30;        // looked into
inline constexpr std::size_t most_messages = 5;        // given back
inline constexpr std::size_t most_content = 64 << 10;  // of each

struct message {
    std::string folder;  // "INBOX"
    bool junk = false;   // the folder is for that
    std::string content;
};

struct outcome {
    bool reached = false, logged_in = false;
    bool refused = false;   // the log-in, by the server's own word; not by silence
    std::string problem{};  // printable; empty: none
    std::vector<message> found{};
};

struct server {
    endpoint at;
    std::string name;  // for its certificate
    std::shared_ptr<net::tls_context> tls;
    std::string user;
    secret password;
    bool unverified = false;  // its certificate may be anybody's
};

/// Messages in which `token` stands, the header and the first part of the body.
awaitable<outcome> search_imap(boost::asio::any_io_executor executor, server at, std::string token,
                               steady_clock::duration limit);
/// Of the last twenty.
awaitable<outcome> search_pop3(boost::asio::any_io_executor executor, server at, std::string token,
                               steady_clock::duration limit);
/// Blocks on the disk: the newest of each folder (RFC 3501's hierarchy as Maildir++ has it, ".Junk").
outcome search_maildir(std::filesystem::path const& folder, std::string const& token);

/// Whether a folder's name, or its attribute (RFC 6154), says that it is for junk.
bool is_junk(std::string_view folder, std::string_view attributes) noexcept;

}  // namespace postern::mailbox
