// Who is signed in on the web pages. A visit is found by its token, lasts as long as it is used and not
// longer than its bounds, and outlives a restart (web-sessions.db, with digests of tokens). Knows nothing of
// accounts: whether one is still there, and as it was, is its caller's to see. Safe from several threads;
// time comes in.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "directory/role.hpp"
#include "store/sqlite.hpp"

namespace postern::visits {

struct limits {
    std::chrono::seconds idle = std::chrono::hours{12};        // since the last use
    std::chrono::seconds whole = std::chrono::hours{24 * 30};  // since the sign-in
    std::size_t per_account = 20;                              // of more, the one that was used longest ago goes
    std::size_t in_total = 10'000;
};

struct visit {
    std::string id;       // names it without opening anything: for lists and logs
    std::string account;  // its address
    std::string login;    // what it is found by
    directory::role role = directory::role::none;
    wall_time password_set;  // of the account, at the sign-in
    wall_time created, last_used;
    std::string client;  // where it signed in
    std::string agent;   // what the browser calls itself: anything, cut and made printable
};

/// Of a sign-in that went well.
struct new_visit {
    std::string account, login;
    directory::role role = directory::role::none;
    wall_time password_set;
    std::string client, agent;
};

struct opened_visit {
    secret token;  // told once
    visit what;
};

class book {
public:
    /// Reads the file in the folder, or makes it. One that can't be used is put aside, and nobody is signed in.
    static result<std::unique_ptr<book>> open(std::filesystem::path const& folder, wall_time now);

    opened_visit begin(new_visit v, limits const& bounds, wall_time now);
    /// The visit of that token, which is thereby used; nothing when there is none or its time is over.
    std::optional<visit> use(std::string_view token, limits const& bounds, wall_time now);
    /// The same for what nobody asks: a page that stands open by itself. It makes the visit last no longer.
    std::optional<visit> look(std::string_view token, limits const& bounds, wall_time now);
    bool end(std::string_view token);
    /// Of that account only.
    bool end_by_id(std::string_view account, std::string_view id);
    /// All of the account, but for the one with the id `but`. How many there were.
    std::size_t end_all(std::string_view account, std::string_view but = {});
    /// The last used first.
    std::vector<visit> list(std::string_view account, limits const& bounds, wall_time now) const;
    std::size_t size() const;

private:
    struct entry {
        visit what;
        wall_time stored_use;  // as the file has it
    };
    using entries = std::unordered_map<std::string, entry>;  // by digest

    book() = default;
    result<> read(std::filesystem::path const& file);
    void forget(entries::iterator at);
    entries::iterator living(std::string const& digest, limits const& bounds, wall_time now);
    void make_room(std::string const& account, limits const& bounds, wall_time now);
    void store(std::string const& digest, entry const& e);
    void complain(std::string_view doing);

    mutable std::mutex lock_;
    store::connection db_;
    store::statement put_, touch_, drop_;
    entries all_;
    std::map<std::string, std::vector<std::string>, std::less<>> of_account_;  // digests
    bool complained_ = false;
};

}  // namespace postern::visits
