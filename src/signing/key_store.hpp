// All keys that mail is signed with: those that Postern made, from the first publication in the
// DNS to their removal, and those of the configuration. Gives what is in force to the signer.
// Safe from any thread.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "signing/key_files.hpp"
#include "signing/signer.hpp"

namespace postern::signing {

/// A key for people: never the private one.
struct key_view {
    key_row row;
    bool configured = false;  // comes from [[dkim.keys]]
    unsigned bits = 0;
    std::string record;                   // of the DNS; empty when the key can't be read
    std::string problem;                  // why it can't
    std::optional<wall_time> keep_until;  // retired: how long to leave the record in the DNS
};

class key_store {
public:
    /// Reads everything. What can't be read becomes a problem of its domain and a line in the log;
    /// it never keeps a server from starting. `out`: told what is in force; may be null.
    key_store(config::settings const& s, signer* out);

    /// New settings, and the files once more.
    void reload(config::settings const& s);

    std::vector<key_view> list() const;
    /// New keys that wait. Errors: the domain has one of the kind already, the selector is taken.
    result<std::vector<key_view>> create(std::string const& domain, std::optional<std::string> const& selector,
                                         std::vector<signing_key::kind> const& kinds, wall_time now);
    /// For each active key one that waits to take its place.
    result<std::vector<key_view>> rotate(std::string const& domain, wall_time now);
    /// Waiting keys of the domain come into use, and retire those that they replace. An empty
    /// selector: all that wait.
    result<std::vector<key_view>> activate(std::string const& domain, std::string_view selector, wall_time now);
    /// Forgets a key. Errors, unless `force`: it is in use, or too young a retiree.
    result<> remove(std::string const& domain, std::string_view selector, bool force, wall_time now);

private:
    key_view view_of(key_row const& row) const;
    std::vector<key_view> views(std::vector<key_row> const& rows) const;
    std::optional<error> unreadable() const;
    result<std::vector<key_view>> add(std::string const& domain, std::string const& stem,
                                      std::vector<signing_key::kind> const& kinds, bool stem_only, wall_time now);
    bool is_taken(std::string_view domain, std::string_view selector) const;
    result<> save(std::vector<key_row> rows);
    void read();
    void publish();

    mutable std::mutex lock_;
    config::settings settings_;
    std::filesystem::path folder_;
    signer* out_;
    std::vector<key_row> rows_;
    std::string problem_;  // of keys.json
};

}  // namespace postern::signing
