#include "dovecot/server_session.hpp"

#include <algorithm>
#include <array>

#include "base/base64.hpp"
#include "base/numbers.hpp"
#include "base/text.hpp"

namespace postern::dovecot {

using catalogue::make_verdict;
namespace rules = catalogue::rules;

namespace {

constexpr std::uint32_t major_version = 1;
constexpr std::uint32_t minor_version = 2;
constexpr std::size_t longest_word = 255;

/// What the client has to know of a mechanism to decide where it may offer it. A token is as
/// good as a password for who overhears it.
constexpr std::string_view properties(std::string_view mechanism)
{
    if (mechanism == "CRAM-MD5") return "\tdictionary\tactive";
    if (mechanism.starts_with("SCRAM-") || mechanism.starts_with("GS")) return "\tmutual-auth";
    return "\tplaintext";
}

bool in_the_clear(std::string_view mechanism) { return properties(mechanism) == "\tplaintext"; }

void take_parameter(request_facts& f, parameter p)
{
    auto const text = [&] { return unescape(p.value.substr(0, longest_word)); };
    if (p.key == "service") {
        f.service = text();
    } else if (p.key == "session") {
        f.session = text();
    } else if (p.key == "rip") {
        f.remote = ip_address::parse(p.value);
    } else if (p.key == "rport") {
        f.remote_port = parse_number<std::uint16_t>(p.value).value_or(0);
    } else if (p.key == "secured") {
        f.secured = true;
        if (p.value == "tls" && f.tls.empty()) f.tls = "TLS";
    } else if (p.key == "ssl_protocol") {
        f.tls = text();
    } else if (p.key == "nologin") {
        f.no_login = true;
    }
}

}  // namespace

server_session::server_session(server_options o) : options_(std::move(o)) {}
server_session::~server_session() = default;

void server_session::on_connect()
{
    output_.append("VERSION\t1\t2\n");
    for (auto const& name : options_.mechanisms) output_.append("MECH\t").append(name).append(properties(name)) += '\n';
    output_.append("SPID\t").append(std::to_string(options_.process));
    output_.append("\nCUID\t").append(std::to_string(options_.connection));
    output_.append("\nCOOKIE\t").append(options_.cookie).append("\nDONE\n");
}

event server_session::on_input(std::string_view& in)
{
    bool endless = false;
    while (broken_.empty()) {
        auto const line = take_line(in, endless);
        if (endless) return breaks("an endless line");
        if (!line) break;
        auto e = take(*line);
        if (!std::holds_alternative<nothing>(e)) return e;
    }
    return nothing{};
}

event server_session::take(std::string_view line)
{
    if (!greeted()) return take_handshake(line);
    auto const verb = take_field(line);
    if (verb == "AUTH") return take_auth(line);
    if (verb == "CONT") return take_cont(line);
    if (verb == "CANCEL") return take_cancel(line);
    return breaks("an unknown command");
}

event server_session::take_handshake(std::string_view line)
{
    auto const verb = take_field(line);
    if (verb == "VERSION" && !minor_version_) {
        auto const major = parse_number<std::uint32_t>(take_field(line));
        minor_version_ = parse_number<std::uint32_t>(take_field(line));
        if (major != major_version || !minor_version_) return breaks("a protocol of another version");
        hangs_up_ = *minor_version_ < minor_version;
        return nothing{};
    }
    if (verb != "CPID" || !minor_version_) return breaks("no VERSION and CPID");
    client_process_ = parse_number<std::uint32_t>(take_field(line)).value_or(0);
    if (!greeted()) return breaks("a bad CPID");
    return nothing{};
}

event server_session::take_auth(std::string_view line)
{
    auto const id = parse_number<std::uint32_t>(take_field(line));
    auto const name = to_upper(take_field(line));
    if (!id || *id == 0 || name.empty()) return breaks("a broken AUTH");
    if (ticket_of(*id)) return breaks("a number that is in use");
    request r;
    r.id = *id;
    std::optional<std::string_view> initial;
    while (!line.empty()) {
        auto const p = parse_parameter(take_field(line));
        if (p.key != "resp") {
            take_parameter(r.facts, p);
            continue;
        }
        if (!line.empty()) return breaks("parameters behind resp");
        initial = p.value;
    }
    if (r.facts.service.empty()) return breaks("an AUTH without service");
    auto const ticket = ++last_ticket_;
    auto& stored = requests_.emplace(ticket, std::move(r)).first->second;
    if (requests_.size() > options_.most_requests) return decline(ticket, rules::auth_unavailable, "too many at once");
    if (!offers(name)) return decline(ticket, rules::auth_unknown_mechanism);
    stored.mechanism = name;
    auto const& f = stored.facts;
    bool const trusted = !options_.require_tls || (f.remote && contains(options_.plaintext_networks, *f.remote));
    if (!f.secured && !trusted && in_the_clear(name)) return decline(ticket, rules::auth_needs_tls);
    sasl::server_options o{.bindings = {}, .plus_offered = false, .host = options_.host, .external = {}};
    stored.exchange = sasl::make_server_mechanism(name, o);
    if (!stored.exchange) return decline(ticket, rules::auth_unknown_mechanism);
    // Before version 1.2 an empty one meant none; Exim writes it always.
    if (initial && initial->empty() && *minor_version_ < minor_version) initial.reset();
    if (!initial) return step(ticket, stored, stored.exchange->step(std::nullopt));
    if (sasl::is_server_first(name)) return decline(ticket, rules::auth_no_initial_response);
    if (initial->empty() || *initial == "=") return step(ticket, stored, stored.exchange->step(std::string_view{}));
    auto decoded = base64_decode(*initial);
    if (!decoded) return decline(ticket, rules::auth_bad_base64);
    auto const octets = secret::take(*decoded);
    return step(ticket, stored, stored.exchange->step(octets.reveal()));
}

event server_session::take_cont(std::string_view line)
{
    auto const id = parse_number<std::uint32_t>(take_field(line));
    if (!id || *id == 0) return breaks("a broken CONT");
    auto const ticket = ticket_of(*id);
    if (!ticket) {
        // It took too long, or was never begun; no guess at anything.
        output_.append("FAIL\t").append(std::to_string(*id)).append("\treason=There is no such log-in under way\n");
        return nothing{};
    }
    auto& r = requests_.at(*ticket);
    if (!r.awaits_line) {
        r.abandoned = true;
        output_.append("FAIL\t").append(std::to_string(*id)).append("\treason=Nobody asked for a response\n");
        return nothing{};
    }
    r.awaits_line = false;
    r.swept = false;
    auto decoded = base64_decode(line);
    if (!decoded) return decline(*ticket, rules::auth_bad_base64);
    auto const octets = secret::take(*decoded);
    return step(*ticket, r, r.exchange->step(octets.reveal()));
}

event server_session::take_cancel(std::string_view line)
{
    auto const id = parse_number<std::uint32_t>(take_field(line));
    if (!id) return breaks("a broken CANCEL");
    auto const ticket = ticket_of(*id);
    if (!ticket) return nothing{};
    auto& r = requests_.at(*ticket);
    r.abandoned = true;
    // What was refused already stays so: to give up now is how some clients end it.
    if (r.awaits_line && r.exchange->refused()) return decline(*ticket, rules::auth_failed);
    if (r.awaits_line) requests_.erase(*ticket);
    return nothing{};
}

event server_session::step(std::uint64_t ticket, request& r, sasl::outcome o)
{
    r.claimed = r.exchange->claimed();
    if (auto const* c = std::get_if<sasl::challenge>(&o)) {
        if (r.abandoned) return decline(ticket, rules::auth_cancelled);
        r.awaits_line = true;
        output_.append("CONT\t").append(std::to_string(r.id)) += '\t';
        output_.append(base64_encode(c->octets)) += '\n';
        return nothing{};
    }
    auto const* const bad = std::get_if<sasl::rejected>(&o);
    if (bad == nullptr) return question{ticket, std::move(o)};
    switch (bad->why) {
        case sasl::rejected::reason::malformed: return decline(ticket, rules::auth_malformed, bad->detail);
        case sasl::rejected::reason::cancelled: return decline(ticket, rules::auth_cancelled, bad->detail);
        case sasl::rejected::reason::unsure: return decline(ticket, rules::auth_unavailable, bad->detail);
        case sasl::rejected::reason::bad_credentials:
        case sasl::rejected::reason::channel_binding: break;
    }
    return decline(ticket, rules::auth_failed, bad->detail);
}

event server_session::on_scram(std::uint64_t ticket, sasl::scram_keys const& keys)
{
    auto const found = requests_.find(ticket);
    if (found == requests_.end()) return nothing{};
    return step(ticket, found->second, found->second.exchange->on_scram(keys));
}

event server_session::on_cram(std::uint64_t ticket, sasl::cram_keys const& keys)
{
    auto const found = requests_.find(ticket);
    if (found == requests_.end()) return nothing{};
    return step(ticket, found->second, found->second.exchange->on_cram(keys));
}

event server_session::on_token_refused(std::uint64_t ticket, std::string_view json)
{
    auto const found = requests_.find(ticket);
    if (found == requests_.end()) return nothing{};
    return step(ticket, found->second, found->second.exchange->on_token_refused(json));
}

event server_session::on_context(std::uint64_t ticket, sasl::context_answer const& answer)
{
    auto const found = requests_.find(ticket);
    if (found == requests_.end()) return nothing{};
    return step(ticket, found->second, found->second.exchange->on_context(answer));
}

event server_session::refuse(std::uint64_t ticket, catalogue::rule const& why, std::string_view detail)
{
    return requests_.contains(ticket) ? decline(ticket, why, detail) : event{nothing{}};
}

/// The number stays taken until fail() has been called: it is in use.
event server_session::decline(std::uint64_t ticket, catalogue::rule const& why, std::string_view detail)
{
    auto& r = requests_.at(ticket);
    r.awaits_line = false;
    r.swept = false;
    // The client hears the same.
    bool const ticket_failed = &why == &rules::auth_failed && equal_ignoring_case(r.mechanism, sasl::gssapi);
    return failure{ticket, ticket_failed ? &rules::auth_ticket_refused : &why, std::string{detail}};
}

void server_session::succeed(std::uint64_t ticket, std::string_view account)
{
    auto const found = requests_.find(ticket);
    if (found == requests_.end()) return;
    if (!found->second.abandoned)
        output_.append("OK\t").append(std::to_string(found->second.id)).append("\tuser=").append(escape(account)) +=
            '\n';
    requests_.erase(found);
}

void server_session::fail(std::uint64_t ticket, catalogue::verdict const& v, std::string_view id)
{
    auto const found = requests_.find(ticket);
    if (found == requests_.end()) return;
    auto const r = std::move(found->second);
    requests_.erase(found);
    if (r.abandoned) return;
    bool const not_now = v.what == catalogue::decision::defer;
    if (not_now && hangs_up_) {
        broken_ = "not now";
        return;
    }
    output_.append("FAIL\t").append(std::to_string(r.id));
    if (!r.claimed.empty()) output_.append("\tuser=").append(escape(r.claimed));
    if (not_now) output_.append("\ttemp\tcode=temp_fail");
    if (v.why == &rules::auth_account_disabled) output_.append("\tuser_disabled\tcode=user_disabled");
    if (v.why == &rules::auth_smtp_off) output_.append("\tauthz\tcode=authz_fail");
    if (v.why == &rules::auth_bad_base64) output_.append("\tcode=invalid_base64");
    // Dovecot would show its user a reason in place of the code for a wrong password, which mail
    // programs know (RFC 5530 section 3).
    if (hangs_up_ || !catalogue::is_failed_proof(*v.why)) {
        std::string reason = v.text;
        if (!id.empty()) reason.append(" (").append(id) += ')';
        output_.append("\treason=").append(escape(reason));
    }
    output_ += '\n';
}

server_session::request const* server_session::find(std::uint64_t ticket) const
{
    auto const found = requests_.find(ticket);
    return found == requests_.end() ? nullptr : &found->second;
}

void server_session::sweep()
{
    std::erase_if(requests_, [](auto const& entry) { return entry.second.swept; });
    for (auto& [ticket, r] : requests_) r.swept = r.awaits_line;
}

event server_session::breaks(char const* why)
{
    broken_ = why;
    return nothing{};
}

bool server_session::offers(std::string_view name) const
{
    return std::find(options_.mechanisms.begin(), options_.mechanisms.end(), name) != options_.mechanisms.end();
}

/// A client may use the number of what it gave up again.
std::optional<std::uint64_t> server_session::ticket_of(std::uint32_t id) const
{
    for (auto const& [ticket, r] : requests_)
        if (r.id == id && !r.abandoned) return ticket;
    return std::nullopt;
}

}  // namespace postern::dovecot
