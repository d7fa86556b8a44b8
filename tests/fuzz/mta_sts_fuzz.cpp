// MTA-STS policies and the TXT records that announce them, of anybody.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mail/sts_policy.hpp"

using namespace postern::mail;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    std::string const text{reinterpret_cast<char const*>(octets), size};
    if (auto const id = parse_sts_record({text}); id && (id->empty() || id->size() > 32)) std::abort();
    if (parse_sts_record({text, text})) std::abort();
    std::string problem;
    auto const p = parse_sts_policy(text, problem);
    if (!p) {
        if (problem.empty()) std::abort();
        return 0;
    }
    if (p->mode != sts_mode::none && p->mx.empty()) std::abort();
    for (auto const& pattern : p->mx) {
        auto const host = pattern.starts_with("*.") ? "a" + pattern.substr(1) : pattern;
        if (!allows(*p, host)) std::abort();
    }
    return 0;
}
