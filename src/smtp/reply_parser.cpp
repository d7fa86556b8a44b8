#include "smtp/reply_parser.hpp"

#include <utility>

#include "base/numbers.hpp"
#include "base/text.hpp"

namespace postern::smtp {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

}  // namespace

std::string reply::to_string() const
{
    if (code == 0) return {};
    std::string line = std::to_string(code);
    if (!status.empty()) line += ' ' + postern::to_string(status);
    std::string one_line = text;
    for (char& c : one_line) {
        if (c == '\n') c = ' ';
    }
    if (!one_line.empty()) line += ' ' + printable(one_line, 400);
    return line;
}

status find_status(std::string_view text, std::size_t& taken) noexcept
{
    // RFC 3463 section 2: class "." subject "." detail, the latter two of one to three digits.
    taken = 0;
    std::size_t const end = text.find_first_of(" \n");
    std::string_view const word = text.substr(0, end);
    if (word.size() < 5 || word.size() > 9 || word[1] != '.') return {};
    if (word[0] != '2' && word[0] != '4' && word[0] != '5') return {};
    std::size_t const dot = word.find('.', 2);
    if (dot == std::string_view::npos) return {};
    auto const subject = parse_number<std::uint16_t>(word.substr(2, dot - 2), 999);
    auto const detail = parse_number<std::uint16_t>(word.substr(dot + 1), 999);
    if (!subject || !detail) return {};
    taken = word.size();
    if (end != std::string_view::npos && text[end] == ' ') ++taken;
    return {static_cast<std::uint8_t>(word[0] - '0'), *subject, *detail};
}

reply_parser::state reply_parser::take(std::string_view& in)
{
    if (!problem_.empty()) return state::malformed;
    while (!in.empty()) {
        std::size_t const newline = in.find('\n');
        std::size_t const length = newline == std::string_view::npos ? in.size() : newline;
        if (partial_.size() + length > longest_line) return fail("a reply line is too long");
        if (newline == std::string_view::npos) {
            partial_.append(in);
            in = {};
            return state::more;
        }
        state s = state::more;
        if (partial_.empty()) {
            s = on_line(in.substr(0, newline));
        } else {
            partial_.append(in.substr(0, newline));
            s = on_line(partial_);
            partial_.clear();
        }
        in.remove_prefix(newline + 1);
        if (s != state::more) return s;
    }
    return state::more;
}

reply_parser::state reply_parser::on_line(std::string_view line)
{
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.size() < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2])) {
        return fail("a reply line does not begin with a reply code");
    }
    // A lone code without a blank is to be tolerated (RFC 5321 section 4.2.1).
    bool const last = line.size() == 3 || line[3] == ' ';
    if (!last && line[3] != '-') return fail("a reply code is not followed by a blank or a hyphen");

    int const code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    if (lines_ == 0) {
        value_.code = code;
    } else if (value_.code != code) {
        return fail("the lines of a reply have different codes");
    }
    if (++lines_ > most_lines) return fail("a reply has too many lines");

    std::string_view text = line.size() > 4 ? line.substr(4) : std::string_view{};
    std::size_t taken = 0;
    if (status const s = find_status(text, taken); s.klass == code / 100) {
        if (value_.status.empty()) value_.status = s;
        text.remove_prefix(taken);
    }
    if (value_.text.size() + text.size() + 1 > longest_reply) return fail("a reply is too long");
    if (lines_ > 1) value_.text += '\n';
    value_.text += text;
    return last ? state::complete : state::more;
}

reply_parser::state reply_parser::fail(std::string_view why) noexcept
{
    problem_ = why;
    return state::malformed;
}

reply reply_parser::release()
{
    lines_ = 0;
    return std::exchange(value_, {});
}

}  // namespace postern::smtp
