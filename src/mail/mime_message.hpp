// Writes a message as a mail program does: header, text, attachments (RFC 5322, RFC 2045,
// RFC 2046). What it writes is ASCII with lines of at most 998 octets, so that every server can
// carry it, unless names are asked for as RFC 6532 has them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "mail/address.hpp"

namespace postern::mail {

/// An address as people write it: "Zoë <zoe@example.com>".
struct named_mailbox {
    std::string name;  // UTF-8, may be empty
    mailbox address;
};
/// Of one such text. Errors say what is wrong with it.
result<named_mailbox> parse_named_mailbox(std::string_view text);

struct attachment {
    std::string name;  // of the file, without folders; UTF-8
    std::string type;  // "image/png"; empty: guessed from the name
    std::string octets;
};

struct new_message {
    named_mailbox from;
    std::vector<named_mailbox> to, cc;
    std::string subject;
    std::string text;  // any line ends
    std::vector<attachment> attachments;
    std::vector<std::pair<std::string, std::string>> fields;  // more; one that is written anyway replaces it
    std::string charset{};                                    // of the text; empty: ASCII or UTF-8, whatever it is
    wall_time now{};
    std::string unique_id;    // for Message-ID and boundaries
    bool utf8_names = false;  // header in UTF-8: needs SMTPUTF8 on the way
};

/// All of it, lines ending in CRLF. Errors: a text that is in no known charset, a field that is none.
result<std::string> write_message(new_message const& m);

/// By the end of the name; "application/octet-stream" where that says nothing.
std::string_view guess_type(std::string_view file_name) noexcept;

}  // namespace postern::mail
