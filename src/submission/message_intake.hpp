// Takes the content of one message in, in pieces of any size: watches its limits, judges
// and completes its header section, and passes everything on to the spool as it comes. So
// memory does not depend on the size of the message.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "catalogue/verdict.hpp"
#include "mail/header_section.hpp"
#include "mail/trace.hpp"
#include "signing/message_signing.hpp"
#include "spool/spool.hpp"

namespace postern::submission {

struct intake_options {
    std::uint64_t message_size = 0;  // the most that is taken
    std::uint64_t header_size = 0;
    std::uint32_t hops = 0;
    bool is_submission = false;                    // From, Date, Message-ID, Bcc: RFC 6409 section 8
    bool from_required = false;                    // no From, and none to add: refused
    std::string from;                              // the address for a missing From; empty: none is added
    mail::received_facts trace;                    // views must outlive the intake
    std::shared_ptr<signing::keyring const> keys;  // to sign with; null: it is not ours to sign
};

class message_intake {
public:
    /// `check_header`: asked once, when the header section is there, whether the message may pass with
    /// it; not asked when empty.
    using header_check = std::function<catalogue::verdict(std::vector<mail::header_field> const&)>;

    message_intake(intake_options options, std::unique_ptr<spool::content_writer> writer, header_check check_header);

    /// After a failure, what still comes is counted and dropped.
    void add(std::string_view piece);
    /// The content has ended. `adds_newline`: text whose last line has no CRLF gets one.
    void finish(bool adds_newline);

    /// The first thing that was wrong, if any.
    std::optional<catalogue::verdict> const& failure() const noexcept { return failure_; }
    std::uint64_t received() const noexcept { return received_; }
    std::string const& message_id() const noexcept { return message_id_; }
    /// Its header says "TLS-Required: No" (RFC 8689 section 5).
    bool tls_optional() const noexcept { return tls_optional_; }
    /// Where it is to be signed: the signature belongs in the place of the content's first octets.
    std::shared_ptr<signing::message_signing> take_signing() { return std::move(signing_); }
    /// The content, complete, unless there was a failure.
    std::unique_ptr<spool::content_writer> take() { return std::move(writer_); }

private:
    void fail(catalogue::verdict why);
    void write(std::string_view octets);
    void write_body(std::string_view octets);
    void on_header();
    std::optional<std::string> without_forgeries(std::vector<mail::header_field> const& fields) const;
    void begin_signing(std::string& head);

    intake_options options_;
    std::unique_ptr<spool::content_writer> writer_;
    header_check check_header_;
    mail::header_collector header_;
    bool in_body_ = false;
    std::uint64_t received_ = 0;
    std::string message_id_;
    bool tls_optional_ = false;
    std::shared_ptr<signing::message_signing> signing_;
    std::optional<catalogue::verdict> failure_;
};

/// "50 MiB", "1000 bytes": sizes for people.
std::string size_in_words(std::uint64_t octets);

}  // namespace postern::submission
