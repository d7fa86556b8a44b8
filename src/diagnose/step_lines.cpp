#include "diagnose/step_lines.hpp"

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "diagnose/judgement.hpp"

namespace postern::diagnose {
namespace {

milliseconds in_milliseconds(steady_clock::duration d) { return std::chrono::duration_cast<milliseconds>(d); }

std::string joined(std::vector<std::string> const& parts, std::string_view between)
{
    std::string all;
    for (auto const& p : parts) (all += all.empty() ? "" : between) += p;
    return all;
}

std::string of_settings(settings_seen const& s)
{
    if (s.found.empty()) return "nothing found";
    auto const& best = s.found.front();
    return best.host + " port " + std::to_string(best.port) + ", " + std::string{name_of(best.way)} + ", from " +
           best.source;
}

std::string of_names(observations const& o)
{
    auto const& n = o.names;
    if (n.v4.empty() && n.v6.empty()) return n.problem;
    std::vector<std::string> all;
    for (auto const& a : n.v4) all.push_back(a.to_string());
    for (auto const& a : n.v6) all.push_back(a.to_string());
    if (all.size() > 6) all.resize(6);
    std::string text = o.person.host + " is " + joined(all, ", ");
    if (!n.canonical.empty()) text += ", an alias of " + n.canonical;
    return text;
}

std::string of_doors(observations const& o)
{
    std::map<std::uint16_t, bool> ports;
    for (auto const& d : o.doors) ports[d.at.port];
    std::vector<std::string> parts;
    for (auto const& [port, _] : ports) {
        auto const v4 = state_of_port(o.doors, port, true), v6 = state_of_port(o.doors, port, false);
        std::string text = std::to_string(port) + " ";
        if (v4 && v6 && *v4 != *v6)
            text += std::string{name_of(*v4)} + " (IPv4), " + std::string{name_of(*v6)} + " (IPv6)";
        else
            text += name_of(v4 ? *v4 : v6.value_or(door_state::failed));
        parts.push_back(text);
    }
    return "port " + joined(parts, "; ");
}

milliseconds time_of_doors(observations const& o)
{
    milliseconds most{};
    for (auto const& d : o.doors)
        if (d.state == door_state::open) most = std::max(most, d.took);
    return most;
}

std::string of_tls(observations const& o, talk_seen const& t)
{
    if (!t.encrypted()) return t.handshake ? t.handshake->to_string() : "not encrypted";
    std::string text = t.tls->version + ", " + t.tls->cipher + ", by " + std::string{name_of(t.way)};
    if (!t.certificates.chain.empty()) {
        auto const& leaf = t.certificates.chain.front();
        text += "; certificate for " + (leaf.names.empty() ? leaf.common_name : leaf.names.front());
        auto const days = std::chrono::duration_cast<std::chrono::hours>(leaf.not_after - o.now).count() / 24;
        text += t.trusted() ? ", valid for " + std::to_string(days) + " days" : ", not trusted";
        if (!t.certificates.trusted)
            text += " (" + t.certificates.untrusted_because + ")";
        else if (!t.certificates.name_fits)
            text += " (for another name)";
    }
    std::vector<std::string> versions;
    for (auto const& h : o.handshakes)
        if (h.worked && !h.version.empty()) versions.push_back(h.version);
    std::sort(versions.begin(), versions.end());
    if (!versions.empty()) text += "; it takes TLS " + joined(versions, ", ");
    return text;
}

std::string of_hello(talk_seen const& t)
{
    auto const& r = t.hello_within ? t.hello_within : t.hello_before;
    if (!r->ok()) return r->to_string();
    auto const& a = t.announced();
    std::string text = a.known.mechanisms.empty() ? "no log-ins" : "log-ins by " + joined(a.known.mechanisms, " ");
    if (a.known.size_limit != 0) text += "; mails up to " + std::to_string(a.known.size_limit / 1'000'000) + " MB";
    return text;
}

std::string of_login(observations const& o)
{
    if (o.logins.empty()) {
        switch (o.not_tried) {
            case withheld::no_credentials: return "not tried: no password given";
            case withheld::in_clear: return "not tried: the connection is not encrypted";
            case withheld::bad_certificate: return "not tried: the certificate is not to be trusted";
            case withheld::no_mechanism: return "not tried: no way to log in that both sides know";
            default: return "not reached";
        }
    }
    auto const& l = o.logins[o.logged_in.value_or(0)];
    auto const& last = l.result.last;
    return l.user + " by " + l.mechanism + ": " + (last.how == client::ending::reply ? said(last) : last.problem);
}

std::string of_headers(headers_seen const& h)
{
    std::vector<std::string> parts;
    if (!h.spf.empty()) parts.push_back("SPF " + h.spf);
    if (!h.dkim.empty()) parts.push_back("DKIM " + h.dkim);
    if (!h.dmarc.empty()) parts.push_back("DMARC " + h.dmarc);
    parts.push_back(std::to_string(h.hops.size()) + " hops");
    if (h.total_seconds) parts.push_back(std::to_string(*h.total_seconds) + " s");
    return joined(parts, ", ");
}

/// The conversation that the person would have: the chosen one, or the one that came farthest.
talk_seen const* telling(observations const& o)
{
    if (o.chosen) return o.talk();
    talk_seen const* best = nullptr;
    auto const rank = [](talk_seen const& t) { return (t.greeting.ok() ? 2 : 0) + (t.handshake ? 1 : 0); };
    for (auto const& t : o.talks) {
        if (!is_own(o.person, t.at.port)) continue;
        if (best == nullptr || rank(t) > rank(*best)) best = &t;
    }
    return best;
}

class lines {
public:
    void add(step what, std::string evidence, steady_clock::duration took = {})
    {
        auto& s = all_[static_cast<std::size_t>(what)];
        s.how = outcome::ok;
        s.evidence = printable(evidence, 600);
        s.took = in_milliseconds(took);
    }
    /// Evidence of a step that was not taken.
    void skip(step what, std::string why) { all_[static_cast<std::size_t>(what)].evidence = std::move(why); }
    std::vector<step_judged> take()
    {
        for (auto const s : all_steps) all_[static_cast<std::size_t>(s)].what = s;
        return {all_.begin(), all_.end()};
    }

private:
    std::array<step_judged, all_steps.size()> all_{};
};

void add_envelopes(lines& out, observations const& o)
{
    auto const& m = o.mine;
    if (m.mail) out.add(step::mail, "MAIL FROM:<" + m.from + ">: " + m.mail->to_string(), m.mail->took);
    std::vector<std::string> parts;
    steady_clock::duration took{};
    if (m.rcpt) {
        parts.push_back("RCPT TO:<" + m.to + ">: " + m.rcpt->to_string());
        took = m.rcpt->took;
    }
    if (m.rcpt_outside) parts.push_back("to <" + m.outside + ">: " + m.rcpt_outside->to_string());
    if (o.stranger.mail)
        parts.push_back("without a login: " +
                        (o.stranger.rcpt_outside ? *o.stranger.rcpt_outside : *o.stranger.mail).to_string());
    if (m.rcpt || (o.stranger.rcpt_outside && o.stranger.rcpt_outside->ok()))
        out.add(step::rcpt, joined(parts, "; "), took);
    else
        out.skip(step::rcpt, joined(parts, "; "));
    if (m.data) out.add(step::data, m.data->to_string(), m.data->took);
}

}  // namespace

std::vector<step_judged> lines_of(observations const& o)
{
    lines out;
    out.skip(step::address, o.person.address.empty() ? "none was given" : "");
    if (!o.settings.looked && !o.person.host.empty()) out.add(step::settings, "given: " + o.person.host);
    if (o.sent && o.person.mailbox == mailbox_kind::none)
        out.skip(step::arrival, "not looked for: give --maildir, --imap or --pop3");
    else if (!o.sent && !o.mine.data && o.mine.rcpt && o.mine.rcpt->ok())
        out.skip(step::data, "no test mail was sent: give --send");
    if (o.address.looked) out.add(step::address, o.person.address);
    if (o.settings.looked) out.add(step::settings, of_settings(o.settings), o.settings.took);
    if (o.names.looked) out.add(step::dns, of_names(o), o.names.took);
    if (!o.doors.empty()) out.add(step::connect, of_doors(o), time_of_doors(o));
    if (auto const* const t = telling(o)) {
        bool const said_something = t->greeting.how != client::ending::not_possible;
        if (said_something) out.add(step::greeting, t->silent ? "silence" : t->greeting.to_string(), t->greeting.took);
        if (t->handshake || t->hello_before || t->encrypted())
            out.add(step::tls, of_tls(o, *t), t->handshake ? t->handshake->took : steady_clock::duration{});
        if (t->hello_within || t->hello_before)
            out.add(step::ehlo, of_hello(*t), (t->hello_within ? t->hello_within : t->hello_before)->took);
    }
    if (!o.logins.empty())
        out.add(step::auth, of_login(o), o.logins[o.logged_in.value_or(0)].result.last.took);
    else if (o.chosen)
        out.skip(step::auth, of_login(o));
    add_envelopes(out, o);
    if (o.arrival.looked) {
        auto const& a = o.arrival;
        out.add(step::arrival,
                a.found             ? "in " + a.folder
                : a.bounced         ? "came back"
                : a.problem.empty() ? "not found"
                                    : a.problem,
                a.took);
    }
    if (o.headers.looked) out.add(step::headers, of_headers(o.headers));
    return out.take();
}

}  // namespace postern::diagnose
