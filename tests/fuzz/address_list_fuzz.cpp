// Address lists: bounded, and every address that is found is one that the address parser
// itself takes, alone, too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mail/address_list.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace postern::mail;
    auto const require = [](bool ok) {
        if (!ok) std::abort();
    };
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    list_error why = list_error::none;
    auto const found = parse_address_list(text, 10, why);
    require(found.has_value() == (why == list_error::none));
    if (!found) return 0;
    require(!found->empty() && found->size() <= 10);
    std::string list;
    for (auto const& m : *found) {
        require(parse_mailbox(m.to_string()) == m);
        if (!list.empty()) list += ", ";
        list += "\"x\" <" + m.to_string() + ">";
    }
    auto const again = parse_address_list(list, 10, why);
    require(again == found);
    return 0;
}
