// What a first log-in costs: one check of an imported SHA-512 crypt hash (5000 rounds) by
// libcrypt, by OpenSSL's block function, and side by side in the lanes of a vector; one
// argon2id check; and what a returning client costs instead.
#include <filesystem>
#include <memory>
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
    with_account()
    {
        std::string name = (std::filesystem::temp_directory_path() / "postern-bench-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) std::abort();
        folder = name;
        directory::options o;
        o.folder = folder;
        o.configured_domains = {"example.org"};
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
