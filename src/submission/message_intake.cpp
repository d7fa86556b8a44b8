#include "submission/message_intake.hpp"

#include <algorithm>
#include <cassert>

#include "base/text.hpp"
#include "mail/authentication.hpp"
#include "mail/submission_edit.hpp"

namespace postern::submission {

using catalogue::make_verdict;
namespace rules = catalogue::rules;

std::string size_in_words(std::uint64_t octets)
{
    static constexpr std::uint64_t kib = 1024;
    if (octets >= kib * kib) return std::to_string(octets / (kib * kib)) + " MiB";
    if (octets >= kib) return std::to_string(octets / kib) + " KiB";
    return std::to_string(octets) + " bytes";
}

message_intake::message_intake(intake_options options, std::unique_ptr<spool::content_writer> writer,
                               header_check check_header)
    : options_(std::move(options)),
      writer_(std::move(writer)),
      check_header_(std::move(check_header)),
      header_(options_.header_size)
{
}

void message_intake::add(std::string_view piece)
{
    received_ += piece.size();
    if (failure_) return;
    if (received_ > options_.message_size) {
        fail(make_verdict(rules::message_too_big, {{"limit", size_in_words(options_.message_size)}}));
        return;
    }
    if (!in_body_) {
        switch (header_.add(piece)) {
            case mail::header_collector::state::more: return;
            case mail::header_collector::state::too_long:
                fail(make_verdict(rules::header_too_long, {{"limit", size_in_words(options_.header_size)}}));
                return;
            case mail::header_collector::state::complete: on_header(); break;
        }
    }
    write_body(piece);
}

void message_intake::finish(bool adds_newline)
{
    if (failure_) return;
    if (!in_body_) {
        if (header_.finish() == mail::header_collector::state::too_long) {
            fail(make_verdict(rules::header_too_long, {{"limit", size_in_words(options_.header_size)}}));
            return;
        }
        on_header();
        return;
    }
    if (adds_newline) write_body("\r\n");
}

void message_intake::fail(catalogue::verdict why)
{
    failure_ = std::move(why);
    signing_.reset();
    writer_.reset();  // gives memory and disk back at once
}

void message_intake::write(std::string_view octets)
{
    if (failure_ || octets.empty()) return;
    if (auto const written = writer_->append(octets); !written) {
        bool const full = written.error().code == status{4, 3, 1};
        fail(make_verdict(full ? rules::disk_full : rules::spool_failure, {{"problem", written.error().logged}}));
    }
}

void message_intake::write_body(std::string_view octets)
{
    if (signing_) signing_->add_body(octets);
    write(octets);
}

// RFC 8601 section 5: what others wrote in our name is taken out, whoever they are.
std::optional<std::string> message_intake::without_forgeries(std::vector<mail::header_field> const& fields) const
{
    auto const forged = [this](mail::header_field const& f) {
        return f.is("Authentication-Results") && mail::claims_to_be_of(f.value, options_.trace.hostname);
    };
    if (std::none_of(fields.begin(), fields.end(), forged)) return std::nullopt;
    std::string out;
    for (auto const& f : fields)
        if (!forged(f)) out += f.octets;
    return out;
}

// Judges the header section, and writes it behind our own fields.
void message_intake::on_header()
{
    in_body_ = true;
    std::string_view section = header_.text();
    // Bodies may be binary (RFC 3030), header sections never: readers disagree on where their
    // lines end, and what one of them takes for a From field was checked by nobody.
    if (header_.malformed()) return fail(make_verdict(rules::bare_newline_in_message));
    auto fields = mail::parse_fields(section);
    if (!fields) return fail(make_verdict(rules::malformed_header, {{"problem", "it has too many fields"}}));
    auto const hops = mail::count_received(*fields);
    if (hops > options_.hops) return fail(make_verdict(rules::too_many_hops, {{"hops", std::to_string(hops)}}));
    if (options_.from_required && options_.from.empty() && mail::find_first(*fields, "From") == nullptr)
        return fail(make_verdict(rules::from_missing));
    if (check_header_) {
        auto verdict = check_header_(*fields);
        if (!verdict.accepted()) return fail(std::move(verdict));
    }
    if (auto const* const id = mail::find_first(*fields, "Message-ID")) message_id_ = printable(id->unfolded(), 200);

    auto const clean = without_forgeries(*fields);
    if (clean) {
        section = *clean;
        fields = mail::parse_fields(section);
    }
    auto const wishes = mail::find_all(*fields, "TLS-Required");
    tls_optional_ = wishes.size() == 1 && equal_ignoring_case(wishes.front().unfolded(), "No");

    std::string head;
    head.reserve(512 + section.size());
    mail::append_received_field(head, options_.trace);
    if (options_.is_submission) {
        auto const edit = mail::edit_for_submission(section, *fields,
                                                    {.hostname = options_.trace.hostname,
                                                     .now = options_.trace.now,
                                                     .unique_id = options_.trace.queue_id,
                                                     .from = options_.from});
        head += edit.added;
        head += edit.section(section);
        if (edit.message_id_added)
            message_id_ = '<' + std::string{options_.trace.queue_id} + '@' + std::string{options_.trace.hostname} + '>';
    } else {
        head += section;
    }
    if (options_.keys) begin_signing(head);
    head += "\r\n";
    write(head);
    write_body(header_.body_start());
    header_ = mail::header_collector{0};  // its memory is not needed any more
}

// What is signed is what goes out: with the fields that were added, and without Bcc.
void message_intake::begin_signing(std::string& head)
{
    // As many as there are: it was within the limit before ours came on top.
    auto const fields = mail::parse_fields(head, head.size());
    assert(fields);
    signing_ = signing::message_signing::begin(options_.keys, *fields, options_.trace.now);
    if (signing_) head.insert(0, signing_->placeholder());
}

}  // namespace postern::submission
