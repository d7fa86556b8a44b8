// Providers that many people have their mail at: which server to send through, with what, and which reply of it means
// what. Data compiled in from providers.json: facts as the providers' own pages and common knowledge have them. Asks
// nobody; what a domain itself publishes is `discovery`'s affair.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace postern::providers {

enum class security : std::uint8_t {
    none,
    starttls,           // RFC 3207
    starttls_optional,  // encrypts where it can
    implicit_tls,       // RFC 8314
};
/// "SSL/TLS", "STARTTLS", "none": as mail programs call it.
std::string_view to_words(security s) noexcept;

struct endpoint {
    std::uint16_t port;
    security how;
};

enum class kind : std::uint8_t { mailbox, hosting, relay };

/// What goes into the box for the user name.
enum class user_form : std::uint8_t {
    address,     // the full address
    local_part,  // what stands before the @
    literal,     // always the same word: `user_word`
    own,         // something that the service gave: `user_word` describes it
    none,        // it takes no log-ins
};

struct provider {
    std::string_view id;      // "gmail"
    std::string_view name;    // "Gmail / Google Workspace"
    std::string_view family;  // whose replies it has: "gmail", "microsoft"; empty: nobody's in particular
    providers::kind kind;
    std::span<std::string_view const> domains;      // of addresses
    std::span<std::string_view const> mx_suffixes;  // of the mail servers of customers' domains
    std::span<std::string_view const> hosts;        // outgoing servers, the usual one first; `…` stands for anything
    std::string_view smtp_host;  // empty: it has none; "<...>" stands for what differs from customer to customer
    std::span<endpoint const> endpoints;     // the best first
    std::span<std::string_view const> auth;  // kinds that can work: "OAUTH2", "PLAIN"
    user_form user;
    std::string_view user_word;
    std::string_view secret;      // what goes into the box for the password: "app-password", "api-key"
    std::string_view imap;        // "host:port"; empty: unknown
    std::string_view notes;       // a sentence or more
    std::string_view link;        // where an app password or key is made; may be empty
    std::string_view confidence;  // "high", "medium", "low"

    /// Whether the account's own password does not do, or not for all accounts.
    bool wants_app_password() const noexcept;
    bool sends() const noexcept { return !smtp_host.empty(); }
};

std::span<provider const> all();
provider const* find_by_id(std::string_view id);
/// By the domain of an address.
provider const* find_by_domain(std::string_view domain);
/// By the name of a domain's mail exchanger.
provider const* find_by_mx(std::string_view host);
/// By the name of an outgoing server.
provider const* find_by_host(std::string_view host);

}  // namespace postern::providers
