#include "web/answer_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace postern::web {
namespace {

using row = std::pair<std::string_view, std::string_view>;

// What browsers may do with our pages: nothing but what we ourselves serve; no script in a page, no other site around it.
constexpr std::array<row, 8> always{{
    {"content-security-policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
     "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
    {"x-content-type-options", "nosniff"},
    {"referrer-policy", "no-referrer"},
    {"permissions-policy",
     "camera=(), clipboard-read=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"},
    {"cross-origin-opener-policy", "same-origin"},
    {"cross-origin-resource-policy", "same-origin"},
    {"cache-control", "no-store"},
    {"x-frame-options", "DENY"},  // for browsers that know no frame-ancestors
}};
constexpr row over_tls{"strict-transport-security", "max-age=31536000"};

constexpr std::array<std::pair<unsigned, std::string_view>, 28> reasons{{
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
}};

std::string_view reason_of(unsigned status) noexcept
{
    auto const at = std::find_if(reasons.begin(), reasons.end(), [&](auto const& r) { return r.first == status; });
    return at == reasons.end() ? std::string_view{} : at->second;
}

/// A value can't bring lines of its own, whatever it was made of.
void put_field(std::string& out, std::string_view name, std::string_view value)
{
    out += name;
    out += ": ";
    for (char const c : value) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
    out += "\r\n";
}

}  // namespace

bool may_have_body(unsigned status) noexcept { return status >= 200 && status != 204 && status != 304; }

std::string to_http_date(wall_time t)
{
    // RFC 5322 writes the same, but for the zone.
    auto text = to_rfc5322(t);
    return text.substr(0, text.rfind(' ')) + " GMT";
}

std::string print_head(http::response const& r, answer_form form, wall_time now)
{
    std::string out;
    out.reserve(1024);
    out += "HTTP/1.1 " + std::to_string(r.status) + ' ';
    out += reason_of(r.status);
    out += "\r\n";
    put_field(out, "date", to_http_date(now));
    for (auto const& [name, value] : r.fields) put_field(out, name, value);
    for (auto const& [name, value] : always)
        if (http::find(r.fields, name).empty()) put_field(out, name, value);
    if (form.secure) put_field(out, over_tls.first, over_tls.second);
    if (form.in_chunks)
        put_field(out, "transfer-encoding", "chunked");
    else if (may_have_body(r.status))
        put_field(out, "content-length", std::to_string(r.body.size()));
    if (form.closes)
        put_field(out, "connection", "close");
    else if (form.says_open)
        put_field(out, "connection", "keep-alive");
    out += "\r\n";
    return out;
}

}  // namespace postern::web
