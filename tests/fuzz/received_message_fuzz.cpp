// What a message that came back may have in its header, and what an IMAP server may say.
#include <cstdint>
#include <string_view>

#include "diagnose/received_message.hpp"
#include "mailbox/imap_lines.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    (void)postern::diagnose::read_headers(text);
    (void)postern::diagnose::read_report(text);
    (void)postern::diagnose::read_date(text);
    if (auto const folder = postern::mailbox::parse_list(text)) (void)postern::mailbox::quote(folder->name);
    (void)postern::mailbox::parse_search(text);
    (void)postern::mailbox::literal_behind(text);
    return 0;
}
