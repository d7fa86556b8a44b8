#include "policy/stranger.hpp"

namespace postern::policy {
namespace {

namespace rules = catalogue::rules;
using mail::auth_result;

std::string dkim_in_words(mail::findings const& f)
{
    std::string out;
    for (auto const& d : f.dkim) out += (out.empty() ? "" : ",") + std::string{to_string(d.what)} + ':' + d.domain;
    return out.empty() ? "none" : out;
}

std::string joined(std::vector<std::string> const& names)
{
    std::string out;
    for (auto const& n : names) out += (out.empty() ? "" : ",") + n;
    return out;
}

catalogue::verdict refuse(catalogue::rule const& why, stranger_facts const& f, std::string const& sender,
                          std::string const& domain)
{
    return catalogue::make_verdict(why, {{"sender", sender},
                                         {"domain", domain},
                                         {"spf", std::string{to_string(f.found.spf.what)} + ':' + f.found.spf.domain},
                                         {"dkim", dkim_in_words(f.found)},
                                         {"unknown", joined(f.found.unknown)}});
}

// An address of ours that nothing proves.
std::optional<catalogue::verdict> judge_local(stranger_facts const& f, stranger_options const& o,
                                              mail::mailbox const& address, bool proven, bool unclear)
{
    if (proven || !o.verify_local_senders) return std::nullopt;
    auto const& why = unclear && o.defer_unknown ? rules::authentication_unknown : rules::local_sender_unproven;
    if (unclear && !o.defer_unknown) return std::nullopt;
    return refuse(why, f, address.to_string(), address.domain);
}

void apply(stranger_judgement& j, std::string const& action, stranger_facts const& f, mail::author const& a)
{
    if (action == "refuse") j.verdict = refuse(rules::dmarc_reject, f, a.address.to_string(), a.address.domain);
    j.hold = j.hold || action == "hold";
    j.mark = true;
}

void judge_author(stranger_judgement& j, stranger_facts const& f, stranger_options const& o, mail::author const& a)
{
    bool const no_policy = a.dmarc == auth_result::temperror && !a.proven;
    bool const asks = a.dmarc == auth_result::fail && a.policy != mail::dmarc_policy::none;
    bool const unclear = no_policy || (asks && a.unclear);
    if (unclear) {
        if (o.defer_unknown)
            j.verdict = refuse(rules::authentication_unknown, f, a.address.to_string(), a.address.domain);
        return;
    }
    if (!asks) return;
    apply(j, a.policy == mail::dmarc_policy::reject ? o.dmarc_reject : o.dmarc_quarantine, f, a);
}

}  // namespace

stranger_judgement judge(stranger_facts const& f, stranger_options const& o)
{
    stranger_judgement j;
    // Whoever keeps us busy must not get past the checks by that.
    if (f.found.unchecked) {
        bool const by_author = f.sender.null && !f.found.authors.empty();
        auto const& who = by_author ? f.found.authors.front().address : f.sender.address;
        j.verdict = refuse(rules::authentication_unknown, f, who.to_string(), who.domain);
        return j;
    }
    if (f.sender_local)
        if (auto refused = judge_local(f, o, f.sender.address, f.found.sender_proven, f.found.sender_unclear))
            j.verdict = std::move(*refused);
    for (auto const& a : f.found.authors) {
        if (!j.verdict.accepted()) break;
        if (a.local)
            if (auto refused = judge_local(f, o, a.address, a.proven, a.unclear)) j.verdict = std::move(*refused);
        if (j.verdict.accepted()) judge_author(j, f, o, a);
    }
    return j;
}

}  // namespace postern::policy
