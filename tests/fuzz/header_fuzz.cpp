// The header section: any cut of the content gives the same; edits change nothing but
// what they should. The first octet says how the content is cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.hpp"
#include "mail/header_section.hpp"
#include "mail/submission_edit.hpp"

namespace {

using namespace postern::mail;

struct outcome {
    header_collector::state state = header_collector::state::more;
    bool blank_line = false, malformed = false;
    std::string text, body;
    friend bool operator==(outcome const&, outcome const&) = default;
};

outcome collect(std::string_view content, std::size_t step, std::size_t limit)
{
    header_collector c(limit);
    outcome o;
    while (!content.empty()) {
        auto piece = content.substr(0, step);
        content.remove_prefix(piece.size());
        if (o.state == header_collector::state::more) {
            o.state = c.add(piece);
            if (o.state == header_collector::state::complete) o.body = c.body_start();
        }
        if (o.state == header_collector::state::complete) o.body += piece;
    }
    if (o.state == header_collector::state::more) {
        o.state = c.finish();
        o.body = c.body_start();
    }
    o.blank_line = c.ended_by_blank_line();
    o.malformed = c.malformed();
    if (o.state == header_collector::state::complete)
        o.text = c.text();
    else
        o.malformed = false;
    return o;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    std::string_view const content(reinterpret_cast<char const*>(data) + 1, size - 1);
    std::size_t const step = data[0] % 16u + 1;
    std::size_t const limit = data[0] < 128 ? 4096 : 64;
    auto const whole = collect(content, std::max<std::size_t>(content.size(), 1), limit);
    require(collect(content, step, limit) == whole);
    if (whole.state != header_collector::state::complete) return 0;

    require(whole.text.size() <= limit + 2);
    require(whole.text.empty() || whole.text.ends_with("\r\n"));
    // Nothing is lost: what was taken and what is left make the content again.
    auto again = whole.text + (whole.blank_line ? "\r\n" : "") + whole.body;
    require(again == content || again == std::string(content) + "\r\n" || again == std::string(content) + "\n");

    auto const fields = parse_fields(whole.text, 100);
    if (!fields) return 0;
    std::string all;
    for (auto const& f : *fields) {
        all += f.octets;
        require(!f.name.empty());
        (void)f.unfolded();
    }
    require(all == whole.text);
    require(count_received(*fields) == find_all(*fields, "Received").size());

    edit_options const options{"mail.example.com", {}, "QTEST", "a@example.com"};
    auto const edit = edit_for_submission(whole.text, *fields, options);
    auto const section = edit.section(whole.text);
    require(edit.cleaned.has_value() == (edit.bcc_removed != 0));
    auto const edited = parse_fields(section, 100);
    require(edited && edited->size() + edit.bcc_removed == fields->size());
    // Done once, there is nothing left to do.
    auto const both = edit.added + std::string(section);
    auto const second = parse_fields(both, 200);
    require(second.has_value());
    auto const twice = edit_for_submission(both, *second, options);
    require(twice.added.empty() && !twice.cleaned);
    return 0;
}
