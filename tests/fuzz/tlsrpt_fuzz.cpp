// Where a domain wants reports: its TXT record leads to mail addresses and https only.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/url.hpp"
#include "mail/tlsrpt_record.hpp"

using namespace postern;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    std::string const text{reinterpret_cast<char const*>(octets), size};
    auto const r = mail::parse_tlsrpt_record({text});
    if (!r) return 0;
    if (r->mail.size() + r->web.size() > 5) std::abort();
    for (auto const& url : r->web)
        if (!is_confidential_url(url)) std::abort();
    for (auto const& box : r->mail)
        if (!mail::parse_mailbox(box.to_string())) std::abort();
    return 0;
}
