#include "filters/draft.hpp"

#include <algorithm>

namespace postern::filters {
namespace {

constexpr std::size_t read_step = 64u << 10;
constexpr std::size_t most_fields = 1100;  // those that may come, and ours

error unreadable(std::string what) { return error{status{4, 3, 0}, "", std::move(what)}; }

}  // namespace

std::string_view draft::field::name() const noexcept
{
    std::string_view text = octets;
    text = text.substr(0, text.find(':'));
    auto const end = text.find_last_not_of(" \t");
    return end == std::string_view::npos ? std::string_view{} : text.substr(0, end + 1);
}

std::string_view draft::field::value() const noexcept
{
    std::string_view text = octets;
    auto const colon = text.find(':');
    if (colon == std::string_view::npos) return {};
    text.remove_prefix(colon + 1);
    if (text.ends_with("\r\n")) text.remove_suffix(2);
    return text;
}

result<std::unique_ptr<draft>> draft::open(std::unique_ptr<spool::content_writer> content, std::size_t header_limit)
{
    mail::header_collector header{header_limit};
    std::uint64_t read = 0;
    for (auto state = mail::header_collector::state::more; state == mail::header_collector::state::more;) {
        auto piece = content->read(read, read_step);
        if (!piece) return std::move(piece).error();
        read += piece->size();
        std::string_view rest = *piece;
        state = piece->empty() ? header.finish() : header.add(rest);
        if (state == mail::header_collector::state::complete && !piece->empty()) read -= rest.size();
        if (state == mail::header_collector::state::too_long) return unreadable("the header section is too long");
    }
    auto const fields = mail::parse_fields(header.text(), most_fields);
    if (!fields || fields->empty()) return unreadable("the header section can't be read again");
    std::unique_ptr<draft> made{new draft{std::move(content), read}};
    made->fields_.reserve(fields->size() + 8);
    for (auto const& f : *fields) made->fields_.push_back({std::string{f.octets}, false});
    made->fields_.front().ours = true;
    return made;
}

void draft::insert(std::size_t at, field f)
{
    changed_ = true;
    fields_.insert(fields_.begin() + static_cast<std::ptrdiff_t>(std::min(at, fields_.size())), std::move(f));
}

void draft::replace(std::size_t at, std::string octets)
{
    changed_ = true;
    fields_[at].octets = std::move(octets);
}

void draft::remove(std::size_t at)
{
    changed_ = true;
    fields_.erase(fields_.begin() + static_cast<std::ptrdiff_t>(at));
}

std::string draft::header() const
{
    std::string out;
    for (auto const& f : fields_) out += f.octets;
    return out;
}

void draft::set_body(std::unique_ptr<spool::content_writer> body)
{
    changed_ = true;
    body_ = std::move(body);
    body_at_ = 0;
}

result<> mended_lines::add(std::string_view piece)
{
    std::string out;
    out.reserve(piece.size() + 64);
    for (char const c : piece) {
        nul_ = nul_ || c == '\0';
        if (c == '\n' && after_cr_) {
            after_cr_ = false;
            continue;
        }
        after_cr_ = c == '\r';
        if (c == '\r' || c == '\n') {
            out += "\r\n";
            line_open_ = false;
        } else {
            out += c;
            line_open_ = true;
        }
    }
    return out_.append(out);
}

result<> mended_lines::finish()
{
    if (!line_open_) return done{};
    line_open_ = false;
    return out_.append("\r\n");
}

}  // namespace postern::filters
