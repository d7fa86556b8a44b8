#include "mail/mime_walker.hpp"

#include <utility>

#include "base/text.hpp"

namespace postern::mail {
namespace {

// What is more is no mail that people write, and costs time at each line.
constexpr std::size_t deepest = 50, most_entities = 10'000, longest_header = 1u << 20;
// A delimiter has 74 octets, and blanks.
constexpr std::size_t longest_delimiter = 1000;

transfer_encoding encoding_of(std::vector<header_field> const& fields)
{
    auto const* const f = find_first(fields, "Content-Transfer-Encoding");
    if (f == nullptr) return transfer_encoding::seven_bit;
    // Comments are allowed, and nobody writes them.
    std::string const value = to_lower(f->unfolded());
    auto const word = std::string_view{value}.substr(0, value.find_first_of(" \t;("));
    if (word == "7bit" || word.empty()) return transfer_encoding::seven_bit;
    if (word == "8bit") return transfer_encoding::eight_bit;
    if (word == "binary") return transfer_encoding::binary;
    if (word == "quoted-printable") return transfer_encoding::quoted_printable;
    if (word == "base64") return transfer_encoding::base64;
    return transfer_encoding::other;
}

bool begins_field(std::string_view line)
{
    auto const colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    auto name = line.substr(0, colon);
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
    if (name.empty()) return false;
    for (char const c : name)
        if (c <= ' ' || c > '~') return false;
    return true;
}

}  // namespace

void mime_walker::fail(std::string_view why)
{
    if (problem_.empty()) problem_ = why;
}

void mime_walker::tell(std::string_view octets)
{
    if (octets.empty()) return;
    if (place_ == place::leaf) {
        visitor_.on_body(octets);
    } else {
        visitor_.on_between(octets);
    }
}

void mime_walker::add(std::string_view octets)
{
    while (!octets.empty() && problem_.empty()) {
        // The first octet of a line end may have been the last of the piece before.
        std::size_t end = std::string_view::npos;
        if (!line_.empty() && line_.back() == '\r' && octets.front() == '\n') {
            end = 1;
        } else if (auto const at = octets.find("\r\n"); at != std::string_view::npos) {
            end = at + 2;
        }
        auto const part = octets.substr(0, end);
        octets.remove_prefix(part.size());
        line_ += part;
        if (end != std::string_view::npos) {
            take_line(line_, true);
            line_.clear();
            in_long_line_ = false;
        } else if (place_ != place::header && line_.size() > longest_delimiter) {
            // Not one that says anything. A last CR waits for what follows it.
            in_long_line_ = true;
            bool const cr = line_.back() == '\r';
            if (cr) line_.pop_back();
            take_line(line_, false);
            line_ = cr ? "\r" : "";
        } else if (line_.size() > longest_header) {
            fail("a header section that is too large");
        }
    }
}

void mime_walker::finish()
{
    if (!problem_.empty()) return;
    if (!line_.empty()) take_line(line_, false);
    line_.clear();
    if (place_ == place::header) end_header(false);
    if (held_break_) tell("\r\n");
    held_break_ = false;
    leave_leaf();
}

void mime_walker::leave_leaf()
{
    if (place_ == place::leaf) visitor_.on_body_end();
    place_ = place::between;
}

mime_walker::delimiter mime_walker::match(std::string_view line, std::size_t& depth) const
{
    if (in_long_line_ || boundaries_.empty() || !line.starts_with("--")) return delimiter::none;
    line.remove_prefix(2);
    while (!line.empty() && (line.back() == '\r' || line.back() == '\n' || line.back() == ' ' || line.back() == '\t'))
        line.remove_suffix(1);
    for (std::size_t i = boundaries_.size(); i-- > 0;) {
        if (!line.starts_with(boundaries_[i])) continue;
        auto const rest = line.substr(boundaries_[i].size());
        depth = i;
        if (rest.empty()) return delimiter::next;
        if (rest == "--") return delimiter::last;
    }
    return delimiter::none;
}

void mime_walker::take_line(std::string_view line, bool ended)
{
    std::size_t depth = 0;
    auto const found = match(line, depth);
    if (found == delimiter::none) {
        if (place_ == place::header) return take_header_line(line, ended);
        if (std::exchange(held_break_, false)) tell("\r\n");
        // In a leaf the line end may belong to a delimiter behind it.
        bool const hold = place_ == place::leaf && ended && !boundaries_.empty();
        tell(hold ? line.substr(0, line.size() - 2) : line);
        held_break_ = hold;
        return;
    }
    // A header section that nothing ends but this.
    if (place_ == place::header) end_header(false);
    bool const held = std::exchange(held_break_, false);
    leave_leaf();
    if (held) visitor_.on_between("\r\n");
    visitor_.on_between(line);
    boundaries_.resize(found == delimiter::last ? depth : depth + 1);
    if (found == delimiter::next) {
        place_ = place::header;
        header_.clear();
    }
}

void mime_walker::take_header_line(std::string_view line, bool ended)
{
    if (line == "\r\n") return end_header(true);
    bool const folded = !header_.empty() && (line.front() == ' ' || line.front() == '\t');
    if (folded || begins_field(line)) {
        header_ += line;
        if (!ended) header_ += "\r\n";
        if (header_.size() > longest_header) fail("a header section that is too large");
        return;
    }
    // The body begins without an empty line.
    end_header(false);
    if (problem_.empty()) take_line(line, ended);
}

void mime_walker::end_header(bool blank_line)
{
    if (++entities_ > most_entities) return fail("too many parts");
    auto const fields = parse_fields(header_, longest_header);
    if (!fields) return fail("a header section that can't be read");
    auto const* const f = find_first(*fields, "Content-Type");
    auto const type = parse_content_type(f == nullptr ? std::string{} : f->unfolded());
    auto const how = encoding_of(*fields);
    // RFC 2045 section 6.4: what has parts is not encoded itself.
    bool const open = how != transfer_encoding::quoted_printable && how != transfer_encoding::base64;
    bool const parts = open && type.is_multipart() && !type.boundary.empty();
    bool const inner = open && type.is_message();
    visitor_.on_header({header_, *fields, type, how, boundaries_.size(), parts || inner, blank_line});
    header_.clear();
    if (blank_line) visitor_.on_between("\r\n");
    if (parts) {
        if (boundaries_.size() == deepest) return fail("parts within parts, too deep");
        boundaries_.push_back(type.boundary);
        place_ = place::between;
    } else if (inner) {
        place_ = place::header;
    } else {
        place_ = place::leaf;
    }
}

}  // namespace postern::mail
