// Who changed what, when, from where, and how it ended: rows that are only ever added (audit.db; triggers
// in it refuse all else), but for the oldest, which go when there are too many or they are too old. Accounts'
// own affairs have bounds of their own, so that nobody can push out what others did by doing much. Safe from
// several threads and processes; time comes in.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/sqlite.hpp"

namespace postern::audit {

struct row {
    std::int64_t number = 0;  // among all; given to it when it is added
    wall_time time;
    bool own = false;       // an account's own affair; else the operator's
    std::string through;    // "terminal" or "web"
    std::string who;        // the user of the machine, or the account
    std::string role;       // by which an account acted; empty: none was needed
    std::string from;       // the terminal, or the client's address
    std::string command;    // "account add"
    std::string account;    // that it is about; may be empty
    std::string arguments;  // JSON, without secrets
    std::string outcome;    // "done", or why not
};

struct filter {
    std::string account{};  // acted, or was acted upon
    std::optional<wall_time> since{};
    std::optional<std::int64_t> before{};  // a row's number: what comes after it in the list
    std::size_t most = 200;
};

class book {
public:
    /// Of each kind, the operators' and the accounts' own.
    static constexpr std::int64_t most_rows = 50'000;
    static constexpr std::chrono::hours longest{24 * 400};

    /// Opens or makes folder/audit.db.
    static result<std::unique_ptr<book>> open(std::filesystem::path const& folder);

    result<> add(row const& r);
    /// The newest first.
    result<std::vector<row>> list(filter const& f);

private:
    explicit book(store::connection db) : db_(std::move(db)) {}
    result<> prepare();
    result<> drop_oldest(std::int64_t own, std::int64_t number, wall_time now);

    std::mutex lock_;
    store::connection db_;
    store::statement next_, insert_, drop_many_, drop_old_;
};

}  // namespace postern::audit
