#include "milter/packet.hpp"

#include <algorithm>

namespace postern::milter {
namespace {

constexpr std::size_t header_size = 4;

std::uint32_t number_at(std::string_view octets) noexcept
{
    std::uint32_t n = 0;
    for (std::size_t i = 0; i < 4; ++i) n = n << 8 | static_cast<unsigned char>(octets[i]);
    return n;
}

}  // namespace

void append_number(std::string& out, std::uint32_t n)
{
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(n >> shift & 0xff);
}

void append_short(std::string& out, std::uint16_t n)
{
    out += static_cast<char>(n >> 8);
    out += static_cast<char>(n & 0xff);
}

void append_text(std::string& out, std::string_view text)
{
    out += text.substr(0, text.find('\0'));
    out += '\0';
}

void append_packet(std::string& out, char letter, std::string_view data)
{
    append_number(out, static_cast<std::uint32_t>(data.size() + 1));
    out += letter;
    out += data;
}

bool take_number(std::string_view& data, std::uint32_t& n) noexcept
{
    if (data.size() < 4) return false;
    n = number_at(data);
    data.remove_prefix(4);
    return true;
}

bool take_text(std::string_view& data, std::string_view& text) noexcept
{
    auto const end = data.find('\0');
    if (end == std::string_view::npos) return false;
    text = data.substr(0, end);
    data.remove_prefix(end + 1);
    return true;
}

packet_reader::state packet_reader::take(std::string_view& in)
{
    if (!reading_) {
        auto const n = std::min(header_size - header_.size(), in.size());
        header_ += in.substr(0, n);
        in.remove_prefix(n);
        if (header_.size() < header_size) return state::more;
        length_ = number_at(header_);
        header_.clear();
        if (length_ == 0 || length_ > packet_limit) return state::malformed;
        packet_.clear();
        reading_ = true;
    }
    auto const n = std::min(length_ - packet_.size(), in.size());
    packet_ += in.substr(0, n);
    in.remove_prefix(n);
    if (packet_.size() < length_) return state::more;
    reading_ = false;
    return state::complete;
}

}  // namespace postern::milter
