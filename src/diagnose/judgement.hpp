// What the parts of the judge share: the observations, and the findings so far. Included by
// judge*.cpp only.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catalogue/verdict.hpp"
#include "diagnose/findings.hpp"
#include "providers/providers.hpp"

namespace postern::diagnose {

namespace rules = catalogue::rules;
using values = std::vector<catalogue::evidence>;

class judgement {
public:
    explicit judgement(observations const& seen) : o(seen) {}
    judgement(observations&&) = delete;

    observations const& o;
    std::vector<finding> findings;

    /// `more` fills the row's placeholders; {server}, {domain} and {address} are known.
    finding& add(catalogue::rule const& rule, severity how_bad, step at, std::string evidence, values more = {});
    bool has(catalogue::rule const& rule) const noexcept;
    bool has_failure_up_to(step s) const noexcept;

    // One for each group of steps.
    void judge_both_ends();
    void judge_address();
    void judge_settings();
    void judge_names();
    void judge_doors();
    void judge_talks();
    void judge_login();
    void judge_envelopes();
    void judge_arrival();
    void judge_headers();

private:
    void judge_families();
    void judge_closed(std::uint16_t port);
    void judge_nothing_open();
    void judge_talk(talk_seen const& t, bool counts);
    void judge_greeting(talk_seen const& t, severity bad);
    void judge_handshake(talk_seen const& t, severity bad);
    void judge_certificate(talk_seen const& t, severity bad);
    void judge_untrusted(talk_seen const& t, severity bad);
    void judge_hello(talk_seen const& t, severity bad);
    void judge_offer(talk_seen const& t);
    void judge_failed_login(login_seen const& l);
    void judge_other_logins();
    void judge_refusal(step at, step_result const& r, std::string_view command, severity bad = severity::failure);
    providers::provider const* provider() const;
    /// What the rows of refusals may want to have.
    values values_of(step_result const& r) const;
};

/// Whether there is such a port, and in which state; the best of its addresses.
std::optional<door_state> state_of_port(std::vector<door_seen> const& doors, std::uint16_t port,
                                        std::optional<bool> v4 = std::nullopt);
/// The finding of a reply that is none, or that did not come, to a command.
void judge_missing_reply(judgement& j, step at, step_result const& r, std::string_view command, severity bad);
/// "550 5.7.1 ..." as one printable line.
std::string said(step_result const& r);
std::string in_words(milliseconds m);
bool contains(std::string_view text, std::string_view part) noexcept;  // ASCII letter case apart

}  // namespace postern::diagnose
