// Record data as any name server may send it: names in it are what hosts are called, and nothing else gets through.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dns/wire.hpp"

namespace {

bool is_host(std::string_view name)
{
    return name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
           });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    using namespace postern;
    std::string_view const data{reinterpret_cast<char const*>(octets), size};
    if (auto const name = dns::parse_name(data); name && !is_host(*name)) std::abort();
    if (auto const mx = dns::parse_mx(data); mx && !is_host(mx->host)) std::abort();
    if (auto const srv = dns::parse_srv(data); srv && !is_host(srv->host)) std::abort();
    if (auto const caa = dns::parse_caa(data); caa && caa->tag.size() + caa->value.size() + 2 != size) std::abort();
    if (auto const text = dns::parse_txt(data); text && text->size() >= size) std::abort();
    if (dns::parse_a(data).has_value() != (size == 4) || dns::parse_aaaa(data).has_value() != (size == 16))
        std::abort();
    return 0;
}
