// What lies between the two ends of a check.
#include "diagnose/judgement.hpp"

namespace postern::diagnose {

void judgement::judge_both_ends()
{
    if (!o.both.arrived) return;
    struct place {
        catalogue::rule const* rule;
        severity how_bad;
        step at;
    };
    place const places[] = {
        {&rules::never_arrived, severity::failure, step::connect},
        {&rules::other_server_answered, severity::failure, step::connect},
        {&rules::starttls_stripped, severity::failure, step::tls},
        {&rules::certificate_replaced, severity::failure, step::tls},
        {&rules::conversation_changed, severity::warning, step::ehlo},
        {&rules::address_translated, severity::note, step::connect},
    };
    for (auto& d : witness::compare(o.person.host, o.both.left, *o.both.arrived))
        for (auto const& p : places)
            if (p.rule == d.why) add(*d.why, p.how_bad, p.at, differences_of(o.both, d.number), d.values);
}

}  // namespace postern::diagnose
