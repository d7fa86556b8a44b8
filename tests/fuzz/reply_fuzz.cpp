// The reply parser: whatever comes, its bounds hold, and any cut of the input gives the same.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.hpp"
#include "smtp/client_commands.hpp"
#include "smtp/reply_parser.hpp"
#include "smtp/wanted_wait.hpp"

using namespace postern::smtp;

namespace {

struct reading {
    std::vector<reply> replies;
    bool malformed = false;
};

reading read(std::string_view all, std::size_t piece)
{
    reading r;
    reply_parser p;
    while (!all.empty() && !r.malformed) {
        std::string_view part = all.substr(0, piece);
        all.remove_prefix(part.size());
        while (!part.empty() && !r.malformed) {
            switch (p.take(part)) {
                case reply_parser::state::more: break;
                case reply_parser::state::malformed: r.malformed = true; break;
                case reply_parser::state::complete: r.replies.push_back(p.release()); break;
            }
        }
    }
    return r;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    std::size_t const piece = data[0] % 32 + 1;
    std::string_view const text{reinterpret_cast<char const*>(data + 1), size - 1};
    reading const whole = read(text, text.size() + 1);
    reading const cut = read(text, piece);
    require(whole.malformed == cut.malformed && whole.replies.size() == cut.replies.size());
    for (std::size_t i = 0; i < whole.replies.size(); ++i) {
        reply const& r = whole.replies[i];
        require(r.code == cut.replies[i].code && r.text == cut.replies[i].text);
        require(r.code >= 200 && r.code <= 599);
        require(r.text.size() <= reply_parser::longest_reply);
        require(r.status.empty() || r.status.klass == r.code / 100);
        for (char c : r.to_string()) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
        parse_extensions(r.text);
        auto const wait = wanted_wait(r);
        require(!wait || (r.temporary() && wait->count() >= 10 && wait->count() <= 3600));
    }
    return 0;
}
