// MAIL and RCPT: the path, then the parameters of SIZE (RFC 1870), 8BITMIME (RFC 6152),
// BINARYMIME (RFC 3030), SMTPUTF8 (RFC 6531), DSN (RFC 3461), AUTH (RFC 4954),
// REQUIRETLS (RFC 8689) and those of timing_parameters.hpp.
#include <algorithm>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "mail/xtext.hpp"
#include "smtp/command_parser.hpp"
#include "smtp/parameters.hpp"
#include "smtp/timing_parameters.hpp"

namespace postern::smtp {
namespace {

namespace rules = catalogue::rules;

complaint bad_parameter(char const* keyword) { return {&rules::bad_parameter, "parameter", keyword}; }
complaint syntax_error(char const* name) { return {&rules::syntax_error, "command", name}; }

/// The path behind "FROM:" or "TO:". RFC 5321 wants no blank behind the colon; many clients send one.
bool take_prefix(std::string_view& argument, std::string_view prefix)
{
    if (!starts_with_ignoring_case(argument, prefix)) return false;
    argument.remove_prefix(prefix.size());
    argument.remove_prefix(std::min(argument.find_first_not_of(' '), argument.size()));
    return !argument.empty();
}

complaint path_complaint(mail::path_error why, bool sender, std::string_view written)
{
    using enum mail::path_error;
    if (!written.starts_with('<') || (why == syntax && written.find('>') == std::string_view::npos))
        return {&rules::address_needs_brackets, "form", sender ? "MAIL FROM:" : "RCPT TO:"};
    switch (why) {
        case none:
        case syntax: break;
        case too_long: return {&rules::address_too_long, nullptr, {}};
        case bad_domain:
            return {sender ? &rules::sender_domain_invalid : &rules::recipient_domain_invalid, nullptr, {}};
        case not_utf8: return {&rules::address_not_utf8, nullptr, {}};
        case source_route: return {&rules::source_route, nullptr, {}};
        case not_qualified: {
            auto const begin = written.find('<') + 1;
            return {&rules::address_not_qualified, "address",
                    std::string{written.substr(begin, written.find('>') - begin)}};
        }
    }
    return {sender ? &rules::bad_sender_address : &rules::bad_recipient_address, nullptr, {}};
}

/// Marks a parameter as seen; the second time is an error.
class seen_once {
public:
    bool again(unsigned which)
    {
        bool const before = (seen_ >> which & 1U) != 0;
        seen_ |= 1U << which;
        return before;
    }

private:
    unsigned seen_ = 0;
};

enum class mail_keyword : std::uint8_t {
    size,
    body,
    smtputf8,
    ret,
    envid,
    auth,
    requiretls,
    priority,
    by,
    hold_for,
    hold_until
};
struct named_keyword {
    char const* name;
    mail_keyword keyword;
};
constexpr named_keyword mail_keywords[] = {
    {"SIZE", mail_keyword::size},
    {"BODY", mail_keyword::body},
    {"SMTPUTF8", mail_keyword::smtputf8},
    {"RET", mail_keyword::ret},
    {"ENVID", mail_keyword::envid},
    {"AUTH", mail_keyword::auth},
    {"REQUIRETLS", mail_keyword::requiretls},
    {"MT-PRIORITY", mail_keyword::priority},
    {"BY", mail_keyword::by},
    {"HOLDFOR", mail_keyword::hold_for},
    {"HOLDUNTIL", mail_keyword::hold_until},
};

complaint take_size(std::string_view value, std::uint64_t limit, mail::envelope& to)
{
    // RFC 1870 section 4: up to 20 digits; more than 64 bits hold is only too big.
    bool const digits = std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits || value.size() > 20) return bad_parameter("SIZE");
    auto const size = parse_number<std::uint64_t>(value);
    if (limit != 0 && (!size || *size > limit)) return {&rules::message_too_big, "limit", size_for_people(limit)};
    if (!size) return bad_parameter("SIZE");
    to.declared_size = *size;
    return {};
}

complaint take_body(std::string_view value, bool extended, mail::envelope& to)
{
    if (equal_ignoring_case(value, "7BIT")) {
        to.body = mail::body_type::seven_bit;
    } else if (equal_ignoring_case(value, "8BITMIME")) {
        to.body = mail::body_type::eight_bit_mime;
    } else if (equal_ignoring_case(value, "BINARYMIME")) {
        if (!extended) return {&rules::binary_needs_smtp, nullptr, {}};
        to.body = mail::body_type::binary_mime;
    } else {
        return bad_parameter("BODY");
    }
    return {};
}

complaint take_envid(std::string_view value, mail::envelope& to)
{
    auto decoded = value.size() <= 100 ? mail::xtext_decode(value) : std::nullopt;  // RFC 3461 section 4.4
    if (!decoded || decoded->empty()) return bad_parameter("ENVID");
    to.envelope_id = std::move(*decoded);
    return {};
}

/// RFC 4954 section 5: always parsed, believed from authenticated clients only.
complaint take_auth(std::string_view value, bool trusted, mail::envelope& to)
{
    if (value == "<>") return {};
    auto decoded = mail::xtext_decode(value);
    if (!decoded || !mail::parse_mailbox(*decoded)) return bad_parameter("AUTH");
    if (trusted) to.auth = std::move(*decoded);
    return {};
}

/// RFC 4865 section 5: one of the two parameters, and not further ahead than EHLO says.
complaint take_release(char const* keyword, std::optional<wall_time> at, mail_context const& context,
                       mail::envelope& to)
{
    if (!at || to.release_at) return bad_parameter(keyword);
    if (*at > context.now + context.hold_most)
        return {&rules::release_too_late, "limit", std::to_string(context.hold_most.count())};
    to.release_at = *at;
    return {};
}

/// Whether EHLO announced what it belongs to.
bool is_offered(mail_keyword keyword, mail_context const& context)
{
    switch (keyword) {
        case mail_keyword::priority: return context.priorities;
        case mail_keyword::by: return context.deliver_by;
        case mail_keyword::hold_for:
        case mail_keyword::hold_until: return context.hold_most.count() != 0;
        default: return true;
    }
}

complaint take_mail_parameter(parameter const& p, mail_keyword keyword, mail_context const& context, mail::envelope& to)
{
    using enum mail_keyword;
    auto const value = p.value.value_or(std::string_view{});
    bool const alone = keyword == smtputf8 || keyword == requiretls;
    if (alone == p.value.has_value()) return bad_parameter(mail_keywords[static_cast<std::size_t>(keyword)].name);
    switch (keyword) {
        case size: return take_size(value, context.size_limit, to);
        case body: return take_body(value, context.extended, to);
        case smtputf8: to.smtputf8 = true; return {};
        case ret:
            if (equal_ignoring_case(value, "FULL")) {
                to.ret = mail::dsn_return::full;
            } else if (equal_ignoring_case(value, "HDRS")) {
                to.ret = mail::dsn_return::headers;
            } else {
                return bad_parameter("RET");
            }
            return {};
        case envid: return take_envid(value, to);
        case auth: return take_auth(value, context.authenticated, to);
        case requiretls:
            if (!context.tls) return {&rules::requiretls_without_tls, nullptr, {}};
            to.require_tls = true;
            return {};
        case priority: {
            auto const n = parse_priority(value);
            if (!n) return bad_parameter("MT-PRIORITY");
            to.priority = *n;
            return {};
        }
        case by: {
            auto const wanted = parse_by(value, context.now);
            if (!wanted) return bad_parameter("BY");
            to.by = *wanted;
            return {};
        }
        case hold_for: return take_release("HOLDFOR", parse_hold_for(value, context.now), context, to);
        case hold_until: return take_release("HOLDUNTIL", parse_hold_until(value), context, to);
    }
    return {};
}

complaint unknown_parameter(std::string_view keyword)
{
    return {&rules::unknown_parameter, "parameter", std::string{keyword}};
}

complaint take_notify(std::string_view value, mail::dsn_notify& to)
{
    to.specified = true;
    if (equal_ignoring_case(value, "NEVER")) {
        to.never = true;
        return {};
    }
    for (;;) {  // NEVER stands alone, RFC 3461 section 4.1
        auto const comma = std::min(value.find(','), value.size());
        auto const word = value.substr(0, comma);
        if (equal_ignoring_case(word, "SUCCESS")) {
            to.success = true;
        } else if (equal_ignoring_case(word, "FAILURE")) {
            to.failure = true;
        } else if (equal_ignoring_case(word, "DELAY")) {
            to.delay = true;
        } else {
            return bad_parameter("NOTIFY");
        }
        if (comma == value.size()) return {};
        value.remove_prefix(comma + 1);
    }
}

}  // namespace

complaint parse_mail(std::string_view argument, mail_context const& context, mail::envelope& to)
{
    if (!take_prefix(argument, "FROM:")) return syntax_error("MAIL");
    auto const written = argument;
    auto why = mail::path_error::none;
    auto path = mail::parse_path(argument, true, false, why);
    if (!path) return path_complaint(why, true, written);
    to.reverse_path = std::move(*path);

    seen_once seen;
    parameter_reader parameters{argument};
    while (auto const p = parameters.next()) {
        auto const* const known = std::find_if(std::begin(mail_keywords), std::end(mail_keywords),
                                               [&](auto const& k) { return equal_ignoring_case(p->keyword, k.name); });
        if (known == std::end(mail_keywords) || !is_offered(known->keyword, context))
            return unknown_parameter(p->keyword);
        if (seen.again(static_cast<unsigned>(known->keyword))) {
            return {&rules::duplicate_parameter, "parameter", known->name};
        }
        if (auto bad = take_mail_parameter(*p, known->keyword, context, to)) return bad;
    }
    if (parameters.malformed()) return syntax_error("MAIL");
    if (to.reverse_path.utf8 && !to.smtputf8) return {&rules::needs_smtputf8, nullptr, {}};
    return {};
}

complaint parse_rcpt(std::string_view argument, bool smtputf8, mail::recipient& to)
{
    if (!take_prefix(argument, "TO:")) return syntax_error("RCPT");
    auto const written = argument;
    auto why = mail::path_error::none;
    auto path = mail::parse_path(argument, false, true, why);
    if (!path) return path_complaint(why, false, written);
    if (path->utf8 && !smtputf8) return {&rules::needs_smtputf8, nullptr, {}};
    to.forward_path = std::move(path->address);

    seen_once seen;
    parameter_reader parameters{argument};
    while (auto const p = parameters.next()) {
        bool const notify = equal_ignoring_case(p->keyword, "NOTIFY");
        if (!notify && !equal_ignoring_case(p->keyword, "ORCPT")) return unknown_parameter(p->keyword);
        char const* const name = notify ? "NOTIFY" : "ORCPT";
        if (seen.again(notify ? 0 : 1)) return {&rules::duplicate_parameter, "parameter", name};
        if (!p->value) return bad_parameter(name);
        if (notify) {
            if (auto bad = take_notify(*p->value, to.notify)) return bad;
        } else {
            if (!mail::parse_original_recipient(*p->value, smtputf8)) return bad_parameter(name);
            to.original = *p->value;
        }
    }
    if (parameters.malformed()) return syntax_error("RCPT");
    return {};
}

}  // namespace postern::smtp
