// Targets and hosts of requests: what is taken leads into the house, and means the same when it is written again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "web/plain_http.hpp"
#include "web/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    using namespace postern;
    std::string_view const text{reinterpret_cast<char const*>(octets), size};
    if (auto const host = web::parse_host(text)) {
        auto const again = web::parse_host(host->find(':') != std::string::npos ? '[' + *host + ']' : *host);
        if (!again || *again != *host) std::abort();
    }
    auto const target = web::parse_target(text);
    if (!target) return 0;
    if (!target->path.starts_with('/')) std::abort();
    http::request r;
    r.host = target->host.empty() ? "mail.example.com" : target->host;
    r.path = target->path;
    r.query = target->query;
    auto const led = web::lead_to_https(r, 8443);
    auto const again = web::parse_target(http::find(led.fields, "location"));
    if (!again || again->path != r.path || again->query != r.query || again->host != r.host) std::abort();
    return 0;
}
