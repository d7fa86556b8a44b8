// The message that a program gives to `sendmail`: its lines made those of mail, its header
// completed, and who it is for. Pure; the octets come from the caller.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "mail/address.hpp"

namespace postern::sendmail {

/// Gathers a text whose lines end in LF, CR LF or CR, as mail whose lines end in CR LF
/// (RFC 5321 section 2.3.8). The line of a mailbox file, "From somebody ...", is dropped at
/// the front.
class line_gatherer {
public:
    /// `dot_ends`: a line with nothing but a dot is the end, as people type it.
    line_gatherer(bool dot_ends, std::size_t limit) : dot_ends_(dot_ends), limit_(limit) {}

    void add(std::string_view piece);
    /// The input is over: a last line without an end gets one.
    void finish();

    bool ended() const noexcept { return ended_; }
    bool too_long() const noexcept { return too_long_; }
    std::string take() { return std::move(text_); }

private:
    void end_line();

    bool dot_ends_;
    std::size_t limit_;
    std::string text_;
    std::size_t line_ = 0;  // where the line under way begins
    bool first_ = true;
    bool cr_ = false;  // the last octet was one
    bool ended_ = false, too_long_ = false;
};

struct request {
    std::string origin;      // the domain of names without one: "root"
    std::string from;        // the address for a From field, when there is none
    std::string full_name;   // and the name there; may be empty
    bool to_header = false;  // take the recipients of To, Cc and Bcc, too
    /// For a server that is not ours, which may pass the message on as it is: Bcc goes out of the header,
    /// Date and Message-ID come in where they are missing.
    struct completion {
        wall_time now{};
        std::string unique_id{};      // for the Message-ID, with `origin`
        bool new_message_id = false;  // in place of one that is there
    };
    std::optional<completion> complete{};
};

struct prepared {
    std::string content;
    std::vector<mail::mailbox> recipients;  // of the header, each once
    bool utf8_header = false;
    bool eight_bit = false;
    bool own_message_id = false;  // of the completion
};

/// Completes a gathered text. Errors say what is wrong with the header (RFC 5322 section 3.4).
result<prepared> prepare(std::string text, request const& r);

/// A recipient or sender as given on the command line; a bare name is at `origin`.
result<mail::mailbox> parse_address(std::string_view text, std::string const& origin);

/// The value of an address field in which names without a domain are at `origin`: "root (Cron)"
/// becomes "root@mail.example.com (Cron)". What can't be read stays as it is.
std::string qualify(std::string_view value, std::string_view origin);

}  // namespace postern::sendmail
