#include "client/keywords.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "smtp/client_commands.hpp"

namespace postern::client {

namespace {

constexpr std::size_t longest_line = 500;

// IANA's registry of SMTP service extensions, and what servers say besides.
constexpr std::string_view registered[] = {
    "8BITMIME",  "ATRN",          "AUTH",          "BINARYMIME", "BURL",       "CHECKPOINT",
    "CHUNKING",  "CONNEG",        "CONPERM",       "DELIVERBY",  "DSN",        "ENHANCEDSTATUSCODES",
    "ETRN",      "EXPN",          "FUTURERELEASE", "HELP",       "LIMITS",     "MT-PRIORITY",
    "MTRK",      "NO-SOLICITING", "ONEX",          "PIPELINING", "REQUIRETLS", "RRVS",
    "SAML",      "SEND",          "SIZE",          "SMTPUTF8",   "SOML",       "STARTTLS",
    "SUBMITTER", "TIME",          "TURN",          "UTF8SMTP",   "VERB",       "VRFY"};

bool is_registered(std::string_view keyword)
{
    return std::any_of(std::begin(registered), std::end(registered),
                       [&](auto known) { return equal_ignoring_case(known, keyword); });
}

}  // namespace

announcement read_announcement(std::string_view text, bool extended)
{
    announcement a;
    a.extended = extended;
    auto newline = text.find('\n');
    a.greeting = printable(text.substr(0, newline), longest_line);
    if (!extended) return a;
    a.known = smtp::parse_extensions(text);
    while (newline != std::string_view::npos) {
        text.remove_prefix(newline + 1);
        newline = text.find('\n');
        auto const line = text.substr(0, newline);
        a.lines.push_back(printable(line, longest_line));
        auto const keyword = line.substr(0, line.find_first_of(" \t"));
        if (starts_with_ignoring_case(keyword, "AUTH=")) {
            a.auth_equals = true;
        } else if (equal_ignoring_case(keyword, "AUTH")) {
            a.auth_proper = true;
        } else if (!keyword.empty() && !is_registered(keyword)) {
            a.unknown_keywords.push_back(printable(keyword, longest_line));
        }
    }
    return a;
}

}  // namespace postern::client
