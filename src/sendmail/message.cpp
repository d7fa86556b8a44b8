#include "sendmail/message.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"
#include "mail/address_list.hpp"
#include "mail/header_section.hpp"

namespace postern::sendmail {
namespace {

constexpr std::size_t header_limit = 256u << 10;
constexpr std::size_t most_recipients = 10'000;

error malformed(std::string text) { return {{5, 6, 0}, "the message is malformed", std::move(text)}; }

constexpr std::array<std::string_view, 4> to_fields{"To", "Cc", "Bcc", "Apparently-To"};
constexpr std::array<std::string_view, 3> resent_fields{"Resent-To", "Resent-Cc", "Resent-Bcc"};
constexpr std::array<std::string_view, 2> blind_fields{"Bcc", "Resent-Bcc"};
constexpr std::array<std::string_view, 12> address_fields{"From",      "Sender",    "Reply-To",    "To",
                                                          "Cc",        "Bcc",       "Resent-From", "Resent-Sender",
                                                          "Resent-To", "Resent-Cc", "Resent-Bcc",  "Apparently-To"};

template <std::size_t N>
bool is_one_of(mail::header_field const& f, std::array<std::string_view, N> const& names)
{
    return std::any_of(names.begin(), names.end(), [&](auto name) { return f.is(name); });
}

/// A phrase (RFC 5322 section 3.2.5): in quotes, unless it is plain words.
std::string phrase(std::string_view name)
{
    constexpr std::string_view specials = "()<>[]:;@\\,.\"";
    if (name.find_first_of(specials) == std::string_view::npos) return std::string{name};
    std::string out = "\"";
    for (char const c : name) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

std::string from_field(request const& r)
{
    auto const name = printable(r.full_name, 200);
    // A name that is not ASCII would need encoding; the address says enough.
    if (name.empty() || !is_ascii(name)) return "From: " + r.from + "\r\n";
    return "From: " + phrase(name) + " <" + r.from + ">\r\n";
}

result<> add_recipients(prepared& out, mail::header_field const& f, std::string const& value)
{
    mail::list_error why{};
    auto const found = mail::parse_address_list(value, most_recipients, why);
    if (!found) {
        if (why == mail::list_error::empty) return done{};
        return malformed("the field " + std::string{f.name} + " can't be read: " + printable(f.unfolded(), 200) +
                         (why == mail::list_error::too_many ? " (it names too many addresses)" : ""));
    }
    for (auto const& one : *found)
        if (std::find(out.recipients.begin(), out.recipients.end(), one) == out.recipients.end())
            out.recipients.push_back(one);
    return done{};
}

}  // namespace

void line_gatherer::add(std::string_view piece)
{
    for (char const c : piece) {
        if (ended_ || too_long_) return;
        if (c == '\n') {
            // CR LF ended its line at the CR.
            if (!cr_) end_line();
            cr_ = false;
            continue;
        }
        if (c == '\r') {
            end_line();
            cr_ = true;
            continue;
        }
        cr_ = false;
        text_ += c;
        too_long_ = text_.size() > limit_;
    }
}

void line_gatherer::end_line()
{
    auto const line = std::string_view{text_}.substr(line_);
    if (dot_ends_ && line == ".") {
        text_.resize(line_);
        ended_ = true;
        return;
    }
    if (std::exchange(first_, false) && line.starts_with("From ")) {
        text_.clear();
        return;
    }
    text_ += "\r\n";
    line_ = text_.size();
}

void line_gatherer::finish()
{
    if (!ended_ && text_.size() != line_) end_line();
}

std::string qualify(std::string_view value, std::string_view origin)
{
    // One element of the list at a time: where its only word ends, and whether it has a domain.
    std::string out;
    std::size_t words = 0, word_end = 0;
    bool has_domain = false, in_angle = false;
    auto const end_element = [&] {
        if (words == 1 && !has_domain) out.insert(word_end, "@" + std::string{origin});
        words = 0;
        has_domain = false;
    };
    for (std::size_t at = 0; at < value.size();) {
        char const c = value[at];
        if (c == '(' || c == '"') {
            // A comment or a quoted string, whole.
            std::size_t depth = 0, end = at;
            for (; end < value.size(); ++end) {
                if (value[end] == '\\') {
                    ++end;
                    continue;
                }
                if (c == '"') {
                    if (end != at && value[end] == '"') break;
                } else if (value[end] == '(') {
                    ++depth;
                } else if (value[end] == ')' && --depth == 0) {
                    break;
                }
            }
            if (end >= value.size()) return std::string{value};
            out += value.substr(at, end + 1 - at);
            if (c == '"') {
                ++words;
                word_end = out.size();
            }
            at = end + 1;
            continue;
        }
        if (c == '<') {
            // The words before were a display name.
            words = 0;
            in_angle = true;
        } else if (c == '>') {
            if (!in_angle) return std::string{value};
            end_element();
            in_angle = false;
            has_domain = true;
        } else if (c == ',' || c == ';') {
            end_element();
        } else if (c == ':') {
            // The words before were a group's name.
            words = 0;
        } else if (c == '@') {
            has_domain = true;
        } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            auto const end = std::min(value.size(), value.find_first_of(" \t\r\n()<>,;:@\"", at));
            out += value.substr(at, end - at);
            ++words;
            word_end = out.size();
            at = end;
            continue;
        }
        out += c;
        ++at;
    }
    if (in_angle) return std::string{value};
    end_element();
    return out;
}

result<prepared> prepare(std::string text, request const& r)
{
    mail::header_collector header{header_limit};
    std::string_view rest = text;
    auto state = header.add(rest);
    if (state == mail::header_collector::state::more) state = header.finish();
    if (state == mail::header_collector::state::too_long)
        return malformed("the header is longer than " + std::to_string(header_limit >> 10) + " KiB");
    auto const fields = mail::parse_fields(header.text());
    if (!fields) return malformed("the header has too many fields");

    prepared out;
    bool const resent =
        std::any_of(fields->begin(), fields->end(), [](auto const& f) { return is_one_of(f, resent_fields); });
    bool const has_from = mail::find_first(*fields, "From") != nullptr;
    out.content.reserve(text.size() + 256);
    auto const& more = r.complete;
    out.own_message_id = more && (more->new_message_id || mail::find_first(*fields, "Message-ID") == nullptr);
    if (more && mail::find_first(*fields, "Date") == nullptr) out.content += "Date: " + to_rfc5322(more->now) + "\r\n";
    if (!has_from && !r.from.empty()) out.content += from_field(r);
    if (out.own_message_id) out.content += "Message-ID: <" + more->unique_id + "@" + r.origin + ">\r\n";
    for (auto const& f : *fields) {
        if (out.own_message_id && f.is("Message-ID")) continue;
        if (!is_one_of(f, address_fields)) {
            out.content += f.octets;
            continue;
        }
        auto const value = qualify(f.value, r.origin);
        // RFC 5322 section 3.6.3: who got a blind copy is nobody else's affair.
        if (!more || !is_one_of(f, blind_fields)) out.content.append(f.name).append(":").append(value).append("\r\n");
        bool const counts = resent ? is_one_of(f, resent_fields) : is_one_of(f, to_fields);
        if (!r.to_header || !counts) continue;
        if (auto added = add_recipients(out, f, mail::header_field{f.name, value, {}}.unfolded()); !added)
            return std::move(added).error();
    }
    out.utf8_header = !is_ascii(out.content);
    out.content += "\r\n";
    out.content += header.body_start();
    out.content += rest;
    out.eight_bit = !is_ascii(out.content);
    return out;
}

result<mail::mailbox> parse_address(std::string_view text, std::string const& origin)
{
    auto given = text;
    if (given.size() > 2 && given.front() == '<' && given.back() == '>') given = given.substr(1, given.size() - 2);
    std::string whole{given};
    bool const bare = whole.find('@') == std::string::npos;
    if (bare) whole += '@' + origin;
    auto parsed = mail::parse_mailbox(whole);
    if (!parsed && bare && !mail::parse_mailbox("a@" + origin))
        return error{{5, 1, 3},
                     "wrong address",
                     printable(text, 200) + " has no domain, and \"" + printable(origin, 100) +
                         "\" is none: set sendmail.domain or hostname, or give the whole address"};
    if (!parsed) return error{{5, 1, 3}, "wrong address", printable(text, 200) + " is not a mail address"};
    return std::move(*parsed);
}

}  // namespace postern::sendmail
