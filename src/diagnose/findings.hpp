// What the judge makes of observations: findings, each a row of the failure catalogue, and one
// that comes first.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue/verdict.hpp"
#include "diagnose/observations.hpp"

namespace postern::diagnose {

/// In the order of the checks.
enum class step : std::uint8_t {
    address,
    settings,
    dns,
    connect,
    greeting,
    tls,
    ehlo,
    auth,
    mail,
    rcpt,
    data,
    arrival,
    headers
};
inline constexpr std::array all_steps{step::address, step::settings, step::dns,    step::connect, step::greeting,
                                      step::tls,     step::ehlo,     step::auth,   step::mail,    step::rcpt,
                                      step::data,    step::arrival,  step::headers};
std::string_view name_of(step s) noexcept;

/// `note`: nothing is wrong, but it is good to know.
enum class severity : std::uint8_t { note, warning, failure };
enum class confidence : std::uint8_t { low, medium, high };
std::string_view name_of(severity s) noexcept;
std::string_view name_of(confidence c) noexcept;
/// Who has to act: "the provider".
std::string_view name_of(catalogue::actor a) noexcept;

struct finding {
    catalogue::rule const* rule = nullptr;
    severity how_bad = severity::failure;
    step at = step::address;
    confidence sure = confidence::high;
    catalogue::actor who = catalogue::actor::unknown;
    std::string evidence{};                     // printable
    std::vector<catalogue::evidence> values{};  // for the placeholders of the row

    std::string_view more{};  // behind the row's remedy, in this very case

    std::string headline() const;
    std::string explanation() const;
    /// What the person does; what the operator does.
    std::string remedy() const;
    std::string operator_remedy() const;
};

enum class outcome : std::uint8_t { ok, warning, failure, skipped };
std::string_view name_of(outcome o) noexcept;

struct step_judged {
    step what = step::address;
    outcome how = outcome::skipped;
    std::string evidence{};  // one line, of what was seen
    milliseconds took{};
};

struct diagnosis {
    std::vector<finding> findings;   // the most probable cause first
    std::vector<step_judged> steps;  // all_steps
    outcome how = outcome::ok;

    /// What the headline is made of; null: nothing is wrong.
    finding const* first() const noexcept
    {
        return findings.empty() || findings.front().how_bad == severity::note ? nullptr : &findings.front();
    }
    /// The worst of a step; null: none.
    finding const* worst_of(step s) const noexcept;
};

}  // namespace postern::diagnose
