#include "base/url.hpp"

#include <algorithm>

#include "base/ip.hpp"
#include "base/text.hpp"

namespace postern {
namespace {

constexpr std::string_view https = "https://";
constexpr std::string_view http = "http://";

/// The host as written, with the brackets of an IPv6 address; empty: no web address.
std::string_view host_of(std::string_view url) noexcept
{
    bool const secure = starts_with_ignoring_case(url, https);
    if (!secure && !starts_with_ignoring_case(url, http)) return {};
    if (!std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f && c != '\\'; })) return {};
    url.remove_prefix(secure ? https.size() : http.size());
    auto const authority = url.substr(0, url.find_first_of("/?#"));
    if (authority.find('@') != std::string_view::npos) return {};
    if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
    return authority.substr(0, authority.find(':'));
}

}  // namespace

bool is_loopback_url(std::string_view url) noexcept
{
    auto host = host_of(url);
    if (equal_ignoring_case(host, "localhost")) return true;
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    auto const address = ip_address::parse(host);
    return address && address->is_loopback();
}

bool is_confidential_url(std::string_view url) noexcept
{
    return !host_of(url).empty() && (starts_with_ignoring_case(url, https) || is_loopback_url(url));
}

}  // namespace postern
