#include "directory/import.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <unordered_set>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "directory/names.hpp"
#include "directory/verifier.hpp"
#include "sasl/prepare.hpp"
#include "sasl/scram.hpp"

namespace postern::directory {

sasl::scram_keys make_scram_keys(std::string_view password, std::string_view salt)
{
    secret const prepared = sasl::scram_password(password);
    secret const salted = sasl::scram::salted_password(hash::sha256, prepared.reveal(), salt, scram_iterations);
    return sasl::scram::derive_keys(hash::sha256, salted, salt, scram_iterations);
}

new_credentials make_credentials(secret const& password)
{
    new_credentials made;
    secret const prepared = sasl::scram_password(password.reveal());
    made.verifier = make_verifier(prepared.reveal());
    made.cost = cost_of(made.verifier);
    made.scram = make_scram_keys(password.reveal(), random_octets(scram_salt_size));
    return made;
}

std::vector<imported_account> read_passwd_file(std::string_view text, std::vector<std::string>& problems)
{
    constexpr std::size_t most_problems = 100;
    std::vector<imported_account> list;
    struct clear {
        std::size_t index;
        secret password;
    };
    std::vector<clear> to_hash;
    std::unordered_set<std::string> seen;
    std::size_t number = 0;
    auto complain = [&](std::string const& what) {
        if (problems.size() < most_problems) problems.push_back("line " + std::to_string(number) + ": " + what);
    };
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty()) {
        ++number;
        auto const end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.find_first_not_of(" \t") == std::string_view::npos || line.starts_with('#')) continue;
        auto const colon = line.find(':');
        if (colon == std::string_view::npos) {
            complain("no ':' between address and hash");
            continue;
        }
        std::string_view const name = line.substr(0, colon);
        auto const address = login_key(name);
        if (!address) {
            complain(printable(name, 100) +
                     (name.starts_with('@') ? ": the part before the @ is missing" : " is not a full address"));
            continue;
        }
        // Dovecot has more fields: uid, gid, home ... Hashes have no colon.
        std::string_view field = line.substr(colon + 1);
        field = field.substr(0, field.find(':'));
        auto reading = read_import(field);
        if (reading.problem != nullptr) {
            std::string what = printable(name, 100) + ": ";
            if (reading.scheme.empty()) {
                what += reading.problem;
            } else {
                what += "Postern can't verify the scheme {" + printable(reading.scheme, 40) +
                        "}, but {SHA512-CRYPT}, {SHA256-CRYPT}, {MD5-CRYPT}, {BLF-CRYPT}, {ARGON2ID}, {ARGON2I}, "
                        "{CRYPT}, {SCRAM-SHA-256} and {PLAIN}";
            }
            complain(what);
            continue;
        }
        if (!seen.insert(*address).second) {
            complain(printable(name, 100) + " is in the file twice");
            continue;
        }
        imported_account a;
        a.address = *address;
        a.verifier = std::move(reading.verifier);
        a.cost = cost_of(a.verifier);
        a.scram = scram_keys_of(a.verifier);
        if (a.verifier.empty()) to_hash.push_back({list.size(), std::move(reading.password)});
        list.push_back(std::move(a));
    }
    if (!problems.empty() || to_hash.empty()) return list;

    std::atomic<std::size_t> next{0};
    std::atomic<bool> failed{false};
    auto work = [&] {
        for (std::size_t i = next++; i < to_hash.size(); i = next++) {
            auto made = make_credentials(to_hash[i].password);
            if (made.verifier.empty()) failed = true;
            auto& a = list[to_hash[i].index];
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
