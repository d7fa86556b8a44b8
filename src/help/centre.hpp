// The help centre: what stands at /, /setup, /help, /why, /profile and /what-is-smtp-auth. Functions from a request to a
// response, which need no script in the reader's browser. It knows no account: what it is told of the reader is shown to the reader
// alone, and no page says whether a mailbox exists.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "catalogue/catalogue.hpp"
#include "http/message.hpp"

namespace postern::help {

/// What the pages say of this installation.
struct facts {
    std::string name;                 // of the service
    std::string contact;              // a mail address
    std::string server;               // of outgoing mail
    std::uint16_t implicit_port = 0;  // TLS from the start; 0: none
    std::uint16_t starttls_port = 0;
    std::string imap, pop3;  // host:port; may be empty
    std::string domain;      // for an example of an address; may be empty
    std::string foreign;     // the domain of the reader's address, where this server does not send for it
};

/// The page at the request's path, or nothing: it is none of ours. `account`: who is signed in, may be empty.
std::optional<http::response> answer(http::request const& r, facts const& f, std::string_view account = {});

/// The page /why/`id`. `why` is null for an id that nobody knows and for a refusal that would tell something: the two
/// pages are the same.
http::response explain_refusal(http::request const& r, facts const& f, std::string_view id, catalogue::rule const* why);

/// The page that says that a request was refused, by a row of web.toml. It shows nothing of the request, so nothing that
/// whoever made it wrote. `said`: what the mail process says of it, in place of what the row says; may be empty.
http::response refuse(catalogue::rule const& why, unsigned status, std::string_view language, std::string_view said);

}  // namespace postern::help
