// Requests as the control socket and the web socket read them, and answers: whatever comes, what is taken is a request
// that is the same again when it is printed.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/protocol.hpp"

using namespace postern;
using namespace postern::control;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const line{reinterpret_cast<char const*>(data), size};
    auto const same = [](request const& a, request const& b) {
        return a.command == b.command && a.arguments == b.arguments && a.terminal == b.terminal &&
               a.client == b.client && a.session.reveal() == b.session.reveal();
    };
    auto const without_end = [](secret const& s) { return s.reveal().substr(0, s.size() - 1); };
    if (auto const r = parse_request(line)) {
        auto const again = parse_request(without_end(print_request(r->command, r->arguments, r->terminal)));
        if (!again || !same(*r, *again)) std::abort();
    }
    if (auto const r = parse_web_request(line)) {
        auto const again = parse_web_request(without_end(print_web_request(*r)));
        // Printed, escapes may take more room than they came in.
        if (again && !same(*r, *again)) std::abort();
    }
    static_cast<void>(parse_response(line));
    return 0;
}
