// What the directory's tests share: throw-away folders and log-ins that wait.
#pragma once

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <stdlib.h>

#include "directory/directory.hpp"
#include "directory/store.hpp"
#include "support/throw_away_folder.hpp"

namespace postern::directory::testing {

using backend = postern::directory::directory;
using accounts_file = postern::directory::store;

class folder : public postern::testing::throw_away_folder {
public:
    std::filesystem::path file() const { return path() / "accounts.db"; }
};

inline std::unique_ptr<directory> open(folder const& where, std::vector<std::string> domains, unsigned threads = 2)
{
    options o;
    o.folder = where.path();
    o.hash_threads = threads;
    o.configured_domains = std::move(domains);
    auto d = open_embedded(std::move(o));
    if (!d) FAIL(d.error().logged);
    return std::move(*d);
}

inline mail::mailbox address(char const* text)
{
    auto m = mail::parse_mailbox(text);
    REQUIRE_MESSAGE(m, text);
    return *m;
}

inline result<login> try_log_in(directory& d, std::string_view name, std::string_view password,
                                std::string_view authzid = {})
{
    std::promise<result<login>> promise;
    auto future = promise.get_future();
    d.verify_password(name, authzid, secret{password}, [&](result<login> l) { promise.set_value(std::move(l)); });
    return future.get();
}

inline login log_in(directory& d, std::string_view name, std::string_view password, std::string_view authzid = {})
{
    auto l = try_log_in(d, name, password, authzid);
    if (!l) FAIL(l.error().logged);
    return *l;
}

/// Nobody says that the password is wrong: somebody who may know better can't be asked.
inline bool in_doubt(directory& d, std::string_view name, std::string_view password)
{
    auto const l = try_log_in(d, name, password);
    return l && l->state == login_state::unsure;
}

/// Changes by another process are seen within a tenth of a second; give it five.
template <class Question>
bool eventually(Question&& question)
{
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (std::chrono::steady_clock::now() < deadline) {
        if (question()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    return question();
}

}  // namespace postern::directory::testing
