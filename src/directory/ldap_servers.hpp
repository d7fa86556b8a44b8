// The servers of one LDAP back end, in the operator's order, and which of them are left alone
// for a while because they failed, so that the others are asked first. Shared by the connections of all threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace postern::directory::ldapv3 {

struct server {
    enum class kind : std::uint8_t { plain, tls, local };  // ldap://, ldaps://, ldapi://
    kind what = kind::plain;
    std::string url;
    std::string host;  // of ldapi://: the socket's path
    std::string port;

    /// Nothing when the URL is none of these, or says more than where the server is.
    static std::optional<server> parse(std::string const& url);
};

class servers {
public:
    explicit servers(std::vector<server> list) : states_(list.size()), list_(std::move(list)) {}

    std::size_t size() const noexcept { return list_.size(); }
    server const& operator[](std::size_t i) const { return list_[i]; }

    /// Which to try now, in this order: those that are not left alone; if all are, all of them.
    std::vector<std::size_t> order(steady_time now) const;
    void worked(std::size_t i);
    /// It is left alone for a moment; for longer if it goes on failing.
    void failed(std::size_t i, std::string why, steady_time now);
    /// What is wrong with each that failed.
    std::string troubles() const;

private:
    struct state {
        std::chrono::milliseconds pause{};
        steady_time until{};
        std::string why;
    };
    mutable std::mutex lock_;
    std::vector<state> states_;
    std::vector<server> const list_;
};

}  // namespace postern::directory::ldapv3
