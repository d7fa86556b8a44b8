// Documents with mail settings as any web server may hand them out: autoconfig, Autodiscover, PACC and its record.
// Whatever is taken from them is a name of a server, a port, and text that can be shown.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "discovery/documents.hpp"
#include "mail/address.hpp"

namespace {

using namespace postern;

bool is_plain(std::string_view text)
{
    return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

void examine(discovery::document const& d)
{
    if (d.servers.size() > discovery::most_servers || !is_plain(d.problem) || !is_plain(d.display_name)) std::abort();
    for (auto const& s : d.servers) {
        if (s.port == 0 || mail::parse_domain(s.host) != s.host || !is_plain(s.user) || s.auth.size() > 10)
            std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    std::string_view const text{reinterpret_cast<char const*>(octets), size};
    examine(discovery::parse_autoconfig(text));
    auto const answer = discovery::parse_autodiscover(text);
    examine(answer);
    if (!is_plain(answer.redirect_address) || !is_plain(answer.redirect_url)) std::abort();
    examine(discovery::parse_pacc(text));
    discovery::parse_pacc_record(text);
    discovery::is_web_page(text);
    return 0;
}
