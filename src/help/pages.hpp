// The pages of the help centre, rendered at build time by scripts/gen-help from the same data as the command line's texts:
// each is HTML, cut into pieces at the places that are filled for the reader.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "help/slots.hpp"  // generated: enum class slot

namespace postern::help {

struct piece {
    std::string_view text;
    slot then;  // what follows it; none: nothing
};

struct page {
    std::string_view language;  // "en"
    std::string_view name;      // "setup/thunderbird/implicit_tls", "help/auth-failed", "part/found"
    std::string_view title;     // HTML; empty for what is no page of its own
    std::span<piece const> pieces;
};

struct language {
    std::string_view code;  // "de"
    std::string_view name;  // "Deutsch": as it calls itself
};

/// Sorted by language and name. Generated.
std::span<page const> pages() noexcept;
/// The first is the one that others fall back to. Generated.
std::span<language const> languages() noexcept;

/// Or null.
page const* find_page(std::string_view language, std::string_view name) noexcept;

/// What goes into the slots. Whatever a stranger can write comes in as text, and is escaped here.
class filling {
public:
    void text(slot s, std::string_view words);
    /// HTML that was made from pages and texts already filled.
    void html(slot s, std::string markup) { of(s) = std::move(markup); }

    std::string into(page const& p) const;

private:
    std::string& of(slot s) noexcept { return values_[static_cast<std::size_t>(s)]; }
    std::array<std::string, slot_count> values_;
};

}  // namespace postern::help
