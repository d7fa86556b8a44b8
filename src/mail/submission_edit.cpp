#include "mail/submission_edit.hpp"

#include <algorithm>

#include "mail/tag_list.hpp"

namespace postern::mail {
namespace {

// Whether the tag h= of a signature (RFC 6376 section 3.5) lists the field. A field that is
// listed and missing is signed too: as missing (section 5.4.2).
bool covers(std::string_view signature, std::string_view name) noexcept
{
    while (!signature.empty()) {
        auto tag = take_until(signature, ';');
        if (take_until(tag, '=') != "h") continue;
        if (lists(tag, ':', name)) return true;
    }
    return false;
}

bool is_signed(std::vector<header_field> const& fields, std::string_view name)
{
    return std::any_of(fields.begin(), fields.end(), [&](auto const& f) {
        return (f.is("DKIM-Signature") || f.is("ARC-Message-Signature")) && covers(f.value, name);
    });
}

}  // namespace

submission_edit edit_for_submission(std::string_view section, std::vector<header_field> const& fields,
                                    edit_options const& options)
{
    submission_edit edit;
    bool from = false;
    bool date = false;
    bool message_id = false;
    bool bcc = false;
    bool resent_bcc = false;
    for (auto const& f : fields) {
        from = from || f.is("From");
        date = date || f.is("Date");
        message_id = message_id || f.is("Message-ID");
        bcc = bcc || f.is("Bcc");
        resent_bcc = resent_bcc || f.is("Resent-Bcc");
    }
    // Also where a signature covers it: one of a message without From holds for nobody
    // (RFC 6376 section 5.4).
    if (!from && !options.from.empty()) {
        edit.added += "From: <";
        edit.added += options.from;
        edit.added += ">\r\n";
        edit.from_added = true;
    }
    if (!date && !is_signed(fields, "Date")) {
        edit.added += "Date: ";
        edit.added += to_rfc5322(options.now);
        edit.added += "\r\n";
        edit.date_added = true;
    }
    if (!message_id && !is_signed(fields, "Message-ID")) {
        edit.added += "Message-ID: <";
        edit.added += options.unique_id;
        edit.added += '@';
        edit.added += options.hostname;
        edit.added += ">\r\n";
        edit.message_id_added = true;
    }
    if (!bcc && !resent_bcc) return edit;

    // Also where a signature covers it: a broken signature hurts less than blind recipients
    // that everybody sees.
    edit.cleaned.emplace();
    edit.cleaned->reserve(section.size());
    for (auto const& f : fields) {
        if (f.is("Bcc") || f.is("Resent-Bcc"))
            ++edit.bcc_removed;
        else
            *edit.cleaned += f.octets;
    }
    return edit;
}

}  // namespace postern::mail
