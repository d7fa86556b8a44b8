#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "catalogue/rules.hpp"
#include "diagnose/report.hpp"

namespace postern::diagnose {
namespace json = boost::json;
namespace {

std::int64_t in_milliseconds(steady_clock::duration d)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

/// JSON is UTF-8; what servers say need not be.
std::string safe(std::string_view text) { return printable(text, 2000); }

json::array list_of(std::vector<std::string> const& texts)
{
    json::array all;
    for (auto const& t : texts) all.emplace_back(safe(t));
    return all;
}

json::object of(finding const& f)
{
    return {{"id", f.rule->id},
            {"rule", f.rule->name},
            {"severity", name_of(f.how_bad)},
            {"step", name_of(f.at)},
            {"confidence", name_of(f.sure)},
            {"who", name_of(f.who)},
            {"headline", safe(f.headline())},
            {"what", safe(f.explanation())},
            {"remedy", safe(f.remedy())},
            {"operator", safe(f.operator_remedy())},
            {"evidence", safe(f.evidence)}};
}

json::object verdict_of(observations const& o, diagnosis const& d)
{
    auto const* const first = d.first();
    json::object v;
    v["severity"] = name_of(d.how);
    v["headline"] = safe(headline(o, d));
    if (first == nullptr) {
        auto const& rule = catalogue::rules::everything_works;
        v["id"] = rule.id;
        v["rule"] = rule.name;
        v["remedy"] = "";
        return v;
    }
    v["id"] = first->rule->id;
    v["rule"] = first->rule->name;
    v["remedy"] = safe(first->remedy());
    v["operator"] = safe(first->operator_remedy());
    v["what"] = safe(first->explanation());
    v["who"] = name_of(first->who);
    v["confidence"] = name_of(first->sure);
    v["evidence"] = safe(first->evidence);
    return v;
}

json::value of(step_result const& r)
{
    json::object one{{"ok", r.ok()}, {"said", safe(r.to_string())}, {"milliseconds", in_milliseconds(r.took)}};
    if (!r.alert.empty()) one["alert"] = r.alert;
    if (!r.first.empty()) one["first"] = safe(r.first);
    return one;
}

json::object of(net::shown_certificate const& c)
{
    return {{"subject", safe(c.subject)},
            {"issuer", safe(c.issuer)},
            {"names", list_of(c.names)},
            {"not_before", to_rfc3339(c.not_before)},
            {"not_after", to_rfc3339(c.not_after)},
            {"key", c.key_type + " " + std::to_string(c.key_bits)},
            {"signature", c.signature},
            {"sha256", c.sha256}};
}

json::object of(talk_seen const& t)
{
    json::object one{{"at", t.at.to_string()},
                     {"security", name_of(t.way)},
                     {"greeting", of(t.greeting)},
                     {"works", t.up()},
                     {"silent", t.silent}};
    if (t.handshake) one["handshake"] = of(*t.handshake);
    if (t.tls) {
        one["tls"] = {{"version", t.tls->version}, {"cipher", t.tls->cipher}, {"bits", t.tls->bits}};
        json::array chain;
        for (auto const& c : t.certificates.chain) chain.push_back(of(c));
        one["chain"] = std::move(chain);
        one["trusted"] = t.certificates.trusted;
        one["name_fits"] = t.certificates.name_fits;
        if (!t.certificates.untrusted_because.empty()) one["untrusted_because"] = t.certificates.untrusted_because;
    }
    if (t.hello_before) one["ehlo_before_tls"] = list_of(t.announced_before.lines);
    if (t.hello_within) one["ehlo"] = list_of(t.announced_within.lines);
    one["mechanisms"] = list_of(t.announced().known.mechanisms);
    return one;
}

json::array of(std::vector<door_seen> const& doors)
{
    json::array all;
    for (auto const& d : doors)
        all.push_back({{"at", d.at.to_string()},
                       {"state", name_of(d.state)},
                       {"errno", d.error},
                       {"milliseconds", d.took.count()}});
    return all;
}

json::array dialogues_of(observations const& o)
{
    json::array all;
    for (auto const& d : o.dialogues) {
        json::array lines;
        for (auto const& l : d->lines) lines.emplace_back(safe(client::to_string(l)));
        if (!lines.empty()) all.push_back({{"with", d->title}, {"lines", std::move(lines)}, {"left_out", d->left_out}});
    }
    return all;
}

json::object settings_of(observations const& o)
{
    json::array found;
    for (auto const& p : o.settings.found)
        found.push_back({{"host", p.host},
                         {"port", p.port},
                         {"security", name_of(p.way)},
                         {"user", safe(p.user)},
                         {"source", safe(p.source)}});
    json::object all{{"found", std::move(found)}, {"notes", list_of(o.settings.notes)}};
    if (!o.settings.provider.empty()) all["provider"] = o.settings.provider;
    return all;
}

}  // namespace

json::value to_json(observations const& o, diagnosis const& d)
{
    json::object all;
    all["verdict"] = verdict_of(o, d);
    json::array steps;
    for (auto const& s : d.steps) {
        auto const* const worst = d.worst_of(s.what);
        steps.push_back(
            {{"step", name_of(s.what)},
             {"status", name_of(s.how)},
             {"id", worst != nullptr ? worst->rule->id : ""},
             {"evidence", safe(worst != nullptr && !worst->evidence.empty() ? worst->evidence : s.evidence)},
             {"seen", safe(s.evidence)},
             {"milliseconds", s.took.count()}});
    }
    all["steps"] = std::move(steps);
    json::array findings;
    for (auto const& f : d.findings) findings.push_back(of(f));
    all["findings"] = std::move(findings);
    if (auto const* const t = o.talk())
        all["server"] = {{"host", o.person.host}, {"port", t->at.port}, {"security", name_of(t->way)}};
    all["settings"] = settings_of(o);
    all["ports"] = of(o.doors);
    json::array talks;
    for (auto const& t : o.talks) talks.push_back(of(t));
    all["conversations"] = std::move(talks);
    json::array handshakes;
    for (auto const& h : o.handshakes)
        handshakes.push_back({{"version", h.version},
                              {"server_name", !h.version.empty()},
                              {"worked", h.worked},
                              {"ended", safe(h.ended.to_string())}});
    all["handshakes"] = std::move(handshakes);
    json::array logins;
    for (auto const& l : o.logins)
        logins.push_back({{"user", safe(l.user)},
                          {"mechanism", l.mechanism},
                          {"accepted", l.result.accepted()},
                          {"said", safe(l.result.last.to_string())}});
    all["logins"] = std::move(logins);
    if (o.control.looked) {
        json::array control;
        for (auto const& t : o.control.talks) control.push_back(of(t));
        all["control"] = {
            {"host", o.control.host}, {"ports", of(o.control.doors)}, {"conversations", std::move(control)}};
    }
    if (o.both.looked) all["both_ends"] = to_json(o.both);
    if (!o.token.empty()) all["token"] = o.token;
    all["dialogues"] = dialogues_of(o);
    all["milliseconds"] = o.took.count();
    return all;
}

}  // namespace postern::diagnose
