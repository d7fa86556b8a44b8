#include "directory/cause_search.hpp"

#include "base/text.hpp"
#include "directory/verifier.hpp"
#include "sasl/prepare.hpp"

namespace postern::directory {
namespace {

/// Octets of the blank at the front of a text, of whatever kind; 0: none is there.
std::size_t blank_at(std::string_view text)
{
    if (text.empty()) return 0;
    char const c = text.front();
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') return 1;
    std::uint32_t point = 0;
    auto const size = utf8_sequence(text, point);
    bool const blank =
        point == 0xa0 || point == 0x3000 || point == 0x202f || point == 0xfeff || (point >= 0x2000 && point <= 0x200b);
    return blank ? size : 0;
}

std::string_view trimmed(std::string_view text)
{
    while (auto const n = blank_at(text)) text.remove_prefix(n);
    for (bool again = true; again && !text.empty();) {
        again = false;
        for (std::size_t n = 1; n <= 3 && n <= text.size(); ++n) {
            if (blank_at(text.substr(text.size() - n)) != n) continue;
            text.remove_suffix(n);
            again = true;
            break;
        }
    }
    return text;
}

char turned(char c) { return c >= 'A' && c <= 'Z' ? lower(c) : upper(c); }

/// UTF-8 whose octets were taken for Latin-1 and written as UTF-8 once more: what it was.
secret written_once(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    bool good = !is_ascii(text);
    while (!text.empty() && good) {
        std::uint32_t point = 0;
        auto const size = utf8_sequence(text, point);
        good = size != 0 && point < 0x100;
        if (!good) break;
        out += static_cast<char>(point);
        text.remove_prefix(size);
    }
    good = good && is_utf8(out);
    auto s = secret::take(out);
    return good ? s : secret{};
}

}  // namespace

std::vector<meant_password> meant_passwords(secret const& sent)
{
    std::vector<meant_password> list;
    auto const text = sent.reveal();
    if (text.empty()) return list;
    auto const add = [&](secret const& octets, login_cause cause) {
        if (octets.empty() || (octets.reveal() == text && cause != login_cause::previous_password)) return;
        list.push_back({sasl::scram_password(octets.reveal()), cause});
    };
    add(sent, login_cause::previous_password);
    add(secret{trimmed(text)}, login_cause::password_blank);
    std::string other{text};
    for (char& c : other) c = turned(c);
    add(secret::take(other), login_cause::password_case);
    other = text;
    other.front() = turned(other.front());
    add(secret::take(other), login_cause::password_case);
    add(written_once(text), login_cause::password_encoding);
    return list;
}

std::string without_blanks(std::string_view name)
{
    std::string out;
    bool any = false;
    while (!name.empty()) {
        if (auto const n = blank_at(name)) {
            any = true;
            name.remove_prefix(n);
            continue;
        }
        out += name.front();
        name.remove_prefix(1);
    }
    return any ? out : std::string{};
}

void cause_search::begin(cause_handler handler)
{
    handler_ = std::move(handler);
    meant_ = meant_passwords(parts_.password);
    parts_.password.clear();
    parts_.idle([self = shared_from_this()] { self->look_at_name(); });
}

void cause_search::look_at_name()
{
    found_ = parts_.look_at_name();
    next();
}

void cause_search::next()
{
    if (at_ == meant_.size()) return report();
    parts_.idle([self = shared_from_this()] {
        auto& s = *self;
        auto const& meant = s.meant_[s.at_];
        auto const& verifier = meant.cause == login_cause::previous_password ? s.parts_.previous : s.parts_.verifier;
        bool const right = check(verifier, meant.octets.reveal()) == match::yes;
        if (right && s.found_.cause == login_cause::none) s.found_.cause = meant.cause;
        ++s.at_;
        s.next();
    });
}

void cause_search::report()
{
    if (found_.cause == login_cause::none) found_.cause = parts_.otherwise;
    parts_.remember(found_.cause);
    handler_(found_.cause, found_.detail);
}

}  // namespace postern::directory
