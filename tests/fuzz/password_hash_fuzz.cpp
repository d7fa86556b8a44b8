// Lines of other systems' password files: whatever is taken must read back as itself, and
// have a dummy that costs the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "directory/verifier.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    using namespace postern::directory;
    std::string_view const text{reinterpret_cast<char const*>(octets), size};
    auto const r = read_import(text);
    if (r.problem != nullptr) {
        if (!r.verifier.empty() || !r.password.empty()) std::abort();
        return 0;
    }
    if (r.verifier.empty()) return 0;
    if (scheme_of(r.verifier) == "unknown" || cost_of(r.verifier) == "unknown") std::abort();
    auto const again = read_import(r.verifier);
    if (again.problem != nullptr || again.verifier != r.verifier) std::abort();
    auto const dummy = make_dummy(r.verifier);
    if (cost_of(dummy) != cost_of(r.verifier) || read_import(dummy).verifier != dummy) std::abort();
    return 0;
}
