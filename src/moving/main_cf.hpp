// Postfix's main.cf: its parameters, and their values as Postfix sees them, with $names
// expanded and Postfix's defaults for what is not set. No lookup table is opened here.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moving/files.hpp"

namespace postern::moving {

struct parameter {
    std::string name;
    std::string value;  // as written
    place at;
};

/// All parameters in the order of the file. A later one of the same name counts.
basic_result<std::vector<parameter>, trouble> parse_main_cf(std::string_view text, std::string const& file);

/// The values in force. Remembers who was asked for, so that what nobody looked at can be told.
class main_cf {
public:
    /// `hostname`: what Postfix would take for myhostname. Fails when a value leads back to itself or
    /// grows without end.
    static basic_result<main_cf, trouble> make(std::vector<parameter> parameters, std::string hostname);

    /// Set in the file; else nullptr.
    parameter const* find(std::string_view name) const;
    /// Expanded: what is set here or in `overrides` (of a service in master.cf), else the default.
    std::string value(std::string_view name, std::span<parameter const> overrides = {}) const;
    /// The same, and counts the parameter as carried over.
    std::string take(std::string_view name, std::span<parameter const> overrides = {});
    void mark(std::string_view name) { taken_.insert(std::string(name)); }
    bool taken(std::string_view name) const { return taken_.contains(name); }
    /// Whether another value refers to it.
    bool referred_to(std::string_view name) const;
    /// Expands any text.
    std::string expand(std::string_view text, std::span<parameter const> overrides = {}) const;
    /// Each name once, in the order of the file.
    std::vector<parameter const*> all() const;
    /// Can `overrides` be expanded?
    basic_result<done, trouble> check(std::span<parameter const> overrides) const;
    std::string const& hostname() const { return hostname_; }
    /// "3.6" as 306; 0 when it is not set.
    unsigned compatibility() const;

private:
    std::vector<parameter> parameters_;
    std::map<std::string, std::size_t, std::less<>> index_;
    std::set<std::string, std::less<>> taken_;
    std::string hostname_;
};

/// As Postfix documents it, not expanded; "" for what is not in the list.
std::string_view postfix_default(std::string_view name) noexcept;
bool is_yes(std::string_view value) noexcept;

}  // namespace postern::moving
