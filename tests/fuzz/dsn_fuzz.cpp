// Delivery reports: whatever a remote server, a client or a message said, the report is made
// of clean CRLF lines, and nothing gets out of its own field or part.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "mail/dsn.hpp"

namespace {

// What stands in front of the next 0xff, taken off the text.
std::string_view take(std::string_view& text)
{
    auto const end = text.find('\xff');
    auto const part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return part;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace postern::mail;
    std::string_view text(reinterpret_cast<char const*>(data), size);
    if (text.empty()) return 0;
    auto const flags = data[0];
    text.remove_prefix(1);
    dsn_request q;
    q.hostname = "mail.example.com";
    q.sender.address = {"alice", "example.com"};
    if ((flags & 32u) != 0) q.sender.address.local_part = "\xc3\xa4lice";
    q.queue_id = "Q0123456789AB";
    q.report_id = "QREPORT";
    q.ret = (flags & 1u) != 0 ? dsn_return::full : dsn_return::headers;
    q.smtputf8 = (flags & 2u) != 0;
    q.headers_only = (flags & 4u) != 0;
    dsn_recipient r;
    r.action = static_cast<dsn_action>((flags >> 3) % 4);
    r.address = {"bob", "example.net"};
    if (auto const m = parse_mailbox(take(text))) r.address = *m;
    r.original = take(text);
    r.remote_host = take(text);
    r.remote_reply = take(text);
    q.envelope_id = take(text);
    r.reason = take(text);
    q.recipients = {r, r};
    q.header = take(text);
    q.content = text;
    q.content_limit = 4096;

    auto const report = make_dsn(q);
    require(report.size() < 16 * size + 16384);
    std::size_t boundaries = 0;
    for (std::string_view rest = report; !rest.empty();) {
        auto const end = rest.find("\r\n");
        require(end != std::string_view::npos && end <= 998);
        auto const line = rest.substr(0, end);
        require(line.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos);
        if (line.starts_with("--report-QREPORT")) ++boundaries;
        rest.remove_prefix(end + 2);
    }
    require(boundaries >= 3);
    if (!dsn_needs_smtputf8(q) && q.ret != dsn_return::full) require(postern::is_ascii(report));
    return 0;
}
