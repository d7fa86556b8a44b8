// Ways in which servers were made to carry strangers' mail. Each is what a client says before RCPT's
// answer; none of them sends a message. Pure.
#pragma once

#include <string>
#include <vector>

namespace postern::doctor {

struct relay_trick {
    std::string name;      // in words
    std::string before;    // a command in front, such as XCLIENT; empty: none
    std::string hello;     // what EHLO says; empty: as usual
    std::string from, to;  // what stands behind MAIL FROM: and RCPT TO:, raw octets
    bool local = false;    // the recipient's domain is ours: good if nobody here has the name
};

struct relay_names {
    std::string outside;  // a domain that is not ours: the recipients'
    std::string domain;   // a local domain; may be empty
    std::string hostname;
    std::string address;  // of the listener, for literals
};

std::vector<relay_trick> relay_tricks(relay_names const& n);

/// A recipient in our domain that nobody can have: when it is taken, so is every name, and what tricks
/// with our domain are taken for can't be told.
std::string nobody_here(relay_names const& n);

/// Octets as a person reads them: "\0" for NUL.
std::string shown(std::string const& raw);

}  // namespace postern::doctor
