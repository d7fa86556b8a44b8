#include "mail/sts_policy.hpp"

#include <algorithm>
#include <utility>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "mail/address.hpp"
#include "mail/tag_list.hpp"

namespace postern::mail {
namespace {

constexpr std::string_view record_version = "v=STSv1";
constexpr std::size_t longest_record = 2048, longest_id = 32, most_patterns = 200;
// RFC 8461 section 3.2: a year, about.
constexpr std::uint64_t longest_age = 31'557'600;

bool is_alphanumeric(std::string_view text)
{
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    });
}

// "v=STSv1" and then a ";", or nothing more.
bool is_of_this_kind(std::string_view record)
{
    if (!record.starts_with(record_version)) return false;
    auto const rest = trimmed(record.substr(record_version.size()));
    return rest.empty() || rest.front() == ';';
}

std::optional<std::string> read_pattern(std::string_view text)
{
    bool const wild = text.starts_with("*.");
    auto const host = parse_domain(wild ? text.substr(2) : text);
    if (!host || host->starts_with('[')) return std::nullopt;
    return (wild ? "*." : "") + *host;
}

}  // namespace

std::string sts_record_name(std::string_view domain) { return "_mta-sts." + std::string{domain}; }

std::optional<std::string> parse_sts_record(std::vector<std::string> const& records)
{
    std::optional<std::string_view> only;
    for (auto const& r : records) {
        if (!is_of_this_kind(r)) continue;
        if (only || r.size() > longest_record) return std::nullopt;
        only = r;
    }
    if (!only) return std::nullopt;
    while (!only->empty()) {
        auto field = take_until(*only, ';');
        auto const name = take_until(field, '=');
        if (name != "id") continue;
        auto const id = trimmed(field);
        if (id.empty() || id.size() > longest_id || !is_alphanumeric(id)) return std::nullopt;
        return std::string{id};
    }
    return std::nullopt;
}

std::optional<sts_policy> parse_sts_policy(std::string_view text, std::string& problem)
{
    auto const wrong = [&](std::string why) {
        problem = std::move(why);
        return std::nullopt;
    };
    if (text.size() > longest_sts_policy) return wrong("it is longer than 64 KiB");
    sts_policy p;
    bool version = false, mode = false, age = false;
    while (!text.empty()) {
        auto value = take_until(text, '\n');
        if (value.empty()) continue;
        auto const key = take_until(value, ':');
        // Of a key that is there twice, but for mx, the first holds.
        if (key == "version" && !std::exchange(version, true)) {
            if (value.empty() || trimmed(value) != "STSv1") return wrong("its version is not STSv1");
        } else if (key == "mode" && !std::exchange(mode, true)) {
            auto const word = trimmed(value);
            if (word == "enforce") {
                p.mode = sts_mode::enforce;
            } else if (word == "testing") {
                p.mode = sts_mode::testing;
            } else if (word != "none") {
                return wrong("its mode is none of enforce, testing and none");
            }
        } else if (key == "max_age" && !std::exchange(age, true)) {
            auto const number = parse_number<std::uint64_t>(trimmed(value));
            if (!number) return wrong("its max_age is not a number");
            p.max_age = std::chrono::seconds{std::min(*number, longest_age)};
        } else if (key == "mx") {
            auto pattern = read_pattern(trimmed(value));
            if (!pattern) return wrong("it has an mx that is no name of a server");
            if (p.mx.size() == most_patterns) return wrong("it has too many mx");
            p.mx.push_back(std::move(*pattern));
        }
    }
    if (!version) return wrong("it has no version");
    if (!mode) return wrong("it has no mode");
    if (!age) return wrong("it has no max_age");
    if (p.mx.empty() && p.mode != sts_mode::none) return wrong("it names no mx");
    return p;
}

bool matches_mx_pattern(std::string_view pattern, std::string_view host)
{
    if (!pattern.starts_with("*.")) return equal_ignoring_case(pattern, host);
    auto const dot = host.find('.');
    return dot != 0 && dot != std::string_view::npos && equal_ignoring_case(pattern.substr(1), host.substr(dot));
}

bool allows(sts_policy const& p, std::string_view host)
{
    return std::any_of(p.mx.begin(), p.mx.end(),
                       [&](std::string const& pattern) { return matches_mx_pattern(pattern, host); });
}

std::string_view to_string(sts_mode m) noexcept
{
    switch (m) {
        case sts_mode::enforce: return "enforce";
        case sts_mode::testing: return "testing";
        case sts_mode::none: break;
    }
    return "none";
}

}  // namespace postern::mail
