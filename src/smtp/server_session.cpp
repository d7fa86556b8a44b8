#include "smtp/server_session.hpp"

#include <algorithm>
#include <cassert>

#include "base/text.hpp"
#include "smtp/session_state.hpp"

namespace postern::smtp {
namespace {

constexpr std::string_view crlf = "\r\n";
constexpr std::size_t much_output = 16 << 10;
constexpr std::uint32_t deferrals_per_error = 50;

}  // namespace

action server_session::state::wait_for_input()
{
    awaiting = smtp::awaiting::input;
    return need_input{};
}

action server_session::state::say(std::string_view reply)
{
    out.append(reply).append(crlf);
    return wait_for_input();
}

void server_session::state::say_refusal(catalogue::verdict v, std::string_view text)
{
    ++refusal_count;
    auto const id = facts.session_id + '.' + std::to_string(refusal_count);
    out += catalogue::to_reply(v, settings.pages.empty() ? id : id + ", see " + settings.pages + "/why/" + id);
    refusals.push_back({std::move(v), refusal_count, printable(text)});
}

action server_session::state::refuse(catalogue::verdict v, std::string_view text)
{
    bool const permanent = v.what == catalogue::decision::refuse;
    say_refusal(std::move(v), text);
    // What may be tried again later is an error too when it is tried without end.
    bool const enough = permanent ? ++errors == settings.errors
                                  : settings.errors != 0 && ++deferrals == deferrals_per_error * settings.errors;
    if (enough) return refuse_and_close(rules::too_many_errors, {});
    return wait_for_input();
}

action server_session::state::refuse_command(catalogue::rule const& why, command const& c, std::string_view text)
{
    return refuse(catalogue::make_verdict(why, {{"command", std::string{c.name}}}), text);
}

action server_session::state::refuse_and_close(catalogue::verdict v, std::string_view text)
{
    say_refusal(std::move(v), text);
    awaiting = smtp::awaiting::nothing;
    exchange.reset();
    return hang_up{};
}

void server_session::state::forget_transaction()
{
    // The list's memory is kept for the next message, but not that of a huge one.
    auto recipients = std::move(envelope.recipients);
    envelope = {};
    recipients.clear();
    if (recipients.capacity() <= 16) envelope.recipients = std::move(recipients);
    in_transaction = false;
    chunking = false;
    received = 0;
}

bool server_session::state::needs_tls_first() const
{
    return settings.role == config::role::submission && settings.starttls && !tls && !facts.auth_without_tls;
}

std::string server_session::state::shown_line(std::string_view text) const
{
    // After an exchange that failed, clients go on sending what they take for its next response.
    auto const word = text.substr(0, text.find(' '));
    bool const letters =
        std::all_of(word.begin(), word.end(), [](char c) { return lower(c) >= 'a' && lower(c) <= 'z'; });
    if (auth_seen || !letters || word.empty() || word.size() > 10) {
        return "(no command, " + std::to_string(text.size()) + " octets)";
    }
    return std::string{word};
}

action server_session::state::take_line(smtp::line const& l)
{
    using enum line::kind;
    if (l.what == too_long_auth || starts_with_ignoring_case(l.text, "AUTH")) auth_seen = true;
    switch (l.what) {
        case none: return wait_for_input();
        case command: break;
        // RFC 5321 section 2.3.8. Whatever made such a line means other line ends than we do,
        // so what follows may not be what it seems.
        case bare_lf: return refuse_and_close(rules::bare_newline_in_command, shown_line(l.text));
        case bare_cr: return refuse(rules::bare_newline_in_command, shown_line(l.text));
        case control: return refuse(rules::bad_octet_in_command, shown_line(l.text));
        case too_long: return refuse(rules::line_too_long, {});
        case too_long_auth: return end_auth(rules::auth_line_too_long);
        case flood: return refuse_and_close(rules::line_too_long, {});
        case tls_client_hello: return refuse_and_close(rules::tls_on_plain_port, {});
    }
    if (exchange) return auth_response(l.text);
    return perform(parse_command(l.text), l.text);
}

action server_session::state::perform(smtp::command const& c, std::string_view text)
{
    switch (c.verb) {
        case verb::helo: return take_helo(c, text);
        case verb::ehlo: return take_ehlo(c, text);
        case verb::auth: return take_auth(c);
        case verb::starttls: return take_starttls(c, text);
        case verb::bdat: return take_bdat(c, text);
        case verb::noop: return take_noop(c);
        case verb::http: return refuse_and_close(rules::http_client, {});
        case verb::unknown:
            return refuse(equal_ignoring_case(text.substr(0, text.find(' ')), "HELLO") ? rules::ehlo_misspelt
                                                                                       : rules::unknown_command,
                          shown_line(text));
        default: break;
    }
    bool const always = c.verb == verb::quit || c.verb == verb::rset;
    if ((always || c.verb == verb::data) && !c.argument.empty()) return refuse_command(rules::no_parameters, c, text);
    if (always) return take_small(c, text);
    // RFC 3207 section 4: until TLS is up, only what leads there.
    if (needs_tls_first()) return refuse(rules::tls_required, text);
    if (c.verb == verb::mail) return take_mail(c, text);
    if (c.verb == verb::rcpt) return take_rcpt(c, text);
    if (c.verb == verb::data) return take_data(c, text);
    return take_small(c, text);
}

server_session::server_session(server_settings const& s, connection_facts c)
    : state_(std::make_unique<state>(s, std::move(c)))
{
}
server_session::~server_session() = default;
server_session::server_session(server_session&&) noexcept = default;

action server_session::on_connect(tls_facts const* tls)
{
    if (tls != nullptr) state_->tls = *tls;
    return state_->greet();
}

void server_session::set_time(wall_time now) noexcept { state_->now = now; }

action server_session::on_input(std::string_view& in)
{
    auto& s = *state_;
    if (s.awaiting == smtp::awaiting::nothing) return hang_up{};
    assert(s.awaiting == smtp::awaiting::input);
    for (;;) {
        auto const line = s.lines.take(in, s.exchange != nullptr);
        if (line.what == line::kind::none) return need_input{};
        s.more_input = !in.empty();
        auto next = s.take_line(line);
        if (!std::holds_alternative<need_input>(next)) return next;
        // Answers that nobody reads must not pile up: the driver writes these first.
        if (s.out.size() > much_output) return need_input{};
    }
}

action server_session::on_tls(tls_facts const& tls)
{
    assert(state_->awaiting == smtp::awaiting::tls);
    state_->forget_all();
    state_->tls = tls;
    return state_->wait_for_input();
}

action server_session::on_login(login_result r, std::string_view account, std::string_view told)
{
    return state_->on_login(r, account, told);
}

action server_session::on_scram(sasl::scram_keys const& keys)
{
    assert(state_->awaiting == smtp::awaiting::scram);
    return state_->step(state_->exchange->on_scram(keys));
}

action server_session::on_login_put_off(catalogue::verdict const& v) { return state_->put_off_auth(v); }

action server_session::on_cram(sasl::cram_keys const& keys)
{
    assert(state_->awaiting == smtp::awaiting::scram);
    return state_->step(state_->exchange->on_cram(keys));
}

action server_session::on_context(sasl::context_answer const& answer)
{
    assert(state_->awaiting == smtp::awaiting::scram);
    return state_->step(state_->exchange->on_context(answer));
}

action server_session::on_scram_unavailable()
{
    assert(state_->awaiting == smtp::awaiting::scram);
    return state_->end_auth(rules::auth_unavailable);
}

action server_session::on_sender(catalogue::verdict const& v) { return state_->on_sender(v); }
action server_session::on_recipient(catalogue::verdict const& v) { return state_->on_recipient(v); }
action server_session::on_content_ready(catalogue::verdict const& v) { return state_->on_content_ready(v); }
action server_session::on_content(catalogue::verdict const& v) { return state_->on_content(v); }
action server_session::on_discarded() { return state_->on_discarded(); }
action server_session::on_finished(catalogue::verdict const& v, std::string_view queue_id)
{
    return state_->on_finished(v, queue_id);
}

action server_session::on_record(std::vector<std::string> const& lines) { return state_->on_record(lines); }

action server_session::on_timeout(catalogue::rule const& why) { return state_->refuse_and_close(why, {}); }
action server_session::on_shutdown() { return state_->refuse_and_close(rules::server_stopping, {}); }

std::string& server_session::output() noexcept { return state_->out; }
std::vector<server_session::refusal> server_session::take_refusals() { return std::exchange(state_->refusals, {}); }

mail::envelope const& server_session::transaction() const noexcept { return state_->envelope; }
std::string const& server_session::login() const noexcept { return state_->login; }
std::string_view server_session::mechanism() const noexcept { return state_->mechanism; }
std::string_view server_session::claimed_identity() const noexcept { return state_->claimed; }
std::string const& server_session::ehlo_argument() const noexcept { return state_->ehlo_argument; }
std::string const& server_session::mark() const noexcept { return state_->mark; }
std::vector<std::string_view> const& server_session::offered_mechanisms() const noexcept { return state_->offered; }
bool server_session::extended() const noexcept { return state_->extended; }
bool server_session::tls() const noexcept { return state_->tls.has_value(); }
bool server_session::in_exchange() const noexcept { return state_->exchange != nullptr; }

tls_facts const& server_session::tls_details() const noexcept
{
    static tls_facts const none;
    return state_->tls ? *state_->tls : none;
}

std::string_view server_session::protocol() const noexcept
{
    auto const& s = *state_;
    if (!s.extended) return "SMTP";
    unsigned const which = (s.tls ? 1U : 0U) | (s.login.empty() ? 0U : 2U) | (s.envelope.smtputf8 ? 4U : 0U);
    constexpr std::string_view names[] = {"ESMTP",    "ESMTPS",    "ESMTPA",    "ESMTPSA",
                                          "UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"};
    return names[which];
}

}  // namespace postern::smtp
