#include "directory/import.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/crypto.hpp"
#include "base/numbers.hpp"
#include "base/text.hpp"
#include "directory/foreign_hash.hpp"
#include "directory/passwd_file.hpp"
#include "directory/verifier.hpp"
#include "sasl/prepare.hpp"
#include "sasl/scram.hpp"

namespace postern::directory {
namespace {

constexpr std::size_t most_problems = 100;

/// The number in "line 12: ...".
std::size_t line_of(std::string_view problem)
{
    problem.remove_prefix(std::min<std::size_t>(5, problem.size()));
    return parse_number<std::size_t>(problem.substr(0, problem.find(':'))).value_or(0);
}

}  // namespace

sasl::scram_keys make_scram_keys(hash h, std::string_view password, std::string_view salt, std::uint32_t iterations)
{
    secret const prepared = sasl::scram_password(password);
    secret const salted = sasl::scram::salted_password(h, prepared.reveal(), salt, iterations);
    return sasl::scram::derive_keys(h, salted, salt, iterations);
}

std::string digest_verifier(secret const& password)
{
    secret const prepared = sasl::scram_password(password.reveal());
    std::string const salt = random_octets(16);
    std::string text{prepared.reveal()};
    text += salt;
    std::string const octets = digest(hash::sha256, text) + salt;
    wipe(text.data(), text.size());
    auto const made = digest_of_scheme("SSHA256", octets);
    return made ? made->to_string() : std::string{};
}

new_credentials make_credentials(std::string const& address, secret const& password, std::span<hash const> scram_hashes,
                                 salt_chooser const& salt_of)
{
    new_credentials made;
    secret const prepared = sasl::scram_password(password.reveal());
    made.verifier = make_verifier(prepared.reveal());
    made.cost = cost_of(made.verifier);
    for (hash const h : scram_hashes) {
        auto const salt = salt_of(address, h);
        made.scram.set(h, make_scram_keys(h, password.reveal(), salt.octets, salt.iterations));
    }
    return made;
}

std::vector<imported_account> read_passwd_file(std::string_view text, file_format const& format,
                                               std::span<hash const> scram_hashes, salt_chooser const& salt_of,
                                               std::vector<std::string>& problems)
{
    auto lines = read_passwd_lines(text, format, wall_clock::now(), problems);
    std::vector<imported_account> list;
    struct clear {
        std::size_t index;
        secret password;
    };
    std::vector<clear> to_hash;
    for (auto& l : lines) {
        char const* why = l.reading.problem;
        // Here they would be able to.
        if (why == nullptr && !l.may_log_in) why = "may not log in; leave the line out";
        if (why == nullptr && l.bound_to_networks)
            why = "may log in from some networks only (allow_nets), which is not supported; leave the line out";
        if (why != nullptr) {
            std::string what = l.shown + ": ";
            if (l.reading.scheme.empty()) {
                what += why;
            } else {
                what += "Postern can't verify the scheme {" + printable(l.reading.scheme, 40) +
                        "}; docs/commands.md lists those that it can";
            }
            if (problems.size() < most_problems) problems.push_back("line " + std::to_string(l.number) + ": " + what);
            continue;
        }
        imported_account a;
        a.address = std::move(l.address);
        a.verifier = std::move(l.reading.verifier);
        a.cost = cost_of(a.verifier);
        a.scram.set(hash::sha256, scram_keys_of(a.verifier));
        if (a.verifier.empty()) to_hash.push_back({list.size(), std::move(l.reading.password)});
        list.push_back(std::move(a));
    }
    std::stable_sort(problems.begin(), problems.end(),
                     [](auto const& x, auto const& y) { return line_of(x) < line_of(y); });
    if (!problems.empty() || to_hash.empty()) return list;

    std::atomic<std::size_t> next{0};
    std::atomic<bool> failed{false};
    auto work = [&] {
        for (std::size_t i = next++; i < to_hash.size(); i = next++) {
            auto& a = list[to_hash[i].index];
            auto made = make_credentials(a.address, to_hash[i].password, scram_hashes, salt_of);
            if (made.verifier.empty()) failed = true;
            a.verifier = std::move(made.verifier);
            a.cost = std::move(made.cost);
            a.scram = std::move(made.scram);
        }
    };
    std::size_t const helpers =
        std::min<std::size_t>(std::max(1u, std::thread::hardware_concurrency()), to_hash.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < helpers; ++i) threads.emplace_back(work);
    work();
    for (auto& t : threads) t.join();
    if (failed) problems.emplace_back("there is not enough memory to hash the passwords");
    return list;
}

}  // namespace postern::directory
