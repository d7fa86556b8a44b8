// Ways in which servers were made to carry strangers' mail. Each is what a client says before RCPT's
// answer; none of them sends a message. Pure.
#pragma once

#include <string>
#include <vector>

namespace postern::doctor {

struct relay_trick {
    std::string name;            // in words
    std::string before;          // a command in front, such as XCLIENT; empty: none
    std::string hello;           // what EHLO says; empty: as usual
    std::string from, to;        // what stands behind MAIL FROM: and RCPT TO:, raw octets
    std::string local_domain{};  // the recipient's, where it is ours: good if nobody there has the name
};

struct relay_names {
    std::string outside;             // a domain that is not ours: the recipients'
    std::vector<std::string> local;  // local domains; tricks are made with the first one
    std::string hostname;
    std::string address;  // of the listener, for literals
};

std::vector<relay_trick> relay_tricks(relay_names const& n);

/// A recipient in a domain of ours that nobody can have: when it is taken, so is every name, and what tricks
/// with that domain are taken for can't be told.
std::string nobody_at(std::string const& domain);

/// Octets as a person reads them: "\0" for NUL.
std::string shown(std::string const& raw);

}  // namespace postern::doctor
