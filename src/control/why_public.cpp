// why public: what anybody may ask through the web pages of a refusal
#include "control/why_public.hpp"

#include <algorithm>
#include <array>

#include "base/ids.hpp"
#include "base/ip.hpp"
#include "base/text.hpp"
#include "catalogue/rules.hpp"
#include "console/logins.hpp"
#include "console/pace.hpp"
#include "control/history.hpp"
#include "directory/directory.hpp"

namespace postern::control {
namespace json = boost::json;
namespace rules = catalogue::rules;
namespace {

constexpr double lookups_at_once = 20;
constexpr double lookups_a_second = 4;
constexpr std::size_t lookups_of_one = 10;  // a minute

/// The rule of the refusal with this id; of a session's without a number, that of the last one.
catalogue::rule const* rule_of(context const& c, std::string const& id)
{
    bool const numbered = id.find('.') != std::string::npos;
    auto const session = id.substr(0, id.find('.'));
    catalogue::rule const* found = nullptr;
    for (auto const& event : read_history(c, {session}, most_lines_for_others, most_octets_for_others)) {
        if (console::text_in(event, "event") != "refused") continue;
        auto const which = to_upper(console::text_in(event, "session"));
        if (which == id || (!numbered && which.substr(0, which.find('.')) == session))
            found = catalogue::find(console::text_in(event, "rule"));
    }
    return found;
}

/// Whose questions count together.
std::string customer(std::string const& from)
{
    auto const client = ip_address::parse(from);
    return client ? customer_of(*client).to_string() : std::string{};
}

failure put_off(std::string text) { return {failure::kind::put_off, std::move(text), {}}; }

}  // namespace

bool is_harmless(catalogue::rule const& r) noexcept
{
    static std::array<catalogue::rule const*, 52> const harmless{
        // How the connection was made, and what was said on it.
        &rules::wants_tls_from_start, &rules::tls_on_plain_port, &rules::tls_handshake_failed, &rules::tls_required,
        &rules::auth_needs_tls, &rules::auth_required, &rules::relay_needs_login, &rules::auth_malformed,
        &rules::auth_bad_base64, &rules::auth_cancelled, &rules::auth_no_initial_response, &rules::auth_line_too_long,
        &rules::auth_already, &rules::auth_in_transaction, &rules::auth_ehlo_first, &rules::auth_pipelined,
        &rules::auth_not_offered, &rules::auth_unknown_mechanism, &rules::unknown_command,
        &rules::command_not_implemented, &rules::http_client, &rules::line_too_long, &rules::bare_newline_in_command,
        &rules::bad_octet_in_command, &rules::syntax_error, &rules::helo_argument, &rules::bad_sequence,
        &rules::no_parameters, &rules::bad_parameter, &rules::unknown_parameter, &rules::duplicate_parameter,
        &rules::starttls_already, &rules::starttls_not_offered, &rules::timeout, &rules::session_too_long,
        // The addresses as they were written, and the message itself.
        &rules::bad_sender_address, &rules::bad_recipient_address, &rules::address_not_qualified, &rules::source_route,
        &rules::address_too_long, &rules::address_not_utf8, &rules::message_too_big, &rules::bare_newline_in_message,
        &rules::nul_in_message, &rules::too_many_hops, &rules::header_too_long, &rules::malformed_header,
        &rules::too_many_errors,
        // The server's own state, which it tells everybody alike.
        &rules::disk_full, &rules::server_stopping, &rules::too_many_connections, &rules::spool_failure};
    return std::ranges::find(harmless, &r) != harmless.end();
}

bool pace::take(clock::time_point now)
{
    std::lock_guard const held{lock_};
    if (last_ != clock::time_point{})
        left_ = std::min(most_, left_ + a_second_ * std::chrono::duration<double>(now - last_).count());
    last_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
}

outcome why_public(context& c, arguments a)
{
    static pace lookups{lookups_at_once, lookups_a_second};
    // One who asks much leaves the others theirs.
    static console::pace of_each{lookups_of_one, std::chrono::minutes{1}};
    auto const id = to_upper(a.text("id", 64));
    if (auto wrong = a.problem()) return std::move(*wrong);
    json::object o;
    o["rule"] = "";
    // What can't be an id is answered as one that nobody knows.
    if (looks_like_id(id)) {
        if (!of_each.allows(customer(c.caller.from), steady_clock::now()))
            return put_off("you asked for many refusals in a short time; try again in a minute");
        if (!lookups.take()) return put_off("too many ask for refusals at the moment; try again in a minute");
        if (auto const* r = rule_of(c, id); r != nullptr && is_harmless(*r)) o["rule"] = r->name;
    }
    return json::value(std::move(o));
}

}  // namespace postern::control
