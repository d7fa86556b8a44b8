#include "smtp/line_reader.hpp"

#include "base/text.hpp"

namespace postern::smtp {
namespace {

line::kind check_octets(std::string_view text)
{
    bool bad = false;
    for (char const c : text) {
        auto const octet = static_cast<unsigned char>(c);
        bad |= octet < 0x20 || octet == 0x7f;
    }
    if (!bad) return line::kind::command;
    return text.find('\r') != std::string_view::npos ? line::kind::bare_cr : line::kind::control;
}

}  // namespace

line line_reader::take(std::string_view& in, bool in_exchange)
{
    using enum line::kind;
    if (skipped_ != 0) return skip(in);
    if (in.empty()) return {};
    // A TLS record of type handshake: a client that takes this port for one with implicit TLS.
    if (in[0] == '\x16' && in.size() >= 2 && in[1] == '\x03') return {tls_client_hello, {}};

    // "AUT" can still become "AUTH "; it is far below both limits.
    bool const auth = in_exchange || starts_with_ignoring_case(in, "AUTH ");
    auto const limit = auth ? auth_line_limit : command_line_limit;
    auto const end = in.find('\n');
    if (end == std::string_view::npos ? in.size() >= limit : end >= limit) {
        auth_ = auth;
        return skip(in);
    }
    if (end == std::string_view::npos) return {};
    auto text = in.substr(0, end);
    in.remove_prefix(end + 1);
    if (!text.ends_with('\r')) return {bare_lf, text};
    text.remove_suffix(1);
    return {in_exchange ? command : check_octets(text), text};
}

line line_reader::skip(std::string_view& in)
{
    using enum line::kind;
    auto const end = in.find('\n');
    auto const size = end == std::string_view::npos ? in.size() : end + 1;
    if (skipped_ + size > flood_limit) {
        in = {};
        reset();
        return {flood, {}};
    }
    bool const cr_before = size >= 2 ? in[size - 2] == '\r' : cr_;
    if (end == std::string_view::npos) {
        if (size != 0) cr_ = in[size - 1] == '\r';
        skipped_ += size;
        in.remove_prefix(size);
        return {};
    }
    in.remove_prefix(size);
    auto const what = !cr_before ? bare_lf : auth_ ? too_long_auth : too_long;
    reset();
    return {what, {}};
}

}  // namespace postern::smtp
