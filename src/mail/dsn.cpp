#include "mail/dsn.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "mail/dsn_text.hpp"
#include "mail/header_section.hpp"
#include "mail/transfer_encoding.hpp"
#include "mail/xtext.hpp"

namespace postern::mail {
namespace {

constexpr std::size_t line_limit = 998;
constexpr std::string_view blank = "\r\n";

struct wording {
    dsn_action action;
    std::string_view name;     // RFC 3464 section 2.3.3
    std::string_view subject;  // of a report that has nothing graver
    std::string_view intro;
};

// Gravest first.
constexpr std::array wordings{
    wording{dsn_action::failed, "failed", "Your mail could not be delivered",
            "Your message could not be delivered to the following addresses, and no further attempt will be made."},
    wording{dsn_action::delayed, "delayed", "Your mail is delayed",
            "Your message could not be delivered to the following addresses yet. The attempts go on by themselves; "
            "you do not have to send it again."},
    wording{dsn_action::delivered, "delivered", "Your mail was delivered",
            "Your message was delivered to the following addresses, as you asked to be told."},
    wording{dsn_action::relayed, "relayed", "Your mail was passed on",
            "Your message was passed on for the following addresses to a server that sends no reports of success. "
            "You will get no further report of it."},
};

status code_of(dsn_recipient const& r) noexcept
{
    if (!r.code.empty()) return r.code;
    switch (r.action) {
        case dsn_action::failed: return {5, 0, 0};
        case dsn_action::delayed: return {4, 0, 0};
        default: return {2, 0, 0};
    }
}

wording const& wording_of(dsn_action a) noexcept
{
    return *std::find_if(wordings.begin(), wordings.end(), [&](auto const& w) { return w.action == a; });
}

// Who has to act, by the subject of the status code (RFC 3463 section 3).
std::string_view usual_remedy(dsn_recipient const& r) noexcept
{
    if (r.action == dsn_action::delayed) return "Nothing. Should it fail in the end, you will be told.";
    if (r.action != dsn_action::failed) return {};
    switch (code_of(r).subject) {
        case 1:
            return "Check the address for spelling mistakes, and ask the recipient in another way for the right one.";
        case 2:
            return "The recipient's mailbox does not take it. Only the recipient or their mail provider can change "
                   "that.";
        case 3:
        case 4:
            return "The fault is at the recipient's mail system or on the way to it. Try again later; if it goes on, "
                   "the "
                   "recipient's mail provider has to act.";
        case 5:
            return "The two mail systems do not understand each other. Forward this report to your mail administrator.";
        case 6: return "The recipient's mail system does not take content of this kind. Send it in another form.";
        case 7:
            return "The recipient's mail system refuses the message by its own rules. Forward this report to your mail "
                   "administrator, who can ask theirs.";
        default: return "Forward this report to your mail administrator.";
    }
}

std::string human_text(dsn_request const& q)
{
    std::string out;
    append_wrapped(out, "", "This is the mail server " + q.hostname + ".");
    for (auto const& w : wordings) {
        bool introduced = false;
        for (auto const& r : q.recipients) {
            if (r.action != w.action) continue;
            if (!introduced) {
                out += blank;
                append_wrapped(out, "", w.intro);
                introduced = true;
            }
            out += blank;
            out += "  <" + r.address.to_string() + ">\r\n";
            if (!r.reason.empty()) append_wrapped(out, "    ", "What happened: " + clean_remote_text(r.reason));
            if (!r.remote_reply.empty()) {
                std::string const who =
                    r.remote_host.empty() ? "The other server" : "The server " + clean_remote_text(r.remote_host);
                append_wrapped(out, "    ", who + " said: " + clean_remote_text(r.remote_reply));
            }
            if (r.will_retry_until && r.action == dsn_action::delayed)
                append_wrapped(out, "    ", "It will be tried until " + to_rfc5322(*r.will_retry_until) + ".");
            std::string const remedy = r.remedy.empty() ? std::string(usual_remedy(r)) : clean_remote_text(r.remedy);
            if (!remedy.empty()) append_wrapped(out, "    ", "What you can do: " + remedy);
        }
    }
    out += blank;
    append_wrapped(out, "",
                   "The message was accepted on " + to_rfc5322(q.arrived) + " as " + q.queue_id +
                       ". Technical details and the head of your message follow.");
    return out;
}

// "rfc822; a@b" or, where it takes UTF-8, "utf-8; ..." (RFC 6533 section 3).
std::string typed_address(std::string_view address, bool global)
{
    if (is_ascii(address)) return "rfc822; " + std::string(address);
    return "utf-8; " + (global ? std::string(address) : utf8_addr_xtext_encode(address));
}

std::string original_recipient_value(std::string const& orcpt, bool global)
{
    auto const o = parse_original_recipient(orcpt, true);
    if (!o) return {};
    if (o->type == "utf-8") return o->type + "; " + (global ? o->address : utf8_addr_xtext_encode(o->address));
    return o->type + "; " + o->address;
}

// A field whose value must not change, not even in its blanks; nothing when it can't be on one line.
void append_exact_field(std::string& out, std::string_view name, std::string_view value)
{
    bool const plain =
        std::none_of(value.begin(), value.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
    if (value.empty() || !plain || name.size() + value.size() > line_limit - 4) return;
    out += name;
    out += ": ";
    out += value;
    out += blank;
}

void append_status(std::string& out, dsn_request const& q, bool global)
{
    append_field(out, "Reporting-MTA", "dns; " + q.hostname);
    if (is_ascii(q.envelope_id)) append_exact_field(out, "Original-Envelope-Id", q.envelope_id);
    append_field(out, "Arrival-Date", to_rfc5322(q.arrived));
    append_field(out, "X-Postern-Queue-ID", q.queue_id);
    for (auto const& r : q.recipients) {
        out += blank;
        append_exact_field(out, "Original-Recipient", original_recipient_value(r.original, global));
        append_exact_field(out, "Final-Recipient", typed_address(r.address.to_string(), global));
        append_field(out, "Action", wording_of(r.action).name);
        append_field(out, "Status", to_string(code_of(r)));
        if (!r.remote_host.empty())
            append_field(out, "Remote-MTA", "dns; " + to_ascii_text(clean_remote_text(r.remote_host)));
        if (!r.remote_reply.empty()) {
            auto const said = clean_remote_text(r.remote_reply);
            append_field(out, "Diagnostic-Code", "smtp; " + (global ? said : to_ascii_text(said)));
        }
        if (r.last_attempt) append_field(out, "Last-Attempt-Date", to_rfc5322(*r.last_attempt));
        if (r.will_retry_until && r.action == dsn_action::delayed)
            append_field(out, "Will-Retry-Until", to_rfc5322(*r.will_retry_until));
    }
}

// What may go back as it is: CRLF lines of a length that every server takes, no NUL. A
// message of BINARYMIME (RFC 3030) may be otherwise.
bool is_clean_line(std::string_view line) noexcept
{
    if (line.size() > line_limit) return false;
    auto const has = [&](char c) { return line.find(c) != std::string_view::npos; };
    return !has('\r') && !has('\n') && !has('\0');
}

// The first line, taken off the text without its CRLF.
std::string_view take_line(std::string_view& text) noexcept
{
    auto const end = text.find(blank);
    auto const line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + blank.size());
    return line;
}

bool is_clean(std::string_view text) noexcept
{
    while (!text.empty())
        if (!is_clean_line(take_line(text))) return false;
    return true;
}

// The header section up to the limit; lines that can't be sent are left out.
std::string returned_header(dsn_request const& q)
{
    std::string out;
    for (auto rest = q.header; !rest.empty();) {
        auto const line = take_line(rest);
        if (line.empty() || out.size() + line.size() > q.content_limit) break;
        if (!is_clean_line(line)) continue;
        out += line;
        out += blank;
    }
    return out;
}

bool returns_content(dsn_request const& q)
{
    // RET is for failures only (RFC 3461 section 4.3).
    bool const failed = std::any_of(q.recipients.begin(), q.recipients.end(),
                                    [](auto const& r) { return r.action == dsn_action::failed; });
    return q.ret == dsn_return::full && failed && !q.headers_only && q.content &&
           q.content->size() <= q.content_limit && is_clean(*q.content);
}

// The Message-ID of the message in question, so that programs show the report beside it.
std::string message_id_of(std::string_view header)
{
    auto const fields = parse_fields(header);
    auto const* const f = fields ? find_first(*fields, "Message-ID") : nullptr;
    if (f == nullptr) return {};
    auto id = f->unfolded();
    bool const fine = id.size() > 2 && id.size() < 250 && id.front() == '<' && id.back() == '>' &&
                      std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7f; }) &&
                      std::count(id.begin(), id.end(), '<') == 1 && std::count(id.begin(), id.end(), '>') == 1;
    return fine ? id : std::string{};
}

dsn_action gravest(dsn_request const& q) noexcept
{
    for (auto const& w : wordings)
        for (auto const& r : q.recipients)
            if (r.action == w.action) return w.action;
    return dsn_action::failed;
}

void begin_part(std::string& out, std::string const& boundary, std::string_view type, std::string_view encoding)
{
    out += "\r\n--" + boundary + "\r\nContent-Type: ";
    out += type;
    if (!encoding.empty()) {
        out += "\r\nContent-Transfer-Encoding: ";
        out += encoding;
    }
    out += "\r\n\r\n";
}

// A text part; quoted-printable as soon as it is not ASCII, so that the report stays 7-bit.
void append_text_part(std::string& out, std::string const& boundary, std::string_view type, std::string_view text)
{
    bool const ascii = is_ascii(text);
    begin_part(out, boundary, type, ascii ? "7bit" : "quoted-printable");
    if (ascii)
        out += text;
    else
        append_quoted_printable(out, text);
}

}  // namespace

bool dsn_needs_smtputf8(dsn_request const& request) noexcept { return request.sender.address.needs_smtputf8(); }

std::string make_dsn(dsn_request const& q)
{
    bool const global = dsn_needs_smtputf8(q);
    bool const full = returns_content(q);
    std::string const header = full ? std::string{} : returned_header(q);
    std::string const boundary = "report-" + q.report_id;
    bool const eight_bit = global || (full && !is_ascii(*q.content));

    std::string out;
    out.reserve(4096 + 512 * q.recipients.size() + (full ? q.content->size() : header.size()));
    append_field(out, "From", "Mail Delivery System <MAILER-DAEMON@" + q.hostname + ">");
    if (!q.sender.null) append_field(out, "To", "<" + q.sender.to_string() + ">");
    append_field(out, "Subject", wording_of(gravest(q)).subject);
    append_field(out, "Date", to_rfc5322(q.now));
    append_field(out, "Message-ID", "<" + q.report_id + "@" + q.hostname + ">");
    if (auto const id = message_id_of(q.header); !id.empty()) {
        append_field(out, "In-Reply-To", id);
        append_field(out, "References", id);
    }
    out += "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n";
    out += "Content-Type: multipart/report; report-type=";
    out += global ? "global-delivery-status" : "delivery-status";
    out += ";\r\n\tboundary=\"" + boundary + "\"\r\n";
    if (eight_bit) out += "Content-Transfer-Encoding: 8bit\r\n";
    out += "\r\nThis is a report in MIME format (RFC 3464).\r\n";

    auto const text = human_text(q);
    append_text_part(out, boundary, is_ascii(text) ? "text/plain; charset=us-ascii" : "text/plain; charset=utf-8",
                     text);

    begin_part(out, boundary, global ? "message/global-delivery-status" : "message/delivery-status",
               global ? "8bit" : "7bit");
    append_status(out, q, global);

    if (full) {
        bool const ascii = is_ascii(*q.content);
        begin_part(out, boundary, q.smtputf8 ? "message/global" : "message/rfc822", ascii ? "7bit" : "8bit");
        out += *q.content;
        if (!out.ends_with(blank)) out += blank;
    } else if (!header.empty()) {
        append_text_part(out, boundary, q.smtputf8 ? "message/global-headers" : "text/rfc822-headers", header);
    }
    out += "\r\n--" + boundary + "--\r\n";
    return out;
}

}  // namespace postern::mail
