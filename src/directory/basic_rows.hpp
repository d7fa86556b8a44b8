// Basic passwords as rows of the account database: where they are on or off, and what follows
// from that for the ways of logging in. Knows neither caches nor log-ins.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "directory/directory.hpp"
#include "directory/sqlite.hpp"

namespace postern::directory {

/// "@domain", or "" for what the configuration said last.
struct basic_scope {
    std::string scope;
    basic_setting setting;
};

/// What some account can log in with.
struct means_found {
    bool basic = false;  // a basic password, where they are taken
    bool basic_sha1 = false, basic_sha512 = false;
    bool basic_cram_md5 = false;
    bool app = false;  // an app password
    bool app_sha1 = false, app_sha256 = false, app_sha512 = false;
    std::optional<wall_time> until;  // an app password expires then
};

result<std::vector<basic_scope>> read_basic_scopes(connection& c);
/// `organisation`: whether basic passwords are taken where neither account nor domain says anything.
result<means_found> read_means(connection& c, bool organisation, wall_time now);

// Inside a transaction of the caller's. Nothing: no setting of its own.
result<> put_basic(connection& c, std::int64_t account, std::optional<bool> allowed, std::string_view by,
                   wall_time now);
result<> put_basic_scope(connection& c, std::string_view scope, std::optional<bool> allowed, std::string_view by,
                         wall_time now);

}  // namespace postern::directory
