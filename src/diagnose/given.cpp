#include "diagnose/given.hpp"

namespace postern::diagnose {

std::string_view name_of(tls_way way) noexcept
{
    switch (way) {
        case tls_way::clear: return "no encryption";
        case tls_way::starttls: return "STARTTLS";
        case tls_way::implicit: break;
    }
    return "SSL/TLS";
}

bool is_own(given const& person, std::uint16_t port) noexcept
{
    if (person.port) return *person.port == port;
    if (person.way) return port == (*person.way == tls_way::implicit ? 465 : 587);
    return true;
}

bool is_own(given const& person, std::uint16_t port, tls_way way) noexcept
{
    return is_own(person, port) && (!person.way || *person.way == way);
}

}  // namespace postern::diagnose
