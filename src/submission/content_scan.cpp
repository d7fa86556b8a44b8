#include "submission/content_scan.hpp"

#include <algorithm>
#include <cstring>

namespace postern::submission {

void content_scan::add(std::string_view piece)
{
    if (piece.empty()) return;
    nul_ = nul_ || std::memchr(piece.data(), 0, piece.size()) != nullptr;
    if (!eight_bit_) eight_bit_ = std::any_of(piece.begin(), piece.end(), [](char c) { return (c & '\x80') != 0; });
    while (!piece.empty()) {
        if (after_cr_) {
            after_cr_ = false;
            if (piece[0] == '\n') {
                line_start_ = true;
                piece.remove_prefix(1);
                continue;
            }
            bare_newline_ = true;
        }
        if (line_start_ && piece[0] == '.') dot_ = true;
        line_start_ = false;
        // Up to the next line end; a CR in between is found by the second search.
        auto const end = piece.find('\n');
        auto const line = piece.substr(0, end);
        auto const cr = line.find('\r');
        if (cr != std::string_view::npos) {
            after_cr_ = true;
            piece.remove_prefix(cr + 1);
            continue;
        }
        if (end == std::string_view::npos) return;
        bare_newline_ = true;
        line_start_ = true;
        piece.remove_prefix(end + 1);
    }
}

void content_scan::finish() { bare_newline_ = bare_newline_ || after_cr_; }

}  // namespace postern::submission
