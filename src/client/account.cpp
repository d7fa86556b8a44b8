#include "client/account.hpp"

#include <algorithm>

#include "mail/address.hpp"

namespace postern::client {

bool identity::allows(std::string_view mechanism) const noexcept
{
    return std::find(mechanisms.begin(), mechanisms.end(), mechanism) != mechanisms.end();
}

bool is_hello_name(std::string_view name) noexcept
{
    constexpr std::size_t longest = 255;  // RFC 5321 section 4.5.3.1.2
    if (name.empty() || name.size() > longest) return false;
    bool const word = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
    return word || mail::parse_domain(name);
}

std::string route::to_string() const
{
    bool const v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::vector<route> usual_routes(std::string const& host, tls_mode tls, bool with_login)
{
    constexpr std::uint16_t implicit = 465, submission = 587, relay = 25;
    switch (tls) {
        case tls_mode::implicit: return {{host, implicit, tls}};
        case tls_mode::starttls: return {{host, submission, tls}};
        case tls_mode::automatic:
            if (with_login) return {{host, implicit, tls_mode::implicit}, {host, submission, tls_mode::starttls}};
            break;
        case tls_mode::none: break;
    }
    return {{host, with_login ? submission : relay, tls}};
}

}  // namespace postern::client
