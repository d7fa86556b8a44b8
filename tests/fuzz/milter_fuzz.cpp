// A milter that says anything, cut anywhere: it must not crash us, and its changes are bounded and
// whole fields.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "milter/session.hpp"

namespace {

using namespace postern;
using namespace postern::milter;

// Everything that the session takes, in steps; whether it still goes on then.
bool feed(session& s, std::string_view& in, std::size_t cut)
{
    while (!in.empty()) {
        auto piece = in.substr(0, cut);
        auto const before = piece.size();
        auto const state = s.on_octets(piece);
        in.remove_prefix(before - piece.size());
        if (state == session::progress::failed) {
            if (s.problem().empty()) std::abort();
            return false;
        }
        if (state == session::progress::answered) return true;
    }
    return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size < 2) return 0;
    std::size_t const cut = data[0] + 1u;
    std::string_view in{reinterpret_cast<char const*>(data + 1), size - 1};
    macros const known{{"i", "Q1"}, {"j", "mail.example"}};
    session s;
    std::string out;
    s.negotiate(out);
    if (!feed(s, in, cut)) return 0;
    endpoint const client{*ip_address::parse("192.0.2.7"), 25};
    if (s.connect(out, "[192.0.2.7]", client, known) && !feed(s, in, cut)) return 0;
    if (s.helo(out, "client.example", known) && !feed(s, in, cut)) return 0;
    if (s.mail(out, "<a@example.com>", known) && !feed(s, in, cut)) return 0;
    if (s.rcpt(out, "<b@example.com>", known) && !feed(s, in, cut)) return 0;
    if (s.data(out, known) && !feed(s, in, cut)) return 0;
    if (s.header(out, "Subject", " x") && !feed(s, in, cut)) return 0;
    if (s.end_of_header(out, known) && !feed(s, in, cut)) return 0;
    if (s.body(out, "x\r\n") && !feed(s, in, cut)) return 0;
    s.end(out, known);
    feed(s, in, cut);
    auto const& wanted = s.wanted();
    if (wanted.header.size() + wanted.added.size() + wanted.removed.size() > 1000) std::abort();
    for (auto const& c : wanted.header)
        for (std::size_t at = c.value.find('\n'); at != std::string::npos; at = c.value.find('\n', at + 1)) {
            bool const fold = at > 0 && c.value[at - 1] == '\r' && at + 1 < c.value.size() &&
                              (c.value[at + 1] == ' ' || c.value[at + 1] == '\t');
            if (!fold) std::abort();
        }
    return 0;
}
