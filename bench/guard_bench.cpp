// What a million attacking addresses cost in memory, and what a question to the guard costs.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <fstream>
#include <memory>

#include "guard/keeper.hpp"

namespace {

using namespace postern;

ip_address spread(std::uint32_t i)
{
    // Each in a /24 of its own: the most expensive way.
    return ip_address::v4(i << 8 | 1);
}

std::size_t resident()
{
    std::ifstream in{"/proc/self/statm"};
    std::size_t all = 0, there = 0;
    in >> all >> there;
    return there * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void a_million_addresses(benchmark::State& state)
{
    config::guard_settings const s;
    steady_time const now = steady_clock::now();
    for (auto _ : state) {
        auto const before = resident();
        auto k = std::make_unique<guard::keeper>(now);
        for (std::uint32_t i = 0; i < 1'000'000; ++i)
            k->on_failure(s, spread(i), "user" + std::to_string(i % 200'000) + "@example.com", i + 1, now);
        auto const f = k->count();
        state.counters["places"] = static_cast<double>(f.places);
        state.counters["networks"] = static_cast<double>(f.networks);
        state.counters["evicted"] = static_cast<double>(f.evicted);
        state.counters["tables_MiB"] = static_cast<double>(f.octets) / (1 << 20);
        state.counters["resident_MiB"] = static_cast<double>(resident() - before) / (1 << 20);
    }
}
BENCHMARK(a_million_addresses)->Unit(benchmark::kMillisecond)->Iterations(1);

void a_question(benchmark::State& state)
{
    static config::guard_settings const s;
    static steady_time const now = steady_clock::now();
    static guard::keeper k{now};
    std::uint32_t i = static_cast<std::uint32_t>(state.thread_index()) << 20;
    for (auto _ : state) {
        benchmark::DoNotOptimize(k.at_connect(s, spread(++i), true, now));
        benchmark::DoNotOptimize(k.at_login(s, spread(i), "ann@example.com", now));
    }
}
BENCHMARK(a_question)->Threads(1)->Threads(2);

}  // namespace
