// Sizes, counts and times: what has one option on either side.
#include "base/numbers.hpp"
#include "base/text.hpp"
#include "config/option.hpp"
#include "config/values.hpp"
#include "moving/planner.hpp"

namespace postern::moving {
namespace {

// "5d", "4h", "30": seconds, with `unit` for a bare number.
std::optional<std::uint64_t> seconds(std::string const& text, char unit)
{
    if (text.empty()) return std::nullopt;
    char last = lower(text.back());
    bool const bare = last >= '0' && last <= '9';
    auto const number =
        parse_number<std::uint64_t>(std::string_view{text}.substr(0, text.size() - (bare ? 0 : 1)), 100'000'000);
    if (bare) last = unit;
    if (!number) return std::nullopt;
    switch (last) {
        case 's': return *number;
        case 'm': return *number * 60;
        case 'h': return *number * 3600;
        case 'd': return *number * 86400;
        case 'w': return *number * 604800;
        default: return std::nullopt;
    }
}

// One option on either side.
struct twin {
    std::string_view parameter, option;
    char unit;    // of a bare number, if it is a time; else 0
    bool always;  // also when only Postfix's default says so
};

constexpr twin twins[] = {
    {"message_size_limit", "limits.message_size", 0, true},
    {"smtpd_recipient_limit", "limits.recipients", 0, false},
    {"smtpd_client_connection_count_limit", "limits.connections_per_address", 0, false},
    {"smtpd_hard_error_limit", "limits.errors", 0, false},
    {"hopcount_limit", "limits.hops", 0, false},
    {"header_size_limit", "limits.header_size", 0, false},
    {"queue_minfree", "limits.free_space", 0, false},
    {"maximal_queue_lifetime", "delivery.give_up_after", 'd', false},
    {"delay_warning_time", "delivery.delay_notice_after", 'h', true},
};

// The value in TOML; nothing when it can't be one.
std::optional<std::string> converted(twin const& t, std::string const& value)
{
    if (t.unit == 0) {
        auto const number = parse_number<std::uint64_t>(value);
        return number ? std::optional{std::to_string(*number)} : std::nullopt;
    }
    auto const time = seconds(value, t.unit);
    if (!time) return std::nullopt;
    return config::quote(config::print_duration(std::chrono::seconds{*time}));
}

// What the option takes is known to its declaration only.
bool is_taken(std::string_view option, std::string const& toml)
{
    std::vector<config::problem> problems;
    auto const text = '[' + std::string(config::section_of(option)) + "]\n" + std::string(config::last_part(option)) +
                      " = " + toml + '\n';
    return config::parse(text, "", problems).has_value();
}

}  // namespace

void plan_limits(planner& p)
{
    if (!p.has_postfix()) return;
    auto& main = p.main();
    for (auto const& t : twins) {
        auto const value = main.take(t.parameter);
        if (value.empty() || (!t.always && main.find(t.parameter) == nullptr)) continue;
        auto const toml = converted(t, value);
        if (toml && is_taken(t.option, *toml))
            p.out.set(t.option, *toml, p.origin(t.parameter));
        else
            p.tell_parameter(
                weight::differs, t.parameter,
                std::string(t.option) + " can't be that and keeps its default. Postern always has a limit.");
    }
    auto const delimiters = main.take("recipient_delimiter");
    auto const first = config::quote(delimiters.substr(0, 1));
    if (is_taken("submission.recipient_delimiter", first))
        p.out.set("submission.recipient_delimiter", first, p.origin("recipient_delimiter"));
    if (delimiters.size() > 1)
        p.tell_parameter(weight::differs, "recipient_delimiter", "Postern knows one delimiter; the first was taken.");
}

}  // namespace postern::moving
