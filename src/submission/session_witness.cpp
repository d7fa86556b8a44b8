// What the server saw of a session that a check marked; nothing happens in any other session.
#include "base/hex.hpp"
#include "base/text.hpp"
#include "submission/session_driver.hpp"

namespace postern::submission {
namespace {

constexpr std::size_t longest_text = 200;

/// Once each, and not without end.
void keep(std::vector<std::string>& list, std::string_view text)
{
    if (text.empty() || list.size() >= witness::most_items) return;
    if (list.empty() || list.back() != text) list.push_back(printable(text, longest_text));
}

}  // namespace

witness::hello session_driver::hello_now() const
{
    witness::hello h;
    h.said = !session_->ehlo_argument().empty();
    if (!h.said) return h;
    h.extended = session_->extended();
    h.name = printable(session_->ehlo_argument(), longest_text);
    h.starttls = h.extended && listener_.session.starttls && !session_->tls();
    if (h.extended)
        for (auto const m : session_->offered_mechanisms()) keep(h.mechanisms, m);
    return h;
}

// After each step, so that the record is right whenever the session breaks off.
void session_driver::bear_witness(smtp::action const& next)
{
    auto const asked = witness::parse_mark(session_->mark());
    if (!asked) return;
    if (!seen_) {
        seen_ = std::make_unique<witness::sighting>();
        seen_->session = who_.id;
        seen_->began = wall_clock::now();
        seen_->listener = who_.listener;
        seen_->role = listener_.session.role == config::role::mx ? "mx" : "submission";
        seen_->greeted = listener_.session.hostname;
        // Whoever is in TLS without having asked for it began with it.
        seen_->implicit = session_->tls();
    }
    auto& s = *seen_;
    s.number = asked->session;
    s.client = who_.client;
    s.server = peer_->local().to_string();
    if (auto h = hello_now(); h.said) (session_->tls() ? s.secured : s.clear) = std::move(h);
    if (std::holds_alternative<smtp::start_tls>(next)) s.starttls_asked = true;
    if (session_->tls() && s.certificate.empty()) {
        auto const& tls = session_->tls_details();
        s.tls_version = tls.version;
        s.cipher = tls.cipher;
        s.server_name = printable(tls.server_name, longest_text);
        s.certificate = to_hex(peer_->bindings().certificate);
    }
    keep(s.tried, session_->mechanism());
    s.logged_in = !session_->login().empty();
    s.problem = printable(peer_->problem(), longest_text);
    s.over = std::holds_alternative<smtp::hang_up>(next);
    services_.checks_seen.note(asked->code, s, steady_clock::now());
}

void session_driver::witness_refusals(std::vector<smtp::server_session::refusal> const& refusals)
{
    if (!seen_) return;
    for (auto const& r : refusals) keep(seen_->verdicts, r.what.why->name);
}

smtp::action session_driver::show_record(smtp::show_record const& asked)
{
    auto seen = services_.checks_seen.read(asked.code, steady_clock::now());
    return session_->on_record(seen ? witness::lines_of(std::move(*seen)) : std::vector<std::string>{});
}

}  // namespace postern::submission
