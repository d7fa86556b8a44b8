#include "directory/ldap_servers.hpp"

#include <algorithm>
#include <memory>

#include <ldap.h>

namespace postern::directory::ldapv3 {
namespace {

constexpr std::chrono::milliseconds first_pause{100};
constexpr std::chrono::milliseconds longest_pause{5000};
constexpr char const* usual_socket = "/run/slapd/ldapi";

}  // namespace

std::optional<server> server::parse(std::string const& url)
{
    LDAPURLDesc* made = nullptr;
    if (::ldap_url_parse(url.c_str(), &made) != LDAP_URL_SUCCESS) return std::nullopt;
    std::unique_ptr<LDAPURLDesc, decltype(&::ldap_free_urldesc)> const parts{made, &::ldap_free_urldesc};
    // "", an attribute, a filter: those have keys of their own.
    if ((parts->lud_dn != nullptr && *parts->lud_dn != '\0') || parts->lud_attrs != nullptr ||
        parts->lud_filter != nullptr || parts->lud_exts != nullptr)
        return std::nullopt;
    server s;
    s.url = url;
    std::string const scheme = parts->lud_scheme != nullptr ? parts->lud_scheme : "";
    if (scheme == "ldapi")
        s.what = kind::local;
    else if (scheme == "ldaps")
        s.what = kind::tls;
    else if (scheme != "ldap")
        return std::nullopt;
    if (parts->lud_host != nullptr) s.host = parts->lud_host;
    if (s.host.empty()) s.host = s.what == kind::local ? usual_socket : "localhost";
    s.port = std::to_string(parts->lud_port != 0 ? parts->lud_port : s.what == kind::tls ? 636 : 389);
    return s;
}

std::vector<std::size_t> servers::order(steady_time now) const
{
    std::vector<std::size_t> awake, all;
    std::lock_guard lock{lock_};
    for (std::size_t i = 0; i < states_.size(); ++i) {
        all.push_back(i);
        if (states_[i].until <= now) awake.push_back(i);
    }
    return awake.empty() ? all : awake;
}

void servers::worked(std::size_t i)
{
    std::lock_guard lock{lock_};
    states_[i] = {};
}

void servers::failed(std::size_t i, std::string why, steady_time now)
{
    std::lock_guard lock{lock_};
    auto& s = states_[i];
    s.why = std::move(why);
    // Threads that were on their way when it was left alone say nothing new.
    if (s.until > now) return;
    s.pause = std::clamp(2 * s.pause, first_pause, longest_pause);
    s.until = now + s.pause;
}

std::string servers::troubles() const
{
    std::lock_guard lock{lock_};
    std::string text;
    for (std::size_t i = 0; i < states_.size(); ++i) {
        if (states_[i].why.empty()) continue;
        text += (text.empty() ? "" : "; ") + list_[i].url + ": " + states_[i].why;
    }
    return text;
}

}  // namespace postern::directory::ldapv3
