#include "delivery/link_outcome.hpp"

#include "catalogue/verdict.hpp"
#include "delivery/provider_reply.hpp"

namespace postern::delivery {

namespace rules = catalogue::rules;

outcome fate_at(link const& l, smtp::reply const& r)
{
    if (!l.to.smart_host || r.positive()) return remote_fate(r, l.to.domain);
    auto const about = complaint_of(r);
    if (about == complaint::none) return remote_fate(r, l.to.domain);
    auto const& why = about == complaint::no_login ? rules::smart_host_needs_login : rules::smart_host_limit;
    auto o = own_finding(why, l.to.domain, r.to_string());
    o.asks_for = about == complaint::too_much ? outcome::pause::hours : outcome::pause::minutes;
    return o;
}

catalogue::rule const& told_of(link const& l)
{
    return l.to.demand.unmet != nullptr ? *l.to.demand.unmet : rules::route_tls_failure;
}

outcome session_failure(link const& l)
{
    auto const& s = l.session;
    auto const& r = s.failure_reply();
    switch (s.failed()) {
        case smtp::failure::refused:
        case smtp::failure::shutting_down: {
            // Even a 5xx here is about the host and not about the message: try later, or elsewhere.
            outcome o = fate_at(l, r);
            if (!o.remote_said) return o;
            o.what = fate::deferred;
            o.why = &rules::remote_deferred;
            o.reason = catalogue::make_verdict(*o.why, {{"domain", l.to.domain}}).text;
            if (o.code.klass != 4) o.code = {4, o.code.subject, o.code.detail};
            return o;
        }
        case smtp::failure::login_refused:
            return own_finding(rules::smart_host_login_refused, l.to.domain, s.failure_text());
        case smtp::failure::login_impossible:
            return own_finding(l.no_token ? rules::smart_host_token_failure : rules::smart_host_login_impossible,
                               l.to.domain, s.failure_text());
        case smtp::failure::no_tls:
            return own_finding(told_of(l), l.to.domain, l.to.to_string() + ": " + s.failure_text());
        case smtp::failure::none: return own_finding(rules::remote_broke_off, l.to.domain);
        case smtp::failure::malformed:
        case smtp::failure::injected:
        case smtp::failure::lost: break;
    }
    return own_finding(rules::remote_broke_off, l.to.domain, s.failure_text());
}

}  // namespace postern::delivery
