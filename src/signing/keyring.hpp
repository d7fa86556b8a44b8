// The keys in force at a moment: which domains' mail is signed, by which keys, by which rules.
// Never changed; a command or a reload makes a new one, and messages under way keep theirs.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/signing_key.hpp"
#include "config/settings.hpp"
#include "mail/dkim_signature.hpp"

namespace postern::signing {

struct usable_key {
    std::string selector;
    signing_key key;
};

class keyring {
public:
    struct domain {
        std::string name;
        std::vector<usable_key> keys;
        std::string problem;  // why there is none to sign with
    };

    explicit keyring(config::settings const& s);

    void add(std::string const& domain_name, usable_key key);
    /// A key of the domain can't be used.
    void add_problem(std::string const& domain_name, std::string why);
    /// Nobody can tell which domains have keys.
    void set_problem(std::string why) { problem_ = std::move(why); }

    /// The domain itself, else the nearest one above it that has keys; null: not signed.
    domain const* find(std::string_view name) const;
    bool empty() const noexcept { return domains_.empty() && problem_.empty(); }
    std::string const& problem() const noexcept { return problem_; }
    mail::dkim_rules const& rules() const noexcept { return rules_; }
    /// What can't be signed is to come again later.
    bool defers() const noexcept { return defers_; }

private:
    mail::dkim_rules rules_;
    bool defers_;
    std::map<std::string, domain, std::less<>> domains_;
    std::string problem_;
};

/// The domain of the first address of the From field; nothing where there is no such field, or
/// several, or it can't be read.
std::optional<std::string> author_domain(std::vector<mail::header_field> const& fields);

}  // namespace postern::signing
