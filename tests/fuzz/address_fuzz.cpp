// Paths, mailboxes and domains: what is accepted prints to the same again, and never has
// an octet that could end a line or a path.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/require.hpp"
#include "mail/address.hpp"
#include "mail/xtext.hpp"

namespace {

void check(postern::mail::mailbox const& m)
{
    auto const printed = m.to_string();
    for (char c : printed) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    if (m.domain.empty()) return;
    auto const again = postern::mail::parse_mailbox(printed);
    require(again.has_value() && *again == m && again->to_string() == printed);
    require(printed.size() <= 254);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace postern::mail;
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    for (bool const reverse : {true, false}) {
        auto rest = text;
        path_error why = path_error::none;
        if (auto const p = parse_path(rest, reverse, !reverse, why)) {
            require(why == path_error::none && rest.size() < text.size());
            require(text[text.size() - rest.size() - 1] == '>');
            require(!p->null || reverse);
            if (!p->null) check(p->address);
        } else {
            require(why != path_error::none && rest == text);
        }
    }
    if (auto const m = parse_mailbox(text)) check(*m);
    if (auto const d = parse_domain(text)) require(parse_domain(*d) == *d);
    (void)is_ehlo_argument(text);
    if (auto const x = xtext_decode(text)) require(xtext_decode(xtext_encode(*x)) == *x);
    for (bool const utf8 : {true, false}) {
        if (auto const o = parse_original_recipient(text, utf8)) {
            for (char c : o->address) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
            if (o->type == "utf-8") require(utf8_addr_decode(utf8_addr_xtext_encode(o->address), false) == o->address);
        }
    }
    return 0;
}
