#include "mail/address_list.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"

namespace postern::mail {
namespace {

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }
constexpr bool is_control(char c) noexcept { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; }
constexpr std::string_view specials = "()<>[]:;@\\,\"";

// Octets of a word in a phrase; the dot is obsolete there (RFC 5322 section 4.1) and common.
bool is_word_octet(char c) noexcept
{
    return !is_blank(c) && !is_control(c) && specials.find(c) == std::string_view::npos;
}

// What programs read as another address: a local part that needs its quotes for more than
// a blank, or one that looks like an encoded word (RFC 2047), which must not be decoded.
bool is_ambiguous(mailbox const& m) noexcept
{
    return m.local_part.find_first_of(specials) != std::string::npos || m.local_part.find("=?") != std::string::npos;
}

// An overlong form of an ASCII character (two octets) in what is not UTF-8: sloppy decoders make "<" of it.
bool has_overlong(std::string_view text) noexcept
{
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        auto const a = static_cast<unsigned char>(text[i]);
        auto const b = static_cast<unsigned char>(text[i + 1]);
        if ((a == 0xc0 || a == 0xc1) && b >= 0x80 && b < 0xc0) return true;
    }
    return false;
}

class list_parser {
public:
    list_parser(std::string_view text, std::size_t limit) : text_(text), limit_(limit) {}

    list_error run()
    {
        while (at_ < text_.size())
            if (auto const e = step(); e != list_error::none) return e;
        if (in_group_) return list_error::syntax;
        if (auto const e = end_element(); e != list_error::none) return e;
        return found_.empty() ? list_error::empty : list_error::none;
    }
    std::vector<mailbox> take() { return std::move(found_); }

private:
    // The element under way: words of a display name or a local part, then perhaps an address.
    struct element {
        std::size_t words = 0;
        std::size_t last_word = 0, last_word_end = 0;  // where it is in the text
        bool has_spec = false;                         // an addr-spec without brackets
        bool complete = false;                         // an angle-addr: nothing may follow
    };

    list_error step()
    {
        char const c = text_[at_];
        if (is_blank(c)) {
            ++at_;
            return list_error::none;
        }
        switch (c) {
            case '(': return comment();
            case ',': ++at_; return end_element();
            case ':': return begin_group();
            case ';': return end_group();
            case '<': return angle();
            case '@': return bare();
            case '"': return quoted();
            default: return word();
        }
    }

    list_error add_word(std::size_t end)
    {
        // "a@b c" and "<a@b> c" have a word too many.
        if (now_.has_spec || now_.complete) return list_error::syntax;
        ++now_.words;
        now_.last_word = at_;
        now_.last_word_end = at_ = end;
        return list_error::none;
    }

    list_error word()
    {
        std::size_t end = at_;
        while (end < text_.size() && is_word_octet(text_[end])) ++end;
        return end == at_ ? list_error::syntax : add_word(end);
    }

    list_error quoted()
    {
        for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
            if (text_[i] == '"') return add_word(i + 1);
            if (text_[i] == '\\') ++i;
        }
        return list_error::syntax;
    }

    list_error comment()
    {
        std::size_t depth = 0;
        for (; at_ < text_.size(); ++at_) {
            switch (text_[at_]) {
                case '(': ++depth; break;
                case ')':
                    if (--depth == 0) {
                        ++at_;
                        return list_error::none;
                    }
                    break;
                case '\\': ++at_; break;
                // A program that knows no comments would find an address here.
                case '<':
                case '>':
                case '@': return list_error::ambiguous;
                default: break;
            }
        }
        return list_error::syntax;
    }

    list_error begin_group()
    {
        if (in_group_ || now_.words == 0 || now_.has_spec || now_.complete) return list_error::syntax;
        in_group_ = true;
        now_ = {};
        ++at_;
        return list_error::none;
    }

    list_error end_group()
    {
        if (!in_group_) return list_error::syntax;
        if (auto const e = end_element(); e != list_error::none) return e;
        in_group_ = false;
        after_group_ = true;
        ++at_;
        return list_error::none;
    }

    list_error end_element()
    {
        // Words without an address: a display name with an unquoted comma, or a bare user name.
        if (now_.words != 0 && !now_.has_spec && !now_.complete) return list_error::syntax;
        now_ = {};
        after_group_ = false;
        return list_error::none;
    }

    list_error add(mailbox m)
    {
        if (is_ambiguous(m)) return list_error::ambiguous;
        if (found_.size() == limit_) return list_error::too_many;
        found_.push_back(std::move(m));
        return list_error::none;
    }

    list_error angle()
    {
        if (now_.complete || after_group_) return list_error::syntax;
        auto rest = text_.substr(at_);
        path_error why = path_error::none;
        auto p = parse_path(rest, false, false, why);
        if (!p) return why == path_error::source_route ? list_error::ambiguous : list_error::bad_address;
        at_ = text_.size() - rest.size();
        now_.complete = true;
        // `a@b <c@d>` is no RFC 5322, but clients put their own address as an unquoted
        // display name. It can be read in one way only when both are the same.
        if (now_.has_spec) return found_.back().key() == p->address.key() ? list_error::none : list_error::ambiguous;
        return add(std::move(p->address));
    }

    // The "@" of an addr-spec without brackets: its local part is the word before it.
    list_error bare()
    {
        if (now_.words == 0) return list_error::syntax;
        if (now_.words != 1 || now_.has_spec || now_.complete || after_group_) return list_error::syntax;
        if (now_.last_word_end != at_) return list_error::ambiguous;  // blanks or comments inside
        std::size_t end = at_ + 1;
        if (end < text_.size() && text_[end] == '[') {
            end = std::min(text_.find(']', end), text_.size() - 1) + 1;
        } else {
            while (end < text_.size() && is_word_octet(text_[end])) ++end;
        }
        auto m = parse_mailbox(text_.substr(now_.last_word, end - now_.last_word));
        if (!m) return list_error::bad_address;
        at_ = end;
        now_.has_spec = true;
        return add(std::move(*m));
    }

    std::string_view text_;
    std::size_t limit_;
    std::size_t at_ = 0;
    std::vector<mailbox> found_;
    element now_;
    bool in_group_ = false;
    bool after_group_ = false;
};

// RFC 5322 section 2.2.3. Nothing when a CR or LF is no fold, or another control is in it.
std::optional<std::string> unfold(std::string_view value)
{
    std::optional<std::string> out(std::in_place);
    out->reserve(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) {
        char const c = value[i];
        if (c == '\r' && i + 2 < value.size() && value[i + 1] == '\n' && is_blank(value[i + 2])) {
            ++i;
            continue;
        }
        if (is_control(c)) return std::nullopt;
        *out += c;
    }
    return out;
}

}  // namespace

std::optional<std::vector<mailbox>> parse_address_list(std::string_view value, std::size_t limit, list_error& why)
{
    auto const text = unfold(value);
    if (!text) {
        why = list_error::syntax;
        return std::nullopt;
    }
    // Latin-1 in display names is sent by many a device and read alike by all; so it passes.
    if (has_overlong(*text)) {
        why = list_error::ambiguous;
        return std::nullopt;
    }
    list_parser p(*text, limit);
    why = p.run();
    if (why != list_error::none) return std::nullopt;
    return p.take();
}

}  // namespace postern::mail
