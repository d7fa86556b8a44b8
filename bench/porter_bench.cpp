// What one answer to a mail program's question for its settings costs, with many domains.
#include <benchmark/benchmark.h>

#include "porter/answer.hpp"
#include "porter/fixture.hpp"

namespace {

using namespace postern;

porter::facts of_many_domains()
{
    std::vector<std::string> domains;
    for (int i = 0; i < 100'000; ++i) domains.push_back("customer" + std::to_string(i) + ".test");
    return porter::facts_of(porter::example_settings(), std::move(domains));
}

void ask(benchmark::State& state, http::request const& r)
{
    auto const facts = of_many_domains();
    wall_time const now = wall_clock::now();
    for (auto _ : state) {
        auto said = porter::answer(facts, r, now);
        if (said->response.status != 200) state.SkipWithError("not answered");
        benchmark::DoNotOptimize(said);
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void autoconfig(benchmark::State& state)
{
    http::request r;
    r.host = "autoconfig.hoster.test";
    r.path = "/mail/config-v1.1.xml";
    r.query = "emailaddress=anna%40customer77777.test";
    ask(state, r);
}
BENCHMARK(autoconfig);

void autodiscover(benchmark::State& state)
{
    http::request r;
    r.method = http::method::post;
    r.host = "autodiscover.customer77777.test";
    r.path = "/AutoDiscover/AutoDiscover.xml";
    r.body = secret{
        "<?xml version=\"1.0\"?><Autodiscover "
        "xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006\"><Request>"
        "<EMailAddress>anna@customer77777.test</EMailAddress><AcceptableResponseSchema>"
        "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
        "</AcceptableResponseSchema></Request></Autodiscover>"};
    ask(state, r);
}
BENCHMARK(autodiscover);

void pacc(benchmark::State& state)
{
    http::request r;
    r.host = "ua-auto-config.customer77777.test";
    r.path = "/.well-known/user-agent-configuration.json";
    ask(state, r);
}
BENCHMARK(pacc);

}  // namespace
