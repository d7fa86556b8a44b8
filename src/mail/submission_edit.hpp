// What a submission server may change in a header section (RFC 6409 section 8): adds
// From, Date and Message-ID when they are missing, takes Bcc out. No other octet changes,
// no order; no Date or Message-ID is added that a DKIM signature counts as missing.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "mail/header_section.hpp"

namespace postern::mail {

struct edit_options {
    std::string_view hostname;   // right side of a Message-ID
    wall_time now;               // the Date
    std::string_view unique_id;  // left side of a Message-ID: the queue id
    std::string_view from;       // the address for a From; empty: none is added
};

struct submission_edit {
    std::string added;                   // fields to put in front, each with CRLF; mostly empty
    std::optional<std::string> cleaned;  // the section without what was removed; unset: it stays as it is
    bool from_added = false;
    bool date_added = false;
    bool message_id_added = false;
    std::size_t bcc_removed = 0;

    /// The section to go on with. `original` is what was given to edit_for_submission().
    std::string_view section(std::string_view original) const noexcept
    {
        return cleaned ? std::string_view{*cleaned} : original;
    }
};

/// `fields` are those of `section` (parse_fields).
submission_edit edit_for_submission(std::string_view section, std::vector<header_field> const& fields,
                                    edit_options const& options);

}  // namespace postern::mail
