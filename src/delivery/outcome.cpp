#include "delivery/outcome.hpp"

#include "base/text.hpp"
#include "catalogue/verdict.hpp"
#include "smtp/wanted_wait.hpp"

namespace postern::delivery {

outcome own_finding(catalogue::rule const& why, std::string_view domain, std::string_view detail,
                    std::string_view recipient)
{
    outcome o;
    auto verdict =
        catalogue::make_verdict(why, {{"domain", std::string{domain}}, {"recipient", std::string{recipient}}});
    o.what = verdict.what == catalogue::decision::refuse ? fate::bounced : fate::deferred;
    o.code = why.status;
    o.why = &why;
    o.reason = std::move(verdict.text);
    o.reply = std::to_string(why.code) + ' ' + to_string(why.status) + ' ' + o.reason;
    if (!detail.empty()) o.reply += " (" + printable(detail, 300) + ')';
    return o;
}

outcome remote_fate(smtp::reply const& r, std::string_view domain)
{
    outcome o;
    o.remote_said = true;
    o.reply = r.to_string();
    o.code = r.status;
    if (r.positive()) {
        o.what = fate::delivered;
        if (o.code.empty()) o.code = {2, 0, 0};
        return o;
    }
    auto const& rule = r.permanent() ? catalogue::rules::remote_refused : catalogue::rules::remote_deferred;
    o.what = r.permanent() ? fate::bounced : fate::deferred;
    o.why = &rule;
    if (o.code.empty()) o.code = rule.status;
    o.come_back = smtp::wanted_wait(r);
    o.reason = catalogue::make_verdict(rule, {{"domain", std::string{domain}}}).text;
    return o;
}

}  // namespace postern::delivery
