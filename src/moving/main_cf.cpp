#include "moving/main_cf.hpp"

#include <algorithm>
#include <array>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "moving/lines.hpp"

namespace postern::moving {
namespace {

bool is_name(std::string_view text) noexcept
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

// Postfix's defaults that decide what is carried over (postconf(5)).
constexpr std::pair<std::string_view, std::string_view> defaults[] = {
    {"alias_maps", "hash:/etc/aliases"},
    {"bounce_queue_lifetime", "5d"},
    {"delay_warning_time", "0h"},
    {"inet_interfaces", "all"},
    {"inet_protocols", "all"},
    {"local_transport", "local:$myhostname"},
    {"mail_name", "Postfix"},
    {"maximal_queue_lifetime", "5d"},
    {"message_size_limit", "10240000"},
    {"mydestination", "$myhostname, localhost.$mydomain, localhost"},
    {"myorigin", "$myhostname"},
    {"queue_directory", "/var/spool/postfix"},
    {"smtpd_relay_restrictions", "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination"},
    {"smtpd_recipient_limit", "1000"},
    {"smtpd_sasl_path", "smtpd"},
    {"smtpd_sasl_type", "cyrus"},
    {"smtpd_tls_eckey_file", "$smtpd_tls_eccert_file"},
    {"smtpd_tls_key_file", "$smtpd_tls_cert_file"},
    {"virtual_alias_domains", "$virtual_alias_maps"},
    {"virtual_alias_maps", "$virtual_maps"},
    {"virtual_mailbox_domains", "$virtual_mailbox_maps"},
    {"virtual_transport", "virtual"},
};

// One expansion. Bounded in depth, steps and size, so that a configuration which leads in
// circles, or doubles itself, ends here.
class expansion {
public:
    expansion(main_cf const& values, std::span<parameter const> overrides) : values_(values), overrides_(overrides) {}

    std::string text(std::string_view t, unsigned depth)
    {
        std::string out;
        if (depth > 40) failed_ = "leads back to itself, or through too many other parameters";
        for (std::size_t at = 0; at < t.size() && failed_.empty(); ++at) {
            if (++steps_ > 200'000) failed_ = "takes too long to expand";
            if (t[at] != '$' || at + 1 == t.size()) {
                out += t[at];
            } else if (t[at + 1] == '$') {
                out += '$';
                ++at;
            } else if (t[at + 1] == '{' || t[at + 1] == '(') {
                auto const end = closing(t, at + 1);
                if (end == std::string_view::npos) {
                    failed_ = std::string{"has a \""} + t[at + 1] + "\" that is never closed";
                    break;
                }
                out += macro(t.substr(at + 2, end - at - 2), depth);
                at = end;
            } else {
                std::size_t end = at + 1;
                while (end < t.size() && is_name(t.substr(end, 1))) ++end;
                if (end == at + 1) {
                    out += '$';
                    continue;
                }
                out += named(t.substr(at + 1, end - at - 1), depth);
                at = end - 1;
            }
            if (out.size() > longest_line) failed_ = "grows larger than 64 KiB";
        }
        return failed_.empty() ? out : std::string{};
    }

    std::string named(std::string_view name, unsigned depth)
    {
        if (name == "myhostname" && !is_set(name)) return values_.hostname();
        if (name == "mydomain" && !is_set(name)) {
            auto const host = text("$myhostname", depth + 1);
            auto const dot = host.find('.');
            return dot == std::string::npos ? "localdomain" : host.substr(dot + 1);
        }
        return text(raw(name), depth + 1);
    }

    std::string const& failed() const noexcept { return failed_; }

private:
    static std::size_t closing(std::string_view t, std::size_t open)
    {
        char const begin = t[open];
        char const end = begin == '{' ? '}' : ')';
        std::size_t depth = 0;
        for (std::size_t at = open; at < t.size(); ++at) {
            if (t[at] == begin) ++depth;
            if (t[at] == end && --depth == 0) return at;
        }
        return std::string_view::npos;
    }

    bool is_set(std::string_view name) const
    {
        return std::any_of(overrides_.begin(), overrides_.end(), [&](auto const& o) { return o.name == name; }) ||
               values_.find(name) != nullptr;
    }

    std::string_view raw(std::string_view name) const
    {
        for (auto at = overrides_.rbegin(); at != overrides_.rend(); ++at)
            if (at->name == name) return at->value;
        if (auto const* p = values_.find(name)) return p->value;
        return postfix_default(name);
    }

    // What is between the braces: name, name?text, name:text, name?{text}:{text}, {a}=={b}?...
    std::string macro(std::string_view inside, unsigned depth)
    {
        inside = trimmed(inside);
        if (inside.starts_with('{')) return comparison(inside, depth);
        std::size_t end = 0;
        while (end < inside.size() && is_name(inside.substr(end, 1))) ++end;
        auto const name = inside.substr(0, end);
        auto const rest = trimmed(inside.substr(end));
        if (rest.empty()) return named(name, depth);
        bool const holds = !named(name, depth).empty();
        return choice(rest, holds, depth);
    }

    // "{a} == {b} ? {c} : {d}"
    std::string comparison(std::string_view inside, unsigned depth)
    {
        auto const left_end = closing(inside, 0);
        if (left_end == std::string_view::npos) return {};
        auto rest = trimmed(inside.substr(left_end + 1));
        bool equal = true;
        if (rest.starts_with("==")) {
        } else if (rest.starts_with("!=")) {
            equal = false;
        } else {
            failed_ = "compares in a way that is not understood here";
            return {};
        }
        rest = trimmed(rest.substr(2));
        if (!rest.starts_with('{')) return {};
        auto const right_end = closing(rest, 0);
        if (right_end == std::string_view::npos) return {};
        bool const same = text(trimmed(inside.substr(1, left_end - 1)), depth + 1) ==
                          text(trimmed(rest.substr(1, right_end - 1)), depth + 1);
        rest = trimmed(rest.substr(right_end + 1));
        if (rest.empty()) return same == equal ? "bool" : "";
        return choice(rest, same == equal, depth);
    }

    // "?text", ":text", "?{text}:{text}"
    std::string choice(std::string_view rest, bool holds, unsigned depth)
    {
        bool const first_when = rest.starts_with('?');
        if (!first_when && !rest.starts_with(':')) {
            failed_ = "has something behind a name that is not understood here";
            return {};
        }
        rest = trimmed(rest.substr(1));
        if (!rest.starts_with('{')) return holds == first_when ? text(rest, depth + 1) : std::string{};
        auto const end = closing(rest, 0);
        if (end == std::string_view::npos) return {};
        if (holds == first_when) return text(trimmed(rest.substr(1, end - 1)), depth + 1);
        rest = trimmed(rest.substr(end + 1));
        if (!rest.starts_with(':')) return {};
        rest = trimmed(rest.substr(1));
        if (rest.starts_with('{')) {
            auto const other = closing(rest, 0);
            rest = other == std::string_view::npos ? std::string_view{} : trimmed(rest.substr(1, other - 1));
        }
        return text(rest, depth + 1);
    }

    main_cf const& values_;
    std::span<parameter const> overrides_;
    std::string failed_;
    std::size_t steps_ = 0;
};

}  // namespace

std::string_view postfix_default(std::string_view name) noexcept
{
    for (auto const& [key, value] : defaults)
        if (key == name) return value;
    return {};
}

bool is_yes(std::string_view value) noexcept { return equal_ignoring_case(value, "yes"); }

basic_result<std::vector<parameter>, trouble> parse_main_cf(std::string_view text, std::string const& file)
{
    auto lines = logical_lines(text, file);
    if (!lines) return lines.error();
    std::vector<parameter> list;
    for (auto const& l : *lines) {
        auto const [name, value] = split_pair(l.text);
        if (l.text.find('=') == std::string::npos)
            return trouble{{file, l.number}, "there is no \"=\" behind \"" + printable(name, 60) + '"'};
        if (!is_name(name))
            return trouble{{file, l.number}, "\"" + printable(name, 60) + "\" is not the name of a parameter"};
        list.push_back({std::string(name), std::string(value), {file, l.number}});
    }
    return list;
}

basic_result<main_cf, trouble> main_cf::make(std::vector<parameter> parameters, std::string hostname)
{
    main_cf made;
    made.parameters_ = std::move(parameters);
    made.hostname_ = std::move(hostname);
    for (std::size_t i = 0; i < made.parameters_.size(); ++i) made.index_[made.parameters_[i].name] = i;
    for (auto const* p : made.all()) {
        expansion e{made, {}};
        e.named(p->name, 0);
        if (!e.failed().empty()) return trouble{p->at, p->name + " " + e.failed()};
    }
    return made;
}

parameter const* main_cf::find(std::string_view name) const
{
    auto const at = index_.find(name);
    return at == index_.end() ? nullptr : &parameters_[at->second];
}

std::string main_cf::value(std::string_view name, std::span<parameter const> overrides) const
{
    return std::string(trimmed(expansion{*this, overrides}.named(name, 0)));
}

std::string main_cf::take(std::string_view name, std::span<parameter const> overrides)
{
    mark(name);
    return value(name, overrides);
}

std::string main_cf::expand(std::string_view text, std::span<parameter const> overrides) const
{
    return expansion{*this, overrides}.text(text, 0);
}

bool main_cf::referred_to(std::string_view name) const
{
    std::array<std::string, 3> const forms{'$' + std::string(name), "${" + std::string(name), "$(" + std::string(name)};
    return std::any_of(parameters_.begin(), parameters_.end(), [&](auto const& p) {
        return std::any_of(forms.begin(), forms.end(), [&](auto const& form) {
            auto const at = p.value.find(form);
            return at != std::string::npos && !is_name(p.value.substr(std::min(p.value.size(), at + form.size()), 1));
        });
    });
}

std::vector<parameter const*> main_cf::all() const
{
    std::vector<parameter const*> list;
    for (std::size_t i = 0; i < parameters_.size(); ++i)
        if (index_.find(parameters_[i].name)->second == i) list.push_back(&parameters_[i]);
    return list;
}

basic_result<done, trouble> main_cf::check(std::span<parameter const> overrides) const
{
    for (auto const& o : overrides) {
        expansion e{*this, overrides};
        e.named(o.name, 0);
        if (!e.failed().empty()) return trouble{o.at, o.name + " " + e.failed()};
    }
    return done{};
}

unsigned main_cf::compatibility() const
{
    auto const text = value("compatibility_level");
    auto const dot = text.find('.');
    auto const major = parse_number<unsigned>(text.substr(0, dot), 100).value_or(0);
    auto const minor = dot == std::string::npos ? 0 : parse_number<unsigned>(text.substr(dot + 1), 99).value_or(0);
    return major * 100 + minor;
}

}  // namespace postern::moving
