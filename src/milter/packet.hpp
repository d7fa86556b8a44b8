// Packets of the milter protocol: four octets of length, a letter, data. Lengths from the other
// side are bounded before anything is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::milter {

/// The most that a packet of ours carries of a body (MILTER_CHUNK_SIZE).
inline constexpr std::size_t chunk_size = 65535;
/// The most that one of theirs may be long, letter included.
inline constexpr std::size_t packet_limit = 1u << 20;

void append_packet(std::string& out, char letter, std::string_view data);
/// Numbers are in network order.
void append_number(std::string& out, std::uint32_t n);
void append_short(std::string& out, std::uint16_t n);
/// With the NUL behind it. What comes behind a NUL in the text is left out: it can't be said.
void append_text(std::string& out, std::string_view text);

/// Take things off the front of a packet's data; false when there is none.
bool take_number(std::string_view& data, std::uint32_t& n) noexcept;
bool take_text(std::string_view& data, std::string_view& text) noexcept;

class packet_reader {
public:
    enum class state : std::uint8_t { more, complete, malformed };

    /// Takes octets off the front of `in` until a packet is complete or nothing is left. What it
    /// gave before is void then.
    state take(std::string_view& in);
    char letter() const noexcept { return packet_[0]; }
    std::string_view data() const noexcept { return std::string_view{packet_}.substr(1); }
    /// Nothing of a packet has come yet.
    bool idle() const noexcept { return header_.empty() && !reading_; }

private:
    std::string header_;
    std::string packet_;
    std::size_t length_ = 0;
    bool reading_ = false;
};

}  // namespace postern::milter
