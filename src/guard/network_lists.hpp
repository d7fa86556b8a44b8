// The operator's lists of networks to deny and to allow, and the file that they live in: a
// line each, "deny 192.0.2.0/24" or "allow 2001:db8::/32", what is behind a # is a remark.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "base/result.hpp"

namespace postern::guard {

struct network_lists {
    static constexpr std::size_t most = 10'000;  // of both

    std::vector<network> deny, allow;
    bool empty() const noexcept { return deny.empty() && allow.empty(); }
    friend bool operator==(network_lists const&, network_lists const&) = default;
};

/// The longest prefix that holds the address, or -1.
int best_match(std::vector<network> const& networks, ip_address const& a) noexcept;

/// Errors name the line.
result<network_lists> parse_lists(std::string_view text);
std::string to_text(network_lists const& lists);

/// `data_dir`/guard.networks. No file: empty lists.
result<network_lists> load_lists(std::filesystem::path const& data_dir);
/// Replaces the file in one step.
result<> save_lists(std::filesystem::path const& data_dir, network_lists const& lists);

}  // namespace postern::guard
