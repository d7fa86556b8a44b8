// A password, token or key: can't be printed, and is wiped when it goes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern {

/// Overwrites the octets in a way that the compiler may not leave out.
void wipe(void* octets, std::size_t size) noexcept;

/// Owns secret octets. Never convertible to text by itself: whoever needs them
/// says reveal(), which is easy to find. Not safe for several threads at once.
class secret {
public:
    secret() = default;
    explicit secret(std::string_view octets) : octets_(octets) {}
    /// Takes the octets over and wipes the place they came from.
    static secret take(std::string& octets)
    {
        secret s{octets};
        wipe(octets.data(), octets.size());
        octets.clear();
        return s;
    }
    secret(secret const& other) : octets_(other.octets_) {}
    // Copies, then wipes: moving a string may leave its octets in the old place.
    secret(secret&& other) noexcept : octets_(other.octets_)  // NOLINT(performance-move-constructor-init)
    {
        other.clear();
    }
    secret& operator=(secret const& other)
    {
        if (this != &other) {
            clear();
            octets_ = other.octets_;
        }
        return *this;
    }
    secret& operator=(secret&& other) noexcept
    {
        if (this != &other) {
            clear();
            octets_ = other.octets_;
            other.clear();
        }
        return *this;
    }
    ~secret() { clear(); }

    std::string_view reveal() const noexcept { return octets_; }
    bool empty() const noexcept { return octets_.empty(); }
    std::size_t size() const noexcept { return octets_.size(); }
    void clear() noexcept
    {
        wipe(octets_.data(), octets_.size());
        octets_.clear();
    }

private:
    std::string octets_;
};

}  // namespace postern
