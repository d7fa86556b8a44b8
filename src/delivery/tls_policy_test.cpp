// What is demanded of a server, from what its domain and the operator say.
#include <doctest/doctest.h>

#include "delivery/tls_policy.hpp"

using namespace postern;
using namespace postern::delivery;
using config::tls_level;

namespace {

constexpr char const* host = "mx.b.example";

struct facts {
    domain_security domain;
    host_security records;

    facts() { domain.domain = "b.example"; }
    facts& rule(tls_level level, std::vector<std::string> mx = {})
    {
        domain.rule = config::tls_rule{"b.example", level, "1.2", std::move(mx)};
        return *this;
    }
    facts& sts(mail::sts_mode mode, std::string const& mx = host)
    {
        domain.sts.policy = mail::sts_policy{mode, {mx}, std::chrono::seconds{60}};
        return *this;
    }
    facts& dane(bool usable = true)
    {
        domain.mx_secure = records.there = true;
        records.base = host;
        if (usable) records.pins.push_back({3, 1, 1, std::string(32, 'x')});
        return *this;
    }
    facts& need(tls_need n)
    {
        domain.need = n;
        return *this;
    }
    facts& secure()
    {
        domain.mx_secure = true;
        return *this;
    }

    // "clear", "tls", "proof", "pins", "never", or the rule of why not.
    std::string demanded() const
    {
        auto const d = demand_of(domain, host, records);
        if (!d) return std::string{d.error().why.why->name};
        if (d->never) return "never";
        if (!d->pins.empty()) return d->authenticate && d->encrypt ? "pins" : "nonsense";
        if (d->authenticate) return d->encrypt ? "proof" : "nonsense";
        return d->encrypt ? "tls" : "clear";
    }
};

}  // namespace

TEST_CASE("what the domain publishes, and the operator's word on it")
{
    using mail::sts_mode;
    facts failed;
    failed.domain.mx_secure = true;
    failed.records.problem = "no answer";
    for (auto const& [f, expected] : std::initializer_list<std::pair<facts, std::string>>{
             {facts{}, "clear"},
             {facts{}.sts(sts_mode::none), "clear"},
             {facts{}.sts(sts_mode::testing), "clear"},
             {facts{}.sts(sts_mode::testing, "other.example"), "clear"},
             {facts{}.sts(sts_mode::enforce), "proof"},
             {facts{}.sts(sts_mode::enforce, "*.b.example"), "proof"},
             {facts{}.sts(sts_mode::enforce, "other.example"), "sts-unknown-host"},
             {facts{}.dane(), "pins"},
             {facts{}.dane(false), "tls"},
             {facts{}.dane().sts(sts_mode::enforce, "other.example"), "pins"},
             {facts{}.dane(false).sts(sts_mode::enforce), "proof"},
             {failed, "dane-lookup-failed"},
             {facts{}.rule(tls_level::none), "never"},
             {facts{}.rule(tls_level::none).sts(sts_mode::enforce), "never"},
             {facts{}.rule(tls_level::opportunistic).sts(sts_mode::enforce, "other.example"), "clear"},
             {facts{}.rule(tls_level::published).sts(sts_mode::enforce), "proof"},
             {facts{}.rule(tls_level::encrypt), "tls"},
             {facts{}.rule(tls_level::encrypt).dane(), "pins"},
             {facts{}.rule(tls_level::encrypt).sts(sts_mode::enforce), "proof"},
             {facts{}.rule(tls_level::verify), "proof"},
             {facts{}.rule(tls_level::verify).dane(), "pins"},
             {facts{}.rule(tls_level::verify).dane(false), "proof"},
             {facts{}.rule(tls_level::verify, {"*.b.example"}), "proof"},
             {facts{}.rule(tls_level::verify, {"*.c.example"}), "tls-policy-unmet"},
             {facts{}.rule(tls_level::dane), "dane-missing"},
             {facts{}.rule(tls_level::dane).dane(false), "dane-missing"},
             {facts{}.rule(tls_level::dane).dane(), "pins"},
             // REQUIRETLS needs somebody who vouches for the list of servers.
             {facts{}.need(tls_need::required), "remote-needs-tls"},
             {facts{}.need(tls_need::required).secure(), "proof"},
             {facts{}.need(tls_need::required).dane(), "pins"},
             {facts{}.need(tls_need::required).dane(false), "proof"},
             {facts{}.need(tls_need::required).sts(sts_mode::testing), "proof"},
             {facts{}.need(tls_need::required).sts(sts_mode::testing, "other.example"), "remote-needs-tls"},
             {facts{}.need(tls_need::required).rule(tls_level::verify), "remote-needs-tls"},
             {facts{}.need(tls_need::required).rule(tls_level::verify, {"*.b.example"}), "proof"},
             // "TLS-Required: No"; what the operator demands holds.
             {facts{}.need(tls_need::optional).sts(sts_mode::enforce, "other.example"), "clear"},
             {facts{}.need(tls_need::optional).rule(tls_level::encrypt), "tls"},
         }) {
        CAPTURE(expected);
        CHECK(f.demanded() == expected);
    }
}

TEST_CASE("whose certificate is good: where nobody vouches for the list of servers, the domain's own")
{
    auto const names = [](facts const& f) { return demand_of(f.domain, host, f.records)->names; };
    using list = std::vector<std::string>;
    CHECK(names(facts{}.rule(tls_level::verify)) == list{"b.example", ".b.example"});
    CHECK(names(facts{}.rule(tls_level::verify).secure()) == list{});
    CHECK(names(facts{}.rule(tls_level::verify).sts(mail::sts_mode::testing)) == list{});
    CHECK(names(facts{}.rule(tls_level::verify, {host})) == list{});
    CHECK(names(facts{}.dane()) == list{host, "b.example"});
}

TEST_CASE("the nearest row holds")
{
    std::vector<config::tls_rule> const rules{{"*", tls_level::encrypt, "1.2", {}},
                                              {".example", tls_level::verify, "1.2", {}},
                                              {".b.example", tls_level::dane, "1.2", {}},
                                              {"b.example", tls_level::none, "1.2", {}}};
    CHECK(find_rule(rules, "b.example")->level == tls_level::none);
    CHECK(find_rule(rules, "a.b.example")->level == tls_level::dane);
    CHECK(find_rule(rules, "c.example")->level == tls_level::verify);
    CHECK(find_rule(rules, "xexample")->level == tls_level::encrypt);
    CHECK(find_rule(rules, "example")->level == tls_level::encrypt);
    CHECK(find_rule({}, "b.example") == nullptr);
}
