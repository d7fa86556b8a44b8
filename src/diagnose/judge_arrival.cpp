// Whether the test mail has arrived, where, and what the receiver saw of it.
#include "base/text.hpp"
#include "diagnose/judgement.hpp"

namespace postern::diagnose {
namespace {

constexpr std::int64_t late = 60, wrong_date = 600;

std::string in_words_of_seconds(std::int64_t n)
{
    auto const s = n < 0 ? -n : n;
    if (s >= 7200) return std::to_string(s / 3600) + " hours";
    if (s >= 120) return std::to_string(s / 60) + " minutes";
    return std::to_string(s) + " seconds";
}

bool fails(std::string const& verdict) { return verdict == "fail" || verdict == "softfail" || verdict == "permerror"; }

}  // namespace

void judgement::judge_arrival()
{
    auto const& a = o.arrival;
    if (!a.looked) return;
    values const named{
        {"folder", a.folder}, {"said", a.problem}, {"time", in_words(a.took)}, {"count", std::to_string(a.copies)}};
    if (a.bounced) {
        add(rules::bounced, severity::failure, step::arrival, a.bounce_status + " " + a.bounce_text,
            {{"said", a.bounce_text.empty() ? a.bounce_status : a.bounce_text}});
        return;
    }
    if (a.login_failed) {
        add(rules::mailbox_login_refused, severity::warning, step::arrival, a.problem, named);
        return;
    }
    if (!a.found) {
        if (!a.server_record.empty())
            add(rules::still_queued, severity::warning, step::arrival, a.server_record, {{"said", a.server_record}});
        else
            add(rules::not_arrived, severity::warning, step::arrival,
                a.problem.empty() ? "no message with the token in any folder looked at" : a.problem, named);
        return;
    }
    if (a.junk)
        add(rules::in_junk, severity::warning, step::arrival, "in the folder " + a.folder, named);
    else if (!a.inbox && !a.folder.empty())
        add(rules::moved_by_filter, severity::warning, step::arrival, "in the folder " + a.folder, named);
    if (a.copies > 1)
        add(rules::duplicated, severity::warning, step::arrival, std::to_string(a.copies) + " copies", named);
}

void judgement::judge_headers()
{
    auto const& h = o.headers;
    if (!h.looked) return;
    auto const& p = o.person;
    auto const at = o.mine.from.rfind('@');
    std::string const domain = at == std::string::npos ? p.host : o.mine.from.substr(at + 1);
    auto const named = [&](std::string const& problem) {
        return values{{"domain", domain}, {"problem", problem}, {"record", "v=spf1 mx a:" + p.host + " -all"}};
    };
    std::string const by = h.judge.empty() ? "" : ", says " + h.judge;
    if (h.dmarc == "fail") add(rules::dmarc_fails, severity::warning, step::headers, "dmarc=fail" + by, named("fail"));
    if (fails(h.spf)) add(rules::spf_fails, severity::warning, step::headers, "spf=" + h.spf + by, named(h.spf));
    if (h.dkim == "fail" || h.dkim == "permerror")
        add(rules::dkim_fails, severity::warning, step::headers,
            "dkim=" + h.dkim + (h.dkim_reason.empty() ? "" : " (" + h.dkim_reason + ")") + by,
            named(h.dkim_reason.empty() ? h.dkim : h.dkim_reason));
    if (h.dkim == "none")
        add(rules::dkim_fails, severity::note, step::headers, "dkim=none" + by, named("the mail is not signed"));
    if (h.date_off_seconds && (*h.date_off_seconds > wrong_date || *h.date_off_seconds < -wrong_date))
        add(rules::date_wrong, severity::warning, step::headers,
            "the Date is " + in_words_of_seconds(*h.date_off_seconds) + " away from the first Received",
            {{"time", in_words_of_seconds(*h.date_off_seconds)}});
    hop_seen const* slowest = nullptr;
    for (auto const& hop : h.hops)
        if (hop.seconds && (slowest == nullptr || *hop.seconds > *slowest->seconds)) slowest = &hop;
    if (h.total_seconds && *h.total_seconds > late && slowest != nullptr)
        add(rules::arrived_late, severity::warning, step::headers,
            in_words_of_seconds(*h.total_seconds) + ", of these " + in_words_of_seconds(*slowest->seconds) + " at " +
                slowest->by,
            {{"time", in_words_of_seconds(*h.total_seconds)}, {"hop", slowest->by}});
    if (!h.last_hop_encrypted && !h.hops.empty())
        add(rules::hop_without_tls, severity::note, step::headers, "with " + h.hops.back().with,
            {{"hop", h.hops.back().from}});
}

void judgement::judge_address()
{
    if (o.person.web_address)
        add(rules::server_name_of_other_service, severity::failure, step::address,
            o.person.who + " is the address of a web page",
            {{"problem", "that is the address of a web page"}, {"suggestion", o.person.host}});
    auto const& a = o.address;
    if (!a.looked || a.slip == address_slip::none) return;
    values const named{{"problem", a.problem}, {"suggestion", a.corrected}};
    if (a.slip == address_slip::malformed)
        add(rules::address_malformed, severity::failure, step::address, o.person.address + ": " + a.problem, named);
    else if (a.slip == address_slip::typing)
        add(rules::address_slip, severity::warning, step::address, o.person.address + ": " + a.problem, named);
}

void judgement::judge_settings()
{
    bool const withheld_here = o.not_tried == withheld::unproven_server;
    auto const say_server = "If " + o.person.host + " is your provider's: --server " + o.person.host + ".";
    for (auto const& f : o.settings.faults) {
        auto const* const rule = catalogue::find(f.rule);
        if (rule == nullptr) continue;
        values all;
        for (auto const& v : f.facts) all.push_back({v.first, v.second});
        // What works all the same was not hindered.
        bool const hinders = f.hinders && !o.is_in();
        auto const bad = hinders                                 ? severity::failure
                         : rule->who == catalogue::actor::nobody ? severity::note
                                                                 : severity::warning;
        auto& added = add(*rule, bad, step::settings, f.evidence, std::move(all));
        if (rule == &rules::settings_forgeable && withheld_here) added.more = say_server;
    }
    if (withheld_here && !has(rules::settings_forgeable))
        add(rules::settings_forgeable, severity::warning, step::settings,
            o.person.host + " is of another domain, and nobody vouches for it; the password was kept back")
            .more = say_server;
}

}  // namespace postern::diagnose
