#include "web/plain_http.hpp"

#include <string>

namespace postern::web {
namespace {

std::string encoded_path(std::string_view path)
{
    std::string out;
    while (!path.empty()) {
        path.remove_prefix(1);
        auto const segment = path.substr(0, path.find('/'));
        path.remove_prefix(segment.size());
        out += '/' + http::percent_encoded(segment);
    }
    return out;
}

}  // namespace

http::response lead_to_https(http::request const& r, std::uint16_t port)
{
    bool const is_ipv6 = r.host.find(':') != std::string::npos;
    std::string to = "https://" + (is_ipv6 ? '[' + r.host + ']' : r.host);
    if (port != 443) to += ':' + std::to_string(port);
    to += encoded_path(r.path);
    if (!r.query.empty()) to += '?' + r.query;
    http::response led;
    led.status = 308;
    led.fields.emplace_back("location", std::move(to));
    return led;
}

}  // namespace postern::web
