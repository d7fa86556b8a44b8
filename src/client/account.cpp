#include "client/account.hpp"

namespace postern::client {

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
