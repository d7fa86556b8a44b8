// QR codes as pictures that need no script and no style sheet.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern::porter {

/// An SVG of the text, at error correction level M with the quiet zone that readers want, dark on light whatever the page's
/// colours are; `title` is what a screen reader says. Nothing: the text is empty, or longer than 600 octets, which no phone
/// reads from a screen with pleasure.
std::optional<std::string> qr_code(std::string_view text, std::string_view title);

}  // namespace postern::porter
