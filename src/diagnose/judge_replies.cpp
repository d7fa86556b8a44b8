// What a refusal means: as the provider's own words say, or what several servers have in common.
#include "diagnose/judgement.hpp"
#include "providers/replies.hpp"

namespace postern::diagnose {
namespace {

providers::step asked_at(step at) noexcept
{
    switch (at) {
        case step::greeting: return providers::step::banner;
        case step::ehlo: return providers::step::ehlo;
        case step::tls: return providers::step::starttls;
        case step::auth: return providers::step::auth;
        case step::mail: return providers::step::mail;
        case step::rcpt: return providers::step::rcpt;
        default: return providers::step::data;
    }
}

confidence sureness(providers::certainty c) noexcept
{
    switch (c) {
        case providers::certainty::own_words: return confidence::high;
        case providers::certainty::status: return confidence::medium;
        case providers::certainty::code: break;
    }
    return confidence::low;
}

}  // namespace

providers::provider const* judgement::provider() const
{
    if (auto const* p = providers::find_by_host(o.person.host)) return p;
    return o.settings.provider.empty() ? nullptr : providers::find_by_id(o.settings.provider);
}

values judgement::values_of(step_result const& r) const
{
    values all{{"said", said(r)}, {"problem", said(r)}, {"sender", o.mine.from}, {"recipient", o.mine.to}};
    if (auto const* p = provider()) {
        all.push_back({"provider", std::string{p->name}});
        all.push_back({"link", std::string{p->link}});
        all.push_back({"secret", std::string{p->secret}});
        all.push_back({"user", std::string{p->user_word}});
    } else {
        all.push_back({"provider", "The provider"});
    }
    return all;
}

void judgement::judge_refusal(step at, step_result const& r, std::string_view command, severity bad)
{
    if (r.how != client::ending::reply) {
        judge_missing_reply(*this, at, r, command, bad);
        return;
    }
    auto const meaning = providers::match(asked_at(at), provider(), r.said);
    auto const* const rule = meaning.why != nullptr ? meaning.why : &rules::remote_refused;
    auto& f = add(*rule, bad, at, std::string{command} + ": " + said(r), values_of(r));
    f.sure = meaning.why != nullptr ? sureness(meaning.how_sure) : confidence::low;
    if (meaning.who != catalogue::actor::unknown) f.who = meaning.who;
}

}  // namespace postern::diagnose
