#include "doctor/caa.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.hpp"

namespace postern::doctor {
namespace {

constexpr std::uint8_t critical = 128;
// RFC 8659 section 4, RFC 9495. Whoever does not know a critical property gives out nothing.
constexpr std::array<std::string_view, 4> known_tags{"issue", "issuewild", "iodef", "issuemail"};

std::string_view trimmed(std::string_view text)
{
    auto const first = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(first);
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// What stands before the next `mark`, which goes with it.
std::string_view cut(std::string_view& text, char mark)
{
    auto const end = std::min(text.find(mark), text.size());
    auto const part = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

/// RFC 8659 section 4.2: who may, and under which conditions.
struct issuer {
    std::string_view name;  // empty: nobody
    std::vector<std::string_view> accounts, methods;
};

issuer parse(std::string_view value)
{
    issuer i{cut(value, ';'), {}, {}};
    while (!value.empty()) {
        auto one = cut(value, ';');
        auto const tag = cut(one, '=');
        if (equal_ignoring_case(tag, "accounturi")) i.accounts.push_back(one);
        if (equal_ignoring_case(tag, "validationmethods")) i.methods.push_back(one);
    }
    return i;
}

/// RFC 8657 sections 3 and 4: said twice, a condition is never met. Empty: it is met.
std::string unmet_condition(issuer const& i, certifier const& who)
{
    if (i.accounts.size() > 1 || i.methods.size() > 1) return "a parameter stands there twice";
    if (!i.accounts.empty() && !who.account.empty() && i.accounts.front() != who.account)
        return "it is for another account than " + who.account;
    if (i.methods.empty()) return {};
    auto list = i.methods.front();
    while (!list.empty()) {
        auto const method = cut(list, ',');
        if (std::ranges::find(who.methods, method) != who.methods.end()) return {};
    }
    return "names are not proven here by what it allows";
}

bool is_for_nobody(dns::caa_record const& r)
{
    return (r.flags & critical) != 0 && std::ranges::find(known_tags, r.tag) == known_tags.end();
}

/// Empty: there is none.
std::string objection(std::vector<dns::caa_record> const& records, certifier const& who)
{
    std::string others, condition;
    bool any = false;
    for (auto const& r : records)
        if (is_for_nobody(r)) return to_text(r) + ": what authorities do not know is marked as critical";
    // Certificates for "*.example.com" are none of ours, so "issuewild" counts for nothing.
    for (auto const& r : records) {
        if (r.tag != "issue") continue;
        any = true;
        auto const i = parse(r.value);
        bool const meant =
            std::ranges::any_of(who.names, [&](auto const& name) { return equal_ignoring_case(name, i.name); });
        if (meant) {
            auto const unmet = unmet_condition(i, who);
            if (unmet.empty()) return {};
            condition = to_text(r) + ": " + unmet;
        }
        others += (others.empty() ? "" : ", ") + to_text(r);
    }
    if (!any) return {};
    return condition.empty() ? others + " does not name " + who.names.front() : condition;
}

}  // namespace

std::vector<std::string> caa_names(std::string_view name)
{
    std::vector<std::string> all;
    while (!name.empty()) {
        all.push_back(to_lower(name));
        auto const dot = std::min(name.find('.'), name.size());
        name.remove_prefix(std::min(dot + 1, name.size()));
    }
    return all;
}

caa_verdict judge_caa(std::string_view name, caa_answers const& answers, certifier const& who)
{
    caa_verdict v;
    for (auto const& at : caa_names(name)) {
        auto const found = answers.find(at);
        if (found == answers.end()) {
            v.problem = at + " was not asked for";
            return v;
        }
        auto const& a = found->second;
        if (a.what == dns::finding::no_such_name || a.what == dns::finding::no_data) continue;
        v.at = at;
        v.problem = a.problem;
        if (a.what != dns::finding::found) return v;
        v.records = a.records;
        if (who.names.empty()) {
            v.problem = "what CAA records call the authority is not known";
            return v;
        }
        v.problem = objection(a.records, who);
        if (!v.problem.empty()) v.problem = at + " has " + v.problem;
        v.for_nobody = std::ranges::any_of(a.records, is_for_nobody);
        v.what = v.problem.empty() ? consent::given : consent::refused;
        return v;
    }
    v.what = consent::unasked;
    return v;
}

std::string to_text(dns::caa_record const& r)
{
    return std::to_string(r.flags) + ' ' + printable(r.tag, 60) + " \"" + printable(r.value, 200) + '"';
}

}  // namespace postern::doctor
