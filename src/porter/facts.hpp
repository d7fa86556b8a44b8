// What mail programs are told of this installation: which domains it serves, and where its servers are. Every document of
// this room is made from it, so that they can't differ.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"

namespace postern::porter {

enum class wrapping : std::uint8_t { implicit_tls, starttls };

struct place {
    std::string host;
    std::uint16_t port = 0;
    wrapping how = wrapping::implicit_tls;
    friend bool operator==(place const&, place const&) = default;
};

/// What a document says, but for the domain: equal ones make equal documents.
struct services {
    std::vector<place> imap, pop3, smtp;  // the best one first
    std::string name;                     // empty: the domain
    std::string contact;                  // empty: postmaster at the domain
    std::string url;                      // of the web pages, without '/' at the end
    friend bool operator==(services const&, services const&) = default;
};

struct facts {
    services now;
    /// What the documents say whose digest is in the DNS (pacc.hpp): it changes only when the operator says so.
    services announced;
    std::string web_host;              // that of services::url
    std::string base;                  // the domain that our own name is in; mail exchangers' clients ask there
    std::vector<std::string> domains;  // sorted; A-labels in lower case
    friend bool operator==(facts const&, facts const&) = default;

    bool serves(std::string_view domain) const noexcept;
};

/// Of the settings. A port of 143, 110, 587 or 25 means STARTTLS, every other one TLS from the start.
services services_of(config::settings const& s);
/// Whether the incoming server takes app passwords: where other servers ask at an auth socket, it is one of them.
bool incoming_takes_app_passwords(config::settings const& s);
/// `announced` is as `now`, until told otherwise.
facts facts_of(config::settings const& s, std::vector<std::string> const& domains);

/// The domain of a mail address, as facts::domains has it; empty: it is no address.
std::string domain_of(std::string_view address);

/// "imap.example.com:993", "[2001:db8::1]:993"; no host: it is none.
place parse_place(std::string_view text);

/// What people know the service as, of so many octets at most.
std::string name_for(services const& s, std::string_view domain, std::size_t longest);
std::string contact_for(services const& s, std::string_view domain);

}  // namespace postern::porter
