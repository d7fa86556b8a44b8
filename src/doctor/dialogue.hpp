// A few commands to a server and their replies, for probes: no judgement, no secrets, each wait with a
// deadline. Unlike client::conversation it says any octets, and may come from any address of ours.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/stream.hpp"
#include "smtp/reply_parser.hpp"

namespace postern::doctor {

class dialogue {
public:
    dialogue(boost::asio::any_io_executor executor, steady_clock::duration limit)
        : executor_(std::move(executor)), limit_(limit)
    {
    }

    /// From one of our addresses, if any is named. False: `problem()` says why.
    net::awaitable<bool> connect(endpoint to, std::optional<ip_address> from);
    /// Whoever it is: a certificate is not judged.
    net::awaitable<bool> shake_hands(std::shared_ptr<net::tls_context> context, std::string name);
    /// Nothing: no reply of SMTP came.
    net::awaitable<std::optional<smtp::reply>> listen();
    net::awaitable<std::optional<smtp::reply>> say(std::string line);
    /// SHA-256 of the certificate that was shown, hexadecimal; empty without TLS.
    std::string certificate() const;
    bool open() const noexcept { return stream_ != nullptr; }
    std::string const& problem() const noexcept { return problem_; }
    /// What came first, when it was no SMTP; printable.
    std::string const& strange() const noexcept { return strange_; }

private:
    void lose(std::string why);

    boost::asio::any_io_executor executor_;
    steady_clock::duration limit_;
    std::unique_ptr<net::stream> stream_;
    smtp::reply_parser parser_;
    std::string unread_;
    std::string problem_, strange_;
};

}  // namespace postern::doctor
