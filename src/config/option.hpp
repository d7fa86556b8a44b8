// What an option is. The tables of all options are in options_*.cpp; the parser, the
// printers and the manual walk through them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "config/tree.hpp"

namespace postern::config {

/// Collects what is wrong while values are read.
class reader {
public:
    reader(std::string_view file, std::vector<problem>& problems) : file_(file), problems_(problems) {}

    /// `what` is about the value at `where`, which belongs to the option being read.
    void bad(node const& where, std::string what);
    void bad_place(place at, std::string what);

    std::string option;  // the name of the one being read, for messages

private:
    std::string_view file_;
    std::vector<problem>& problems_;
};

/// One key of S: all settings, or one of a list of tables.
template <class S>
struct basic_option {
    std::string_view name;     // "limits.message_size"; within a list of tables only "address"
    std::string_view type;     // for the manual
    std::string_view example;  // TOML; shown, as a comment, where the default is empty or made up
    bool reload;               // whether a reload takes a new value up
    std::string_view since;
    std::string_view doc;
    void (*read)(S&, node const&, reader&);
    std::string (*write)(S const&);  // TOML
};

using option = basic_option<settings>;

/// In the order of the manual; the keys without a section first.
std::span<option const> options();
std::span<basic_option<listener> const> listener_options();                      // [[listener]]
std::span<basic_option<certificate> const> certificate_options();                // [[tls.certificates]]
std::span<basic_option<bound_certificate> const> bound_certificate_options();    // [[auth.certificates]]
std::span<basic_option<kerberos_realm> const> kerberos_realm_options();          // [[kerberos.realms]]
std::span<basic_option<kerberos_principal> const> kerberos_principal_options();  // [[kerberos.principals]]
std::span<basic_option<backend> const> backend_options();                        // [[backend]]
std::span<basic_option<auth_socket> const> auth_socket_options();                // [[auth_socket]]
std::span<basic_option<milter> const> milter_options();                          // [[milter]]

std::span<basic_option<sending_limit> const> sending_options();  // [[limits.sending]]
std::span<basic_option<token_issuer> const> issuer_options();    // [[oauth.issuers]]; [oauth] has them, too

std::span<basic_option<dkim_key> const> dkim_key_options();  // [[dkim.keys]]

std::span<basic_option<route> const> route_options();                        // [[route]]
std::span<basic_option<smart_host> const> smart_host_options();              // [[smart_host]]
std::span<basic_option<smart_host_login> const> smart_host_login_options();  // [[smart_host.logins]]
std::span<basic_option<tls_rule> const> tls_rule_options();                  // [[tls_policy]]

struct section {
    std::string_view name;  // "limits"; "" for the top
    std::string_view doc;
};
std::span<section const> sections();

/// The part of an option's name before the dot.
std::string_view section_of(std::string_view name) noexcept;
std::string_view last_part(std::string_view name) noexcept;

/// What is listened on when the configuration names no listener.
std::vector<listener> default_listeners();

}  // namespace postern::config
