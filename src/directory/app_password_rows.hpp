// App passwords as rows of the account database: the reads that belong to an account, and the
// writes. Knows neither caches nor log-ins.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "directory/app_password.hpp"
#include "directory/sqlite.hpp"
#include "sasl/mechanism.hpp"

namespace postern::directory {

struct stored_account;

/// Whose an app password is: an account's, by its number, or else a back end's user's, by address.
struct app_password_owner {
    std::int64_t account = 0;
    std::string address{};
};
app_password_owner owner_of(stored_account const& a);
/// What its verifiers are bound to.
std::string name_of(app_password_owner const& o);

/// SCRAM keys of an app password, for one hash and one form of its text.
struct app_password_key {
    std::int64_t app_password = 0;
    postern::hash hash = postern::hash::sha256;
    std::int64_t form = 0;
    sasl::scram_keys keys;
};

/// The statements of one reading connection.
class app_password_reader {
public:
    result<> prepare(connection& c);
    /// All of the account or of the back end's user, those that work no more too.
    result<> fill(stored_account& a);

private:
    result<> fill_limits(app_password_owner const& whose, std::vector<app_password>& list);
    result<> fill_keys(stored_account& a, std::vector<app_password>& list);

    statement passwords_;
    statement limits_;
    statement keys_;
};

// Inside a transaction of the caller's.

/// `p` without an id; gives that. Makes room among those that work no more; an error when
/// most_app_passwords work.
result<std::int64_t> insert_app_password(connection& c, app_password_owner const& whose, app_password const& p,
                                         std::vector<app_password_key> const& keys, wall_time now);
result<> put_app_password_key(connection& c, std::int64_t app_password, app_password_key const& k);
/// Its SCRAM keys go, its row stays.
result<> mark_revoked(connection& c, app_password_owner const& whose, std::int64_t app_password, wall_time now);
/// Of the back end's user with this address, when that becomes an account of the database.
result<> drop_app_passwords(connection& c, std::string_view address);
struct use_of_app_password {
    std::int64_t app_password = 0;
    wall_time when;
    std::string client;
};
result<> put_use(connection& c, use_of_app_password const& u);

}  // namespace postern::directory
