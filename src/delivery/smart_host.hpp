// A [[smart_host]] made ready for use: where it is, whom it trusts, and which of its log-ins is
// for whose mail. Never changed; a reload makes new ones.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/routes.hpp"
#include "delivery/target.hpp"
#include "mail/address.hpp"
#include "net/tls.hpp"
#include "sasl/client_mechanism.hpp"

namespace postern::delivery {

/// As whom we come to a smart host.
struct identity {
    config::smart_host_login settings;
    std::string smart_host;                 // its name
    std::size_t place = 0;                  // among its log-ins; 0: the usual one
    std::shared_ptr<net::tls_context> tls;  // with the certificate, where there is one
    std::filesystem::path authorities;      // of the token endpoint, too; empty: the system's
    bool plaintext = false;

    bool logs_in() const noexcept { return settings.any(); }
    /// For the log: "provider", "provider as ann@example.com". Two of them may be called the same.
    std::string to_string() const;
};

struct smart_host {
    config::smart_host settings;
    target at;
    std::shared_ptr<identity const> usual;
    std::vector<std::shared_ptr<identity const>> others;

    /// A sender's own login goes before that of the domain, which goes before the usual one.
    std::shared_ptr<identity const> identity_for(mail::path const& sender) const;
    /// Null: there are not so many.
    std::shared_ptr<identity const> identity_at(std::size_t place) const;
};

/// Errors: certificates that can't be used.
result<std::shared_ptr<smart_host const>> make_smart_host(config::smart_host const& s);

/// What is in files, read now; without a token that has to be fetched. Errors name the file.
result<sasl::client_credentials> read_credentials(identity const& who);

}  // namespace postern::delivery
