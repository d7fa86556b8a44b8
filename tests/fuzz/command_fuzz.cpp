// Command lines and the arguments of MAIL, RCPT and BDAT: what is taken has no octet that
// could end a line, and says the same when it is written again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "mail/xtext.hpp"
#include "smtp/command_parser.hpp"

namespace {

using namespace postern;

bool clean(std::string_view text)
{
    for (char const c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
    }
    return true;
}

void check_complaint(smtp::complaint const& c)
{
    auto const reply = catalogue::to_reply(c.to_verdict(), "SESSION.1");
    require(reply.ends_with("\r\n") && is_ascii(reply));
}

void check_mail(std::string_view argument, unsigned context)
{
    mail::envelope e;
    smtp::mail_context const c{.extended = (context & 1) != 0,
                               .tls = (context & 2) != 0,
                               .authenticated = (context & 4) != 0,
                               .size_limit = (context & 8) != 0 ? 1000U : 0U,
                               .priorities = (context & 1) != 0,
                               .deliver_by = (context & 1) != 0,
                               .hold_most = std::chrono::seconds{(context & 4) != 0 ? 86'400 : 0},
                               .now = from_microseconds(1'795'330'000'000'000)};
    if (auto const bad = smtp::parse_mail(argument, c, e)) return check_complaint(bad);
    require(c.authenticated || e.auth.empty());
    require(c.tls || !e.require_tls);
    require(e.priority >= -9 && e.priority <= 9);
    require(!e.release_at || *e.release_at <= c.now + c.hold_most);
    require(e.by.mode != mail::by_mode::give_back || e.by.until > c.now);
    require(c.size_limit == 0 || e.declared_size <= c.size_limit);
    require(clean(e.envelope_id) && clean(e.auth) && clean(e.reverse_path.to_string()));

    std::string again = "FROM:<" + e.reverse_path.to_string() + ">";
    if (e.smtputf8) again += " SMTPUTF8";
    if (!e.envelope_id.empty()) {
        auto const xtext = mail::xtext_encode(e.envelope_id);
        if (xtext.size() <= 100) again += " ENVID=" + xtext;
    }
    mail::envelope second;
    require(!smtp::parse_mail(again, c, second));
    require(second.reverse_path.address == e.reverse_path.address && second.reverse_path.null == e.reverse_path.null);
    require(second.envelope_id.empty() || second.envelope_id == e.envelope_id);
}

void check_rcpt(std::string_view argument, bool smtputf8)
{
    mail::recipient r;
    if (auto const bad = smtp::parse_rcpt(argument, smtputf8, r)) return check_complaint(bad);
    require(!r.notify.never || !(r.notify.success || r.notify.failure || r.notify.delay));
    require(clean(r.forward_path.to_string()) && clean(r.original));
    auto again = "TO:<" + r.forward_path.to_string() + ">";
    if (!r.original.empty()) again += " ORCPT=" + r.original;
    mail::recipient second;
    require(!smtp::parse_rcpt(again, smtputf8, second));
    require(second.forward_path == r.forward_path && second.original == r.original);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    auto const context = data[0];
    std::string_view const line{reinterpret_cast<char const*>(data) + 1, size - 1};
    if (!clean(line)) return 0;  // the line reader's business
    auto const c = smtp::parse_command(line);
    require(!c.argument.starts_with(' ') && !c.argument.ends_with(' '));
    require(c.name.empty() == (c.verb == smtp::verb::unknown || c.verb == smtp::verb::http));
    require(starts_with_ignoring_case(line, c.name));
    if (c.verb == smtp::verb::mail) check_mail(c.argument, context);
    if (c.verb == smtp::verb::rcpt) check_rcpt(c.argument, (context & 1) != 0);
    if (c.verb == smtp::verb::bdat) {
        smtp::chunk chunk;
        if (smtp::parse_chunk(c.argument, chunk) == smtp::chunk_error::none) {
            smtp::chunk again;
            auto const text = std::to_string(chunk.size) + (chunk.last ? " LAST" : "");
            require(smtp::parse_chunk(text, again) == smtp::chunk_error::none);
            require(again.size == chunk.size && again.last == chunk.last);
        }
    }
    return 0;
}
