#include "mail/header_section.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace postern::mail {
namespace {

constexpr std::string_view crlf = "\r\n";
constexpr std::size_t name_limit = 998;  // a line of RFC 5322 section 2.1.1

// RFC 5322 section 2.2: printable US-ASCII but for the colon. Nothing else: RFC 6532
// allows no UTF-8 in names either.
constexpr bool is_name_octet(char c) noexcept { return c > ' ' && c < 0x7f && c != ':'; }
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// One search each: far quicker than one for a set.
template <class... Chars>
bool has_any(std::string_view text, Chars... c) noexcept
{
    return (... || (text.find(c) != std::string_view::npos));
}

std::string_view trimmed(std::string_view text) noexcept
{
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace

// What the line under way is, as far as it is there.
header_collector::kind header_collector::classify() noexcept
{
    if (kind_ != kind::undecided) return kind_;
    if (checked_ == line_ && is_blank(text_[line_])) return kind_ = line_ == 0 ? kind::body : kind::field;
    while (checked_ < text_.size() && is_name_octet(text_[checked_])) ++checked_;
    std::size_t colon = checked_;
    // RFC 5322 section 4.5: blanks before the colon.
    while (colon < text_.size() && is_blank(text_[colon])) ++colon;
    if (colon - line_ > name_limit) return kind_ = kind::body;
    if (colon == text_.size()) return kind_;
    return kind_ = text_[colon] == ':' && checked_ > line_ ? kind::field : kind::body;
}

header_collector::state header_collector::end_with_body()
{
    body_start_.assign(text_, line_);
    text_.resize(line_);
    return state_ = state::complete;
}

// Judges the line under way, which may have its CRLF.
header_collector::state header_collector::take_line(bool ended)
{
    auto const line = std::string_view{text_}.substr(line_);
    if (line == crlf) {
        text_.resize(line_);
        blank_line_ = true;
        return state_ = state::complete;
    }
    if (line == "\r") return state_;
    // An undecided line may be body yet, and is short; only a field can be too much.
    auto const what = classify();
    if (what == kind::body) return end_with_body();
    if (what == kind::field && text_.size() > limit_) return state_ = state::too_long;
    if (!ended) return state_;
    auto const octets = line.substr(0, line.size() - crlf.size());
    malformed_ = malformed_ || has_any(octets, '\r', '\n', '\0');
    line_ = checked_ = text_.size();
    kind_ = kind::undecided;
    return state_;
}

header_collector::state header_collector::add(std::string_view& piece)
{
    if (text_.empty()) text_.reserve(std::min(piece.size(), std::min<std::size_t>(limit_, 4096)));
    while (state_ == state::more && !piece.empty()) {
        std::size_t const feed = piece.find('\n');
        std::size_t const room = limit_ - std::min(limit_, text_.size()) + crlf.size();
        std::size_t const count = std::min(room, feed == std::string_view::npos ? piece.size() : feed + 1);
        text_ += piece.substr(0, count);
        piece.remove_prefix(count);
        auto const line = std::string_view{text_}.substr(line_);
        take_line(line.ends_with(crlf));
    }
    return state_;
}

header_collector::state header_collector::finish()
{
    if (state_ != state::more) return state_;
    if (line_ == text_.size()) return state_ = state::complete;
    if (classify() != kind::field) return end_with_body();
    bool const cr = text_.back() == '\r';
    text_ += cr ? "\n" : "\r\n";
    take_line(true);
    malformed_ = malformed_ || cr;
    if (state_ == state::more) state_ = state::complete;
    return state_;
}

bool header_field::is(std::string_view other) const noexcept { return equal_ignoring_case(name, other); }

std::string header_field::unfolded() const
{
    std::string out;
    out.reserve(value.size());
    for (char c : value)
        if (c != '\r' && c != '\n') out += c;
    return std::string(trimmed(out));
}

std::optional<std::vector<header_field>> parse_fields(std::string_view section, std::size_t limit)
{
    std::optional<std::vector<header_field>> fields(std::in_place);
    fields->reserve(24);
    std::size_t start = 0;
    while (start < section.size()) {
        // The field goes on while the next line starts with a blank.
        std::size_t end = start;
        do {
            std::size_t const feed = section.find(crlf, end);
            end = feed == std::string_view::npos ? section.size() : feed + crlf.size();
        } while (end < section.size() && is_blank(section[end]));
        header_field f;
        f.octets = section.substr(start, end - start);
        auto const text = f.octets.ends_with(crlf) ? f.octets.substr(0, f.octets.size() - crlf.size()) : f.octets;
        start = end;
        auto const colon = text.find(':');
        if (colon == std::string_view::npos) continue;  // not from a header_collector
        f.name = trimmed(text.substr(0, colon));
        f.value = text.substr(colon + 1);
        if (fields->size() == limit) {
            fields.reset();
            break;
        }
        fields->push_back(f);
    }
    return fields;
}

std::size_t count_received(std::vector<header_field> const& fields) noexcept
{
    return static_cast<std::size_t>(
        std::count_if(fields.begin(), fields.end(), [](auto const& f) { return f.is("Received"); }));
}

std::vector<header_field> find_all(std::vector<header_field> const& fields, std::string_view name)
{
    std::vector<header_field> found;
    for (auto const& f : fields)
        if (f.is(name)) found.push_back(f);
    return found;
}

header_field const* find_first(std::vector<header_field> const& fields, std::string_view name) noexcept
{
    auto const f = std::find_if(fields.begin(), fields.end(), [&](auto const& one) { return one.is(name); });
    return f == fields.end() ? nullptr : &*f;
}

}  // namespace postern::mail
