// What a first log-in costs: one check of an imported SHA-512 crypt hash (5000 rounds) by
// libcrypt, by OpenSSL's block function, and side by side in the lanes of a vector; one
// argon2id check; and what a returning client costs instead.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <semaphore>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <crypt.h>
#include <stdlib.h>

#include "directory/directory.hpp"
#include "directory/sha512_crypt.hpp"
#include "directory/verifier.hpp"

namespace {

using namespace postern;
namespace sha512 = directory::sha512;

constexpr char const* verifier =
    "$6$W5Xf6WCjp0LWYyQC$efawLaUKwo1JAnd6N0nQhF/QrhtOYhKYqz7lXATLhcSSBgeLwzDmlqOI9p8Q3zY6AxP8lII0/bo7LZTj8xnsX/";

void libcrypt(benchmark::State& state)
{
    auto const data = std::make_unique<crypt_data>();
    for (auto _ : state) benchmark::DoNotOptimize(crypt_rn("sesame", verifier, data.get(), sizeof(crypt_data)));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(libcrypt)->Unit(benchmark::kMicrosecond);

void side_by_side(benchmark::State& state, sha512::engine e)
{
    auto const count = static_cast<std::size_t>(state.range(0));
    if (e.hash == nullptr) return state.SkipWithError("not on this machine");
    std::vector<sha512::crypt_job> jobs(count, {"sesame", "W5Xf6WCjp0LWYyQC", 5000, {}});
    for (auto _ : state) sha512::crypt_all(jobs, e);
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(side_by_side, openssl, sha512::engine{1, 1, sha512::hash_one})->Arg(1)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(side_by_side, avx2, sha512::engine{4, 1, sha512::avx2_engine()})
    ->Arg(1)
    ->Arg(4)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(side_by_side, avx512, sha512::engine{8, 1, sha512::avx512_engine()})
    ->Arg(1)
    ->Arg(8)
    ->Unit(benchmark::kMicrosecond);

void argon2id(benchmark::State& state)
{
    std::string const own = directory::make_verifier("sesame");
    for (auto _ : state) benchmark::DoNotOptimize(directory::check(own, "sesame"));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(argon2id)->Unit(benchmark::kMicrosecond);

/// A directory with one account, in a folder that goes with it.
struct with_account {
    explicit with_account(std::chrono::seconds cache_life = std::chrono::seconds{300})
    {
        std::string name = (std::filesystem::temp_directory_path() / "postern-bench-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) std::abort();
        folder = name;
        directory::options o;
        o.folder = folder;
        o.configured_domains = {"example.org"};
        o.cache_life = cache_life;
        opened = std::move(directory::open_embedded(o)).value();
        bool const added = opened->add_account(address, secret{"sesame"}).has_value();
        if (!added) std::abort();
    }
    ~with_account()
    {
        opened.reset();
        std::filesystem::remove_all(folder);
    }
    std::filesystem::path folder;
    std::unique_ptr<directory::directory> opened;
    mail::mailbox address{"bob", "example.org"};
};

void returning_client(benchmark::State& state)
{
    with_account w;
    auto log_in = [&](bool& good) {
        w.opened->verify_password("bob@example.org", "", secret{"sesame"}, [&](result<directory::login> l) {
            good = l && l->state == directory::login_state::accepted;
        });
    };
    bool good = false;
    log_in(good);
    for (auto _ : state) {
        log_in(good);
        benchmark::DoNotOptimize(good);
    }
}
BENCHMARK(returning_client);

/// Log-ins of many accounts with imported hashes, twenty at once, none remembered.
void first_log_ins(benchmark::State& state)
{
    constexpr std::ptrdiff_t at_once = 20;
    with_account w{std::chrono::seconds{0}};
    std::string lines;
    for (int i = 0; i < 1000; ++i) lines += "user" + std::to_string(i) + "@example.org:" + verifier + "\n";
    std::vector<std::string> problems;
    if (!w.opened->import_accounts(lines, problems)) std::abort();
    std::counting_semaphore<at_once> free{at_once};
    std::atomic<int> refused{0};
    int n = 0;
    for (auto _ : state) {
        free.acquire();
        w.opened->verify_password("user" + std::to_string(++n % 1000) + "@example.org", "", secret{"sesame"},
                                  [&](result<directory::login> l) {
                                      if (!l || l->state != directory::login_state::accepted) ++refused;
                                      free.release();
                                  });
    }
    for (int i = 0; i < at_once; ++i) free.acquire();
    if (refused != 0) state.SkipWithError("log-ins were refused");
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(first_log_ins)->Unit(benchmark::kMicrosecond)->MeasureProcessCPUTime()->UseRealTime();

void recipient(benchmark::State& state)
{
    with_account w;
    for (auto _ : state) benchmark::DoNotOptimize(w.opened->find_recipient(w.address));
}
BENCHMARK(recipient);

void local_domain(benchmark::State& state)
{
    with_account w;
    for (auto _ : state) benchmark::DoNotOptimize(w.opened->is_local("example.org"));
}
BENCHMARK(local_domain);

}  // namespace
