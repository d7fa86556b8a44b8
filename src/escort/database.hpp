// What has to outlive a restart (transport.db): the policies that domains published, and how TLS
// to them went until it is reported. Bounded. Safe from any thread; it blocks.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "escort/sessions.hpp"

namespace postern::escort {

/// A policy as it was fetched.
struct stored_policy {
    std::string domain, id, text;
    wall_time fetched, expires;
};

/// Of one day and domain.
struct day_summary {
    std::int64_t day = 0;
    std::string domain;
    std::uint64_t good = 0, bad = 0;
};

class database {
public:
    virtual ~database() = default;

    /// Those that have not expired.
    virtual result<std::vector<stored_policy>> policies(wall_time now) = 0;
    virtual result<> store(stored_policy const& p) = 0;

    virtual result<> add(std::vector<session_row> const& rows) = 0;
    /// Days with their domains, the oldest first.
    virtual result<std::vector<day_summary>> days() = 0;
    virtual result<std::vector<session_row>> sessions(std::int64_t day, std::string const& domain) = 0;
    virtual result<> forget(std::int64_t day, std::string const& domain) = 0;
    virtual result<> forget_before(std::int64_t day) = 0;
};

/// Opens or creates it in the folder. One that is damaged is put aside.
result<std::unique_ptr<database>> open_database(std::filesystem::path const& folder);

}  // namespace postern::escort
