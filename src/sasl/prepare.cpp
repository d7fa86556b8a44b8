#include "sasl/prepare.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include <utf8proc.h>

#include "base/crypto.hpp"
#include "base/text.hpp"

namespace postern::sasl {
namespace {

constexpr std::size_t longest_field = 255;

// What Windows-1252 has in place of the C1 controls; 0 where it has nothing.
constexpr std::array<std::uint16_t, 32> windows_1252 = {0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                                        0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
                                                        0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                                        0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

bool is_control(std::int32_t c) noexcept { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

std::uint8_t octet(char c) noexcept { return static_cast<std::uint8_t>(c); }

/// Code points that wipe themselves: they may spell a password.
class code_points {
public:
    explicit code_points(std::size_t size) : values_(size) {}
    code_points(code_points const&) = delete;
    code_points& operator=(code_points const&) = delete;
    ~code_points() { wipe(values_.data(), values_.size() * sizeof(utf8proc_int32_t)); }
    utf8proc_int32_t* data() noexcept { return values_.data(); }
    std::size_t size() const noexcept { return values_.size(); }

private:
    std::vector<utf8proc_int32_t> values_;
};

enum class blanks { kept, mapped };

utf8proc_int32_t map_blank(utf8proc_int32_t c, void*)
{
    return utf8proc_category(c) == UTF8PROC_CATEGORY_ZS ? 0x20 : c;
}

constexpr auto form_c = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
constexpr auto form_kc = static_cast<utf8proc_option_t>(form_c | UTF8PROC_COMPAT | UTF8PROC_IGNORE);

/// Form C (or another) of well-formed UTF-8, written over by wiping helpers only.
std::optional<secret> compose(std::string_view text, blanks how, utf8proc_option_t canonical = form_c)
{
    auto const* octets = reinterpret_cast<utf8proc_uint8_t const*>(text.data());
    auto const length = static_cast<utf8proc_ssize_t>(text.size());
    auto const map = how == blanks::mapped ? map_blank : nullptr;

    utf8proc_ssize_t const needed = utf8proc_decompose_custom(octets, length, nullptr, 0, canonical, map, nullptr);
    if (needed < 0) return std::nullopt;
    // utf8proc_reencode() writes up to four octets for each code point and a NUL.
    code_points points(static_cast<std::size_t>(needed) + 1);
    if (utf8proc_decompose_custom(octets, length, points.data(), needed, canonical, map, nullptr) != needed)
        return std::nullopt;
    utf8proc_ssize_t const written = utf8proc_reencode(points.data(), needed, canonical);
    if (written < 0) return std::nullopt;
    return secret{std::string_view{reinterpret_cast<char const*>(points.data()), static_cast<std::size_t>(written)}};
}

void append_utf8(std::string& out, std::uint32_t c)
{
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xc0 | (c >> 6));
        out += static_cast<char>(0x80 | (c & 0x3f));
    } else {
        out += static_cast<char>(0xe0 | (c >> 12));
        out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
        out += static_cast<char>(0x80 | (c & 0x3f));
    }
}

/// Full-width ASCII and half-width kana and hangul: what they are variants of (their compatibility
/// decomposition); others stay.
utf8proc_int32_t of_ordinary_width(utf8proc_int32_t point)
{
    if (point < 0xff01 || point > 0xffee) return point;
    std::array<utf8proc_int32_t, 4> to{};
    int boundary = 0;
    auto const compatible = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
    auto const size =
        utf8proc_decompose_char(point, to.data(), static_cast<utf8proc_ssize_t>(to.size()), compatible, &boundary);
    return size == 1 ? to[0] : point;
}

/// Octets read as Windows-1252. Nothing where an octet has no meaning there.
std::optional<secret> from_windows_1252(std::string_view text)
{
    std::string out;
    out.reserve(text.size() * 3);  // so that no copy is left behind by growing
    bool good = true;
    for (char c : text) {
        std::uint32_t point = octet(c);
        if (point >= 0x80 && point < 0xa0) point = windows_1252[point - 0x80];
        if (point == 0) good = false;
        append_utf8(out, point);
    }
    secret s = secret::take(out);
    if (!good) return std::nullopt;
    return s;
}

/// Composed UTF-8 written in Windows-1252. Nothing where that has no such character.
std::optional<secret> to_windows_1252(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    bool good = true;
    for (std::size_t i = 0; i < text.size() && good;) {
        utf8proc_int32_t point = 0;
        auto const* at = reinterpret_cast<utf8proc_uint8_t const*>(text.data() + i);
        utf8proc_ssize_t const used = utf8proc_iterate(at, static_cast<utf8proc_ssize_t>(text.size() - i), &point);
        if (used <= 0) {
            good = false;
            break;
        }
        i += static_cast<std::size_t>(used);
        if (point < 0x80 || (point >= 0xa0 && point < 0x100)) {
            out += static_cast<char>(point);
            continue;
        }
        auto const found = std::find(windows_1252.begin(), windows_1252.end(), point);
        if (point == 0 || found == windows_1252.end())
            good = false;
        else
            out += static_cast<char>(0x80 + (found - windows_1252.begin()));
    }
    secret s = secret::take(out);
    if (!good) return std::nullopt;
    return s;
}

}  // namespace

std::optional<secret> prepare_password(std::string_view password)
{
    if (password.empty()) return std::nullopt;
    if (is_ascii(password)) {
        for (char c : password) {
            if (is_control(octet(c))) return std::nullopt;
        }
        return secret{password};
    }
    if (!is_utf8(password)) return std::nullopt;
    for (std::size_t i = 0; i < password.size();) {
        utf8proc_int32_t point = 0;
        auto const* at = reinterpret_cast<utf8proc_uint8_t const*>(password.data() + i);
        utf8proc_ssize_t const used = utf8proc_iterate(at, static_cast<utf8proc_ssize_t>(password.size() - i), &point);
        if (used <= 0 || is_control(point)) return std::nullopt;
        i += static_cast<std::size_t>(used);
    }
    return compose(password, blanks::mapped);
}

std::optional<std::string> normalise(std::string_view text)
{
    if (is_ascii(text)) return std::string{text};
    if (!is_utf8(text)) return std::nullopt;
    auto composed = compose(text, blanks::kept);
    if (!composed) return std::nullopt;
    return std::string{composed->reveal()};
}

std::optional<std::string> prepare_username(std::string_view name)
{
    if (is_ascii(name)) return to_lower(name);
    if (!is_utf8(name)) return std::nullopt;
    std::string mapped;
    for (std::size_t i = 0; i < name.size();) {
        utf8proc_int32_t point = 0;
        auto const* at = reinterpret_cast<utf8proc_uint8_t const*>(name.data() + i);
        utf8proc_ssize_t const used = utf8proc_iterate(at, static_cast<utf8proc_ssize_t>(name.size() - i), &point);
        if (used <= 0) return std::nullopt;
        i += static_cast<std::size_t>(used);
        append_utf8(mapped, static_cast<std::uint32_t>(utf8proc_tolower(of_ordinary_width(point))));
    }
    return normalise(mapped);
}

bool is_distinct_name(std::string_view name)
{
    if (!is_utf8(name)) return false;
    for (std::size_t i = 0; i < name.size();) {
        utf8proc_int32_t point = 0;
        auto const* at = reinterpret_cast<utf8proc_uint8_t const*>(name.data() + i);
        utf8proc_ssize_t const used = utf8proc_iterate(at, static_cast<utf8proc_ssize_t>(name.size() - i), &point);
        if (used <= 0) return false;
        i += static_cast<std::size_t>(used);
        switch (utf8proc_category(point)) {
            case UTF8PROC_CATEGORY_CC:
            case UTF8PROC_CATEGORY_CF:
            case UTF8PROC_CATEGORY_CN:
            case UTF8PROC_CATEGORY_CO:
            case UTF8PROC_CATEGORY_CS:
            case UTF8PROC_CATEGORY_ZL:
            case UTF8PROC_CATEGORY_ZP: return false;
            case UTF8PROC_CATEGORY_ZS:
                if (point != ' ') return false;
                break;
            default: break;
        }
    }
    auto const simplest = compose(name, blanks::kept, form_kc);
    return simplest && simplest->reveal() == name;
}

std::optional<std::string> read_as_latin1(std::string_view text)
{
    if (is_utf8(text)) return std::nullopt;
    auto read = from_windows_1252(text);
    if (!read) return std::nullopt;
    return std::string{read->reveal()};
}

std::vector<password_candidate> password_candidates(std::string_view password)
{
    using form = password_candidate::form;
    std::vector<password_candidate> list;
    auto add = [&list](form as, std::optional<secret> octets) {
        if (!octets || octets->empty()) return;
        for (auto const& known : list) {
            if (known.octets.reveal() == octets->reveal()) return;
        }
        list.push_back({as, std::move(*octets)});
    };

    add(form::prepared, prepare_password(password));
    add(form::raw, secret{password});
    if (is_ascii(password)) return list;
    if (is_utf8(password)) {
        // The hash may come from a system that wrote Latin-1.
        if (auto composed = compose(password, blanks::kept)) add(form::latin1, to_windows_1252(composed->reveal()));
    } else if (auto text = from_windows_1252(password)) {
        // The client writes Latin-1; the hash was made from UTF-8.
        add(form::latin1, prepare_password(text->reveal()));
    }
    return list;
}

char const* to_string(password_candidate::form f) noexcept
{
    switch (f) {
        case password_candidate::form::prepared: return "prepared";
        case password_candidate::form::raw: return "raw";
        case password_candidate::form::latin1: return "latin1";
    }
    return "";
}

secret scram_password(std::string_view password)
{
    if (auto prepared = prepare_password(password)) return std::move(*prepared);
    if (!is_utf8(password)) {
        if (auto text = from_windows_1252(password)) {
            if (auto prepared = prepare_password(text->reveal())) return std::move(*prepared);
        }
    }
    return secret{password};
}

bool is_acceptable_name(std::string_view name) noexcept
{
    if (name.empty() || name.size() > longest_field || !is_utf8(name)) return false;
    for (std::size_t i = 0; i < name.size(); ++i) {
        std::uint8_t const c = octet(name[i]);
        if (c < 0x20 || c == 0x7f) return false;
        // U+0080 to U+009F are written C2 80 to C2 9F.
        if (c == 0xc2 && octet(name[i + 1]) < 0xa0) return false;
    }
    return true;
}

bool is_acceptable_old_name(std::string_view name)
{
    if (is_acceptable_name(name)) return true;
    if (name.size() > longest_field) return false;
    auto const read = read_as_latin1(name);
    return read && std::none_of(name.begin(), name.end(), [](char c) { return octet(c) < 0x20 || octet(c) == 0x7f; });
}

std::string shown_name(std::string_view name) { return read_as_latin1(name).value_or(std::string{name}); }

bool is_acceptable_password(std::string_view password) noexcept
{
    return !password.empty() && password.size() <= longest_field && password.find('\0') == std::string_view::npos;
}

}  // namespace postern::sasl
