// May this client do this? One pure function from facts to a verdict: no sockets, no
// clock, no look-ups. How the facts were found is the caller's business; `postern
// explain` calls the same function with facts that somebody made up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "catalogue/verdict.hpp"
#include "config/settings.hpp"
#include "mail/address.hpp"

namespace postern::policy {

enum class stage : std::uint8_t {
    sender,       // MAIL FROM
    recipient,    // RCPT TO
    header_from,  // the header fields From and Sender, after the content has come
};
enum class recipient_kind : std::uint8_t { not_local, local_known, local_unknown };

struct facts {
    policy::stage stage = stage::sender;
    config::role listener = config::role::submission;
    std::uint16_t listener_port = 0;
    std::uint16_t login_port = 0;  // a port of ours where one can log in, for the remedy; 0: none
    ip_address client;
    bool tls = false;
    std::string account;  // the login; empty: not authenticated
    bool in_relay_networks = false;
    bool local_program = false;  // came by the socket for programs of this machine
    bool local_without_auth = true;
    std::string app_password;            // what the login was proven with, for the evidence; empty: something else
    bool app_password_sender = true;     // it may be used for that sender or header address
    bool app_password_recipient = true;  // and for that forward path

    mail::path reverse_path;
    bool sender_owned = false;   // the account may send as reverse_path (stage sender) or as
                                 // `header_address` (stage header_from)
    std::string header_address;  // stage header_from: the address in question
    bool check_header_from = true;

    mail::mailbox forward_path;  // stage recipient
    recipient_kind recipient = recipient_kind::not_local;
};

/// An acceptance names the rule that allowed it and holds no evidence (it is the common
/// case); a refusal holds evidence_of(f).
catalogue::verdict decide(facts const& f);

/// The facts that mattered as named values: client, listener, tls, account,
/// relay_network, sender; at the stage of recipients also recipient and domain; `port`
/// where the client could log in.
std::vector<catalogue::evidence> evidence_of(facts const& f);

/// The smallest change of the facts that turns the verdict, in words an operator understands
/// ("log in (AUTH) before MAIL", "add 192.0.2.7 to relay.networks"), or empty when none would.
std::string smallest_flip(facts const& f);

}  // namespace postern::policy
