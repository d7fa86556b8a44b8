#include "checks/spf.hpp"

#include <utility>

#include "spf/evaluator.hpp"

namespace postern::checks {
namespace {

spf::answered state_of(dns::finding what)
{
    switch (what) {
        case dns::finding::found: return spf::answered::found;
        case dns::finding::no_such_name:
        case dns::finding::no_data: return spf::answered::nothing;
        case dns::finding::temporary:
        case dns::finding::bogus: break;
    }
    return spf::answered::failed;
}

class asked_names final : public spf::names {
public:
    explicit asked_names(inquiry& from) : from_(from) {}

    spf::answer<std::string> texts(std::string const& name) override
    {
        auto found = from_.txt(name);
        return {state_of(found.what), std::move(found.records)};
    }
    spf::answer<std::string> exchangers(std::string const& name) override
    {
        auto found = from_.mx(name);
        spf::answer<std::string> hosts{state_of(found.what)};
        for (auto& r : found.records) hosts.records.push_back(std::move(r.host));
        return hosts;
    }
    spf::answer<ip_address> addresses(std::string const& name, bool v6) override
    {
        auto found = from_.addresses(name);
        return {state_of(found.what), std::move(v6 ? found.v6 : found.v4)};
    }
    spf::answer<std::string> names_of(ip_address const& address) override
    {
        auto found = from_.names_of(address);
        return {state_of(found.what), std::move(found.names)};
    }

private:
    inquiry& from_;
};

}  // namespace

mail::spf_finding check_spf(inquiry& names, ip_address const& client, std::string const& helo, mail::path const& sender)
{
    mail::spf_finding f;
    auto const name = mail::parse_domain(helo);
    f.of_helo = sender.null;
    if (sender.null && !name) return f;
    f.domain = sender.null ? *name : sender.address.domain;
    if (f.domain.starts_with('[') || f.domain.empty()) return f;
    spf::identity who;
    who.client = client;
    who.local_part = sender.null ? std::string{} : sender.address.local_part;
    who.domain = f.domain;
    who.helo = name.value_or("unknown");
    asked_names dns{names};
    f.what = spf::evaluate(dns, who);
    return f;
}

}  // namespace postern::checks
