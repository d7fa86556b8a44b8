#include "mail/dmarc.hpp"

#include <algorithm>
#include <iterator>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "mail/tag_list.hpp"

namespace postern::mail {
namespace {

constexpr std::size_t most_tags = 50;

std::optional<dmarc_policy> policy_of(std::string_view word) noexcept
{
    if (equal_ignoring_case(word, "none")) return dmarc_policy::none;
    if (equal_ignoring_case(word, "quarantine")) return dmarc_policy::quarantine;
    if (equal_ignoring_case(word, "reject")) return dmarc_policy::reject;
    return std::nullopt;
}

// v=DMARC1 in this letter case, and first.
bool begins_as_record(std::string_view text) noexcept
{
    return take_until(text, '=') == "v" && take_until(text, ';') == "DMARC1";
}

}  // namespace

std::string_view to_string(dmarc_policy p) noexcept
{
    switch (p) {
        case dmarc_policy::quarantine: return "quarantine";
        case dmarc_policy::reject: return "reject";
        case dmarc_policy::none: break;
    }
    return "none";
}

std::optional<dmarc_record> parse_dmarc_record(std::string_view text)
{
    if (!begins_as_record(text)) return std::nullopt;
    std::optional<dmarc_policy> policy, sub, none_such;
    bool reports = false, bad_policy = false;
    dmarc_record r;
    for (std::size_t n = 0; !text.empty() && n < most_tags; ++n) {
        auto tag = take_until(text, ';');
        auto const name = take_until(tag, '=');
        auto const value = trimmed(tag);
        if (equal_ignoring_case(name, "p")) {
            policy = policy_of(value);
            bad_policy = !policy;
        } else if (equal_ignoring_case(name, "sp")) {
            sub = policy_of(value);
            bad_policy = bad_policy || !sub;
        } else if (equal_ignoring_case(name, "np")) {
            none_such = policy_of(value);
            bad_policy = bad_policy || !none_such;
        } else if (equal_ignoring_case(name, "t")) {
            r.testing = equal_ignoring_case(value, "y");
        } else if (equal_ignoring_case(name, "adkim")) {
            r.strict_dkim = equal_ignoring_case(value, "s");
        } else if (equal_ignoring_case(name, "aspf")) {
            r.strict_spf = equal_ignoring_case(value, "s");
        } else if (equal_ignoring_case(name, "pct")) {
            auto const percent = parse_number<unsigned>(value);
            if (percent && *percent <= 100) r.percent = *percent;
        } else if (equal_ignoring_case(name, "rua")) {
            reports = !value.empty();
        }
    }
    // Section 6.6.3: without a policy that can be understood it only asks for reports, or says nothing.
    if (!policy && !reports) return std::nullopt;
    if (bad_policy || !policy) {
        if (!reports) return std::nullopt;
        r.percent = 100;
        return r;
    }
    r.policy = *policy;
    r.subdomain_policy = sub.value_or(*policy);
    r.no_such_subdomain_policy = none_such.value_or(r.subdomain_policy);
    return r;
}

std::vector<std::string> dmarc_records_of(std::vector<std::string> const& texts)
{
    std::vector<std::string> found;
    std::copy_if(texts.begin(), texts.end(), std::back_inserter(found),
                 [](auto const& t) { return begins_as_record(t); });
    return found;
}

}  // namespace postern::mail
