// Where users come from besides the embedded database. Each back end has a name and a type
// from the configuration, and tells how it is. One that can't answer gives an error with a
// 4.x.x status, never "wrong password" and never "no such user".
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.hpp"
#include "base/result.hpp"
#include "directory/file_format.hpp"
#include "directory/ldap_options.hpp"

namespace postern::directory {

struct stored_account;

/// What a back end of type "postgresql" asks. Empty queries are not asked.
struct sql_options {
    std::string connection;  // as libpq takes it
    std::filesystem::path password_file;
    std::string user;       // $1: login name; a row with password, and more
    std::string recipient;  // $1: address; a row: the account's address
    std::string aliases;    // $1: login name; rows: addresses of its own
    std::string senders;    // $1: login name; rows: addresses and "@domain" that it may send as
    std::string update;     // $1: login name, $2: the new hash, $3: the old one
};

/// One [[backend]] of the configuration.
struct backend_options {
    std::string name;
    std::string type;             // "files", "pam", "dovecot", ...
    std::filesystem::path path;   // the file; Dovecot's auth socket
    file_format format;           // of others than files: the domain only
    std::filesystem::path users;  // Dovecot's userdb socket; empty: there is none
    std::string service;          // PAM's
    std::chrono::milliseconds timeout{10'000};
    unsigned threads = 4;
    bool tells = false;                          // gives users as they are stored, instead of judging passwords
    bool recognises = false;                     // says without a password whether there is such a user
    bool takes_hashes = false;                   // and better hashes can be given to it
    std::chrono::milliseconds remember{30'000};  // so long is what it told of a user good
    std::chrono::milliseconds moment{1'000};     // log-ins of one name within it share an answer
    sql_options sql;
    ldap_options ldap;
};

/// How old an answer of a back end may be.
enum class freshness : std::uint8_t {
    remembered,  // as old as the back end's options say
    now,         // of this moment, or the one before
};

/// What a stranger sees of SCRAM keys.
struct scram_shape {
    std::uint32_t iterations = 0;
    std::size_t salt_size = 0;
    bool operator==(scram_shape const&) const = default;
};

struct backend_health {
    std::string name;
    std::string type;
    bool up = false;
    std::string detail;  // for people: "12 users", or what is wrong
};

class back_end {
public:
    virtual ~back_end() = default;
    virtual backend_health health() const = 0;
};

/// A back end that has all its users in memory, with what verifies their passwords. Any
/// thread may ask; no question waits.
class account_source : public back_end {
public:
    /// By login name as any_name_key() gives it; null: not one of its users. An error while
    /// it has never been read.
    virtual result<std::shared_ptr<stored_account const>> find(std::string_view name) const = 0;
    virtual std::size_t count() const = 0;
    /// One whose cost most of its users have; empty: no users.
    virtual std::string typical_verifier() const = 0;
    /// What most of its users in the domain of this address have; nothing: none of them has SCRAM keys.
    virtual std::optional<scram_shape> usual_shape(std::string_view address, hash h) const = 0;
    /// The address that a name stands for, if that is one.
    virtual std::string address_of(std::string_view name) const = 0;
    /// Begins to look for changes; `changed` is called after each, on a thread of the
    /// source's own, until stop().
    virtual void start(std::function<void()> changed) = 0;
    virtual void stop() = 0;
};

/// Reads a file of users, and again whenever it changes. A file that is bad or gone leaves
/// what was read before in force.
std::unique_ptr<account_source> make_file_source(backend_options const& o);

}  // namespace postern::directory
