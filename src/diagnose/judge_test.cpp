#include "diagnose/judge.hpp"

#include <cerrno>
#include <functional>

#include <doctest/doctest.h>

#include "catalogue/rules.hpp"
#include "diagnose/report.hpp"

using namespace postern;
using namespace postern::diagnose;
using client::ending;
namespace rules = catalogue::rules;

namespace {

constexpr std::string_view host = "smtp.example.com";
using port_number = std::uint16_t;
constexpr port_number mail_ports[] = {25, 465, 587}, all_ports[] = {25, 465, 587, 2525};
ip_address const v4 = *ip_address::parse("192.0.2.25"), v6 = *ip_address::parse("2001:db8::25");

step_result said_so(int code, std::string text, status enhanced = {})
{
    step_result r;
    r.how = ending::reply;
    r.said.code = code;
    r.said.text = std::move(text);
    r.said.status = enhanced;
    return r;
}

step_result ended(ending how, std::string problem = "no answer within the time")
{
    step_result r;
    r.how = how;
    r.problem = std::move(problem);
    return r;
}

step_result garbage(client::service who, std::string first)
{
    step_result r = ended(ending::malformed, "what came is no reply of SMTP");
    r.service = who;
    r.first = std::move(first);
    return r;
}

client::announcement announcing(std::vector<std::string> mechanisms, bool starttls)
{
    client::announcement a;
    a.extended = true;
    a.lines = {"SIZE 50000000"};
    a.known.mechanisms = std::move(mechanisms);
    a.known.starttls = starttls;
    a.auth_proper = !a.known.mechanisms.empty();
    return a;
}

net::shown_certificate good_certificate()
{
    net::shown_certificate c;
    c.subject = "CN=smtp.example.com";
    c.issuer = "CN=Example CA";
    c.names = {std::string{host}};
    c.common_name = host;
    c.not_before = wall_time{std::chrono::hours{24 * 20'000}};
    c.not_after = c.not_before + std::chrono::hours{24 * 90};
    c.key_type = "EC";
    c.key_bits = 256;
    c.signature = "ecdsa-with-SHA256";
    c.sha256 = "ab12";
    return c;
}

void encrypt(talk_seen& t)
{
    t.handshake = ended(ending::done, "");
    t.tls = net::tls_state{};
    t.tls->version = "TLSv1.3";
    t.certificates.chain = {good_certificate()};
    t.certificates.trusted = t.certificates.name_fits = true;
    t.certificates.asked_for = host;
    t.hello_within = said_so(250, "smtp.example.com");
    t.announced_within = announcing({"PLAIN", "LOGIN"}, false);
}

talk_seen implicit(std::uint16_t port = 465)
{
    talk_seen t;
    t.at = {v4, port};
    t.way = tls_way::implicit;
    t.greeting = said_so(220, "smtp.example.com ESMTP");
    encrypt(t);
    return t;
}

talk_seen starttls(std::uint16_t port = 587)
{
    talk_seen t;
    t.at = {v4, port};
    t.way = tls_way::starttls;
    t.greeting = said_so(220, "smtp.example.com ESMTP");
    t.hello_before = said_so(250, "smtp.example.com");
    t.announced_before = announcing({}, true);
    encrypt(t);
    return t;
}

login_seen login(std::string mechanism, client::login_result::what how, step_result last)
{
    login_seen l;
    l.user = "anna@example.com";
    l.mechanism = std::move(mechanism);
    l.result.how = how;
    l.result.last = std::move(last);
    return l;
}

/// Everything works, at 465.
observations healthy()
{
    observations o;
    o.person.who = o.person.host = host;
    o.person.user = "anna@example.com";
    o.person.has_password = true;
    o.now = wall_time{std::chrono::hours{24 * 20'010}};
    o.names.looked = true;
    o.names.v4 = {v4};
    for (auto const port : mail_ports) o.doors.push_back({{v4, port}, door_state::open, 0, {}});
    o.doors.push_back({{v4, 2525}, door_state::refused, ECONNREFUSED, {}});
    o.talks = {implicit(), starttls()};
    o.chosen = 0;
    o.not_tried = withheld::nothing;
    o.logins = {login("PLAIN", client::login_result::what::accepted, said_so(235, "ok"))};
    o.logged_in = 0;
    o.mine.from = o.mine.to = "anna@example.com";
    o.mine.mail = o.mine.rcpt = said_so(250, "ok");
    return o;
}

/// The person's port is 587, and the way to encrypt STARTTLS.
observations asked_for_587()
{
    auto o = healthy();
    o.person.port = 587;
    o.chosen = 1;
    return o;
}

void state(observations& o, std::uint16_t port, door_state s)
{
    for (auto& d : o.doors)
        if (d.at.port == port) d.state = s;
    std::erase_if(o.talks, [&](auto const& t) { return t.at.port == port; });
    o.chosen = o.talks.empty() ? std::nullopt : std::optional<std::size_t>{0};
}

void stop_before_login(observations& o)
{
    o.logins.clear();
    o.logged_in = std::nullopt;
    o.mine = {};
    o.not_tried = withheld::not_reached;
}

/// Only the conversation at the person's port, which failed.
void only(observations& o, talk_seen t)
{
    o.person.port = t.at.port;
    o.talks = {std::move(t)};
    o.chosen = std::nullopt;
    stop_before_login(o);
}

talk_seen greeted_with(step_result r, std::uint16_t port = 587)
{
    talk_seen t;
    t.at = {v4, port};
    t.way = tls_way::starttls;
    t.greeting = std::move(r);
    return t;
}

void bad_certificate(observations& o, std::function<void(net::tls_observations&)> const& spoil)
{
    for (auto& t : o.talks) {
        t.certificates.trusted = false;
        spoil(t.certificates);
    }
    stop_before_login(o);
    o.not_tried = withheld::bad_certificate;
}

void refuse_login(observations& o, step_result r, std::string mechanism = "PLAIN")
{
    o.logins = {login(std::move(mechanism), client::login_result::what::refused, std::move(r))};
    o.logged_in = std::nullopt;
    o.mine = {};
}

struct row {
    char const* what;
    catalogue::rule const& expected;
    outcome how;
    std::function<void(observations&)> change;
    observations (*base)() = healthy;
};

row const table[] = {
    {"a server that somebody on the way may have named", rules::settings_forgeable, outcome::warning,
     [](observations& o) {
         stop_before_login(o);
         o.settings.looked = true;
         o.settings.vouched = false;
         o.not_tried = withheld::unproven_server;
     }},
    // Names.
    {"the server's name is not there", rules::server_name_unknown, outcome::failure,
     [](observations& o) {
         o = observations{};
         o.person.host = host;
         o.names.looked = true;
         o.names.what = dns::finding::no_such_name;
         o.names.neighbours = {{"mail.example.com", true}};
     }},
    {"no name can be looked up", rules::dns_silent, outcome::failure,
     [](observations& o) {
         o = observations{};
         o.person.host = host;
         o.names.looked = true;
         o.names.what = dns::finding::temporary;
         o.names.timed_out = o.names.others_time_out = true;
     }},
    {"the name servers of this name are broken", rules::server_lookup_failed, outcome::failure,
     [](observations& o) {
         o = observations{};
         o.person.host = host;
         o.names.looked = true;
         o.names.what = dns::finding::temporary;
     }},
    {"a filter leads to nowhere", rules::server_address_private, outcome::failure,
     [](observations& o) {
         o.names.v4 = {ip_address{}};
         for (auto const port : all_ports) state(o, port, door_state::refused);
         stop_before_login(o);
     }},
    // Ports.
    {"nobody listens anywhere", rules::connection_refused, outcome::failure,
     [](observations& o) {
         for (auto const port : mail_ports) state(o, port, door_state::refused);
         stop_before_login(o);
     }},
    {"the machine does not answer", rules::server_unreachable, outcome::failure,
     [](observations& o) {
         for (auto const port : all_ports) state(o, port, door_state::filtered);
         stop_before_login(o);
     }},
    {"mail ports are dropped, the web is not", rules::mail_ports_blocked, outcome::failure,
     [](observations& o) {
         for (auto const port : all_ports) state(o, port, door_state::filtered);
         o.web_asked = o.web_open = true;
         stop_before_login(o);
     }},
    {"a firewall rejects", rules::firewall_rejects, outcome::failure,
     [](observations& o) {
         for (auto const port : all_ports) state(o, port, door_state::prohibited);
         stop_before_login(o);
     }},
    {"one port is refused, the others are dropped", rules::mail_ports_blocked, outcome::failure,
     [](observations& o) {
         for (auto const port : all_ports) state(o, port, door_state::filtered);
         state(o, 25, door_state::refused);
         stop_before_login(o);
     }},
    {"no machine has the address", rules::server_unreachable, outcome::failure,
     [](observations& o) {
         for (auto const port : all_ports) state(o, port, door_state::absent);
         stop_before_login(o);
     }},
    {"IPv6 is forbidden, IPv4 is dropped", rules::server_unreachable, outcome::failure,
     [](observations& o) {
         for (auto const port : all_ports) state(o, port, door_state::filtered);
         for (auto const port : mail_ports) o.doors.push_back({{v6, port}, door_state::prohibited, 0, {}});
         stop_before_login(o);
     }},
    {"IPv6 is forbidden, IPv4 refuses", rules::connection_refused, outcome::failure,
     [](observations& o) {
         for (auto const port : all_ports) state(o, port, door_state::refused);
         for (auto const port : mail_ports) o.doors.push_back({{v6, port}, door_state::prohibited, 0, {}});
         stop_before_login(o);
     }},
    {"the name is of another service, but nothing at all answers", rules::server_unreachable, outcome::failure,
     [](observations& o) {
         o.person.host = "imap.example.com";
         for (auto const port : all_ports) state(o, port, door_state::filtered);
         stop_before_login(o);
     }},
    {"25 is dropped here, and open at other servers", rules::port_closed, outcome::failure,
     [](observations& o) {
         o.person.port = 25;
         state(o, 25, door_state::filtered);
         o.exchangers = {{{v4, 25}, door_state::open, 0, {}}};
     }},
    {"25 is dropped everywhere", rules::port_25_blocked, outcome::failure,
     [](observations& o) {
         o.person.port = 25;
         state(o, 25, door_state::filtered);
         o.exchangers = {{{v4, 25}, door_state::filtered, 0, {}}};
     }},
    {"587 is dropped, 465 is open", rules::port_587_blocked, outcome::failure,
     [](observations& o) { state(o, 587, door_state::filtered); }, asked_for_587},
    {"25 is dropped, and was asked for", rules::port_25_blocked, outcome::failure,
     [](observations& o) {
         o.person.port = 25;
         state(o, 25, door_state::filtered);
     }},
    {"25 is dropped on a cloud's machine", rules::cloud_blocks_port_25, outcome::failure,
     [](observations& o) {
         o.person.port = 25;
         o.cloud = "Example Cloud";
         state(o, 25, door_state::filtered);
     }},
    {"nothing listens at the port that was asked for", rules::port_closed, outcome::failure,
     [](observations& o) { state(o, 587, door_state::refused); }, asked_for_587},
    {"IPv6 leads nowhere", rules::ipv6_broken, outcome::warning,
     [](observations& o) {
         o.names.v6 = {v6};
         for (auto const port : mail_ports) o.doors.push_back({{v6, port}, door_state::filtered, 0, {}});
     }},
    {"not on IPv6", rules::refused_by_one_family, outcome::warning,
     [](observations& o) {
         o.names.v6 = {v6};
         for (auto const port : mail_ports) o.doors.push_back({{v6, port}, door_state::refused, 0, {}});
     }},
    // Greetings.
    {"a web server", rules::other_service, outcome::failure,
     [](observations& o) { only(o, greeted_with(garbage(client::service::http, "HTTP/1.1 400"))); }},
    {"binary", rules::not_smtp, outcome::failure,
     [](observations& o) { only(o, greeted_with(garbage(client::service::binary, "\\x00"))); }},
    {"silence", rules::greeting_missing, outcome::failure,
     [](observations& o) {
         auto t = greeted_with(ended(ending::timed_out));
         t.silent = true;
         only(o, t);
     }},
    {"closed at once", rules::closed_at_once, outcome::failure,
     [](observations& o) { only(o, greeted_with(ended(ending::closed, "closed"))); }},
    {"a firewall's stars", rules::smtp_inspected, outcome::failure,
     [](observations& o) { o.talks[1].greeting = said_so(220, "****************"); }, asked_for_587},
    {"silence, and TLS at the port that was set to STARTTLS", rules::wants_tls_from_start, outcome::failure,
     [](observations& o) {
         o.person.way = tls_way::starttls;
         auto quiet = greeted_with(ended(ending::timed_out));
         quiet.silent = true;
         o.talks = {quiet, implicit(587)};
         o.chosen = 1;
     },
     asked_for_587},
    {"a greeting where TLS was wanted", rules::tls_on_plain_port, outcome::failure,
     [](observations& o) {
         o.person.way = tls_way::implicit;
         talk_seen t;
         t.at = {v4, 587};
         t.way = tls_way::implicit;
         t.handshake = garbage(client::service::smtp, "220 s");
         o.talks = {t, starttls()};
         o.chosen = 1;
     },
     asked_for_587},
    {"EHLO ends it", rules::closed_after_ehlo, outcome::failure,
     [](observations& o) {
         auto t = greeted_with(said_so(220, "x"));
         t.hello_before = ended(ending::closed, "closed");
         only(o, t);
     }},
    {"EHLO is not known", rules::ehlo_unknown, outcome::failure,
     [](observations& o) {
         auto t = greeted_with(said_so(220, "x"));
         t.hello_before = said_so(502, "unknown");
         only(o, t);
     }},
    {"EHLO is not answered", rules::answer_missing, outcome::failure,
     [](observations& o) {
         auto t = greeted_with(said_so(220, "x"));
         t.hello_before = ended(ending::timed_out);
         only(o, t);
     }},
    // TLS.
    {"no STARTTLS", rules::starttls_missing, outcome::failure,
     [](observations& o) {
         auto t = greeted_with(said_so(220, "x"));
         t.hello_before = said_so(250, "x");
         t.announced_before = announcing({"PLAIN"}, false);
         o.talks = {t};
         o.chosen = 0;
         stop_before_login(o);
         o.not_tried = withheld::in_clear;
     },
     asked_for_587},
    {"STARTTLS taken out here and for the control host", rules::starttls_stripped, outcome::failure,
     [](observations& o) {
         auto t = greeted_with(said_so(220, "x"));
         t.hello_before = said_so(250, "x");
         t.announced_before = announcing({"PLAIN"}, false);
         o.talks = {t};
         o.control.looked = true;
         o.control.talks = {t};
         o.chosen = 0;
         stop_before_login(o);
         o.not_tried = withheld::in_clear;
     },
     asked_for_587},
    {"an old version of TLS", rules::tls_too_old, outcome::failure,
     [](observations& o) {
         auto t = greeted_with(said_so(220, "x"));
         t.hello_before = said_so(250, "x");
         t.announced_before = announcing({}, true);
         t.handshake = ended(ending::tls_refused, "the server ended the TLS handshake: protocol_version");
         t.handshake->alert = "protocol_version";
         only(o, t);
     }},
    {"no cipher in common", rules::tls_handshake_failed, outcome::failure,
     [](observations& o) {
         auto t = implicit();
         t.tls.reset();
         t.handshake = ended(ending::tls_refused, "the server ended the TLS handshake: handshake_failure");
         t.handshake->alert = "handshake_failure";
         only(o, t);
     }},
    {"self-signed", rules::certificate_self_signed, outcome::failure,
     [](observations& o) {
         bad_certificate(o, [](auto& c) {
             c.trust_error = 18;
             c.chain[0].self_signed = true;
         });
     }},
    {"expired", rules::certificate_expired, outcome::failure,
     [](observations& o) { bad_certificate(o, [](auto& c) { c.trust_error = 10; }); }},
    {"not yet valid", rules::certificate_not_yet_valid, outcome::failure,
     [](observations& o) { bad_certificate(o, [](auto& c) { c.trust_error = 9; }); }},
    {"an unknown authority", rules::certificate_unknown_issuer, outcome::failure,
     [](observations& o) { bad_certificate(o, [](auto& c) { c.trust_error = 20; }); }},
    {"the authority's own certificate was not sent", rules::certificate_chain_short, outcome::failure,
     [](observations& o) {
         bad_certificate(o, [](auto& c) {
             c.trust_error = 20;
             c.chain[0].issuer_published = true;
         });
     }},
    {"an antivirus program's", rules::mail_shield, outcome::failure,
     [](observations& o) {
         bad_certificate(o, [](auto& c) {
             c.trust_error = 20;
             c.chain[0].issuer = "CN=Avast Web/Mail Shield Root";
         });
     }},
    {"a name that only has an antivirus program's in it", rules::certificate_unknown_issuer, outcome::failure,
     [](observations& o) {
         bad_certificate(o, [](auto& c) {
             c.trust_error = 20;
             c.chain[0].issuer = "CN=Reset GmbH CA";
         });
     }},
    {"a mail gateway's own", rules::certificate_self_signed, outcome::failure,
     [](observations& o) {
         bad_certificate(o, [](auto& c) {
             c.trust_error = 18;
             c.chain[0].issuer = "CN=Barracuda";
             c.chain[0].self_signed = true;
         });
     }},
    {"this machine's clock, and not somebody in between", rules::certificate_expired, outcome::failure,
     [](observations& o) {
         bad_certificate(o, [](auto& c) { c.trust_error = 10; });
         o.control.looked = true;
         o.control.talks = o.talks;
     }},
    {"a company's firewall's", rules::tls_intercepted, outcome::failure,
     [](observations& o) {
         bad_certificate(o, [](auto& c) {
             c.trust_error = 20;
             c.chain[0].issuer = "CN=FortiGate CA";
         });
     }},
    {"for another name", rules::certificate_other_name, outcome::failure,
     [](observations& o) {
         bad_certificate(o, [](auto& c) {
             c.trusted = true;
             c.name_fits = false;
             c.chain[0].names = {"*.hoster.example"};
         });
     }},
    {"another machine's", rules::certificate_other_server, outcome::failure,
     [](observations& o) {
         bad_certificate(o, [](auto& c) {
             c.trusted = true;
             c.name_fits = false;
             c.chain[0].names = {"www.other.example"};
         });
         o.certificate_names = {{"www.other.example", true, false}};
     }},
    {"a short key", rules::certificate_weak, outcome::warning,
     [](observations& o) {
         o.talks[0].certificates.chain[0].key_type = "RSA";
         o.talks[0].certificates.chain[0].key_bits = 1024;
     }},
    // What is offered.
    {"no log-ins without TLS", rules::auth_after_tls_only, outcome::failure,
     [](observations& o) {
         o.person.way = tls_way::clear;
         auto t = greeted_with(said_so(220, "x"));
         t.way = tls_way::clear;
         t.hello_before = said_so(250, "x");
         t.announced_before = announcing({}, true);
         o.talks = {t, starttls()};
         o.chosen = 0;
         stop_before_login(o);
         o.not_tried = withheld::in_clear;
     },
     asked_for_587},
    {"tokens only", rules::auth_tokens_only, outcome::failure,
     [](observations& o) {
         o.talks[0].announced_within = announcing({"XOAUTH2"}, false);
         stop_before_login(o);
         o.not_tried = withheld::no_mechanism;
     }},
    {"the old spelling", rules::auth_old_syntax, outcome::warning,
     [](observations& o) {
         o.talks[0].announced_within.auth_proper = false;
         o.talks[0].announced_within.auth_equals = true;
     }},
    // Log-ins.
    {"a wrong password", rules::auth_failed, outcome::failure,
     [](observations& o) {
         refuse_login(o, said_so(535, "Error: authentication failed", {5, 7, 8}));
     }},
    {"Gmail's app password", rules::gmail_wants_app_password, outcome::failure,
     [](observations& o) {
         o.person.host = "smtp.gmail.com";
         refuse_login(o, said_so(534,
                                 "Application-specific password required. For more information, go to "
                                 "https://support.google.com/mail/?p=InvalidSecondFactor",
                                 {5, 7, 9}));
     }},
    {"the password back end is down", rules::auth_unavailable, outcome::failure,
     [](observations& o) {
         refuse_login(o, said_so(454, "Temporary authentication failure", {4, 7, 0}));
     }},
    {"closed while logging in", rules::closed_during_login, outcome::failure,
     [](observations& o) {
         refuse_login(o, ended(ending::closed, "the server closed the connection"));
         o.logins[0].result.how = client::login_result::what::lost;
     }},
    {"another form of the user name works", rules::user_name_form, outcome::failure,
     [](observations& o) {
         auto first = login("PLAIN", client::login_result::what::refused, said_so(535, "no", {5, 7, 8}));
         first.user = "anna";
         o.logins.insert(o.logins.begin(), first);
         o.logged_in = 1;
     }},
    {"the password only in Latin-1", rules::password_encoding, outcome::failure,
     [](observations& o) {
         o.logins.insert(o.logins.begin(),
                         login("PLAIN", client::login_result::what::refused, said_so(535, "no", {5, 7, 8})));
         o.logins[1].old_encoding = true;
         o.logged_in = 1;
     }},
    {"CRAM-MD5 fails, PLAIN works", rules::auth_cram_fails, outcome::warning,
     [](observations& o) {
         o.logins.push_back(login("CRAM-MD5", client::login_result::what::refused, said_so(535, "no")));
     }},
    {"SCRAM fails, PLAIN works", rules::scram_verifier_missing, outcome::warning,
     [](observations& o) {
         o.logins.push_back(login("SCRAM-SHA-256", client::login_result::what::refused, said_so(535, "no")));
     }},
    // Envelopes.
    {"an open relay", rules::relays_for_anybody, outcome::warning,
     [](observations& o) { o.stranger.mail = o.stranger.rcpt_outside = said_so(250, "ok"); }},
    {"a sender that is not ours", rules::sender_not_owned, outcome::failure,
     [](observations& o) {
         o.mine.mail = said_so(553, "<a@b.example>: Sender address rejected: not owned by user c", {5, 7, 1});
     }},
    {"mail without a log-in", rules::auth_required, outcome::failure,
     [](observations& o) {
         stop_before_login(o);
         o.not_tried = withheld::no_credentials;
         o.mine.from = "a@b.example";
         o.mine.mail = said_so(530, "Authentication required", {5, 7, 0});
     }},
    {"an unknown recipient", rules::unknown_recipient, outcome::failure,
     [](observations& o) {
         o.mine.rcpt = said_so(550, "User unknown", {5, 1, 1});
     }},
    {"no answer to the end of the mail", rules::answer_to_data_late, outcome::failure,
     [](observations& o) { o.mine.data = ended(ending::timed_out); }},
    // Arrival.
    {"in the junk folder", rules::in_junk, outcome::warning,
     [](observations& o) {
         o.arrival.looked = o.arrival.found = o.arrival.junk = true;
         o.arrival.folder = "Junk";
     }},
    {"came back", rules::bounced, outcome::failure,
     [](observations& o) {
         o.arrival.looked = o.arrival.bounced = true;
         o.arrival.bounce_status = "5.1.1";
     }},
    {"SPF fails", rules::spf_fails, outcome::warning,
     [](observations& o) {
         o.headers.looked = true;
         o.headers.spf = "fail";
     }},
};

}  // namespace

TEST_CASE("nothing is found where nothing is wrong")
{
    auto const o = healthy();
    auto const d = judge(o);
    CHECK(d.how == outcome::ok);
    CHECK(d.first() == nullptr);
    CHECK(headline(o, d).find(host) != std::string::npos);
}

TEST_CASE("each failure has its cause in the headline")
{
    for (auto const& r : table) {
        auto o = r.base();
        r.change(o);
        auto const d = judge(o);
        INFO(r.what);
        REQUIRE(d.first() != nullptr);
        CHECK(d.first()->rule->name == r.expected.name);
        CHECK(d.how == r.how);
    }
}

TEST_CASE("what is wrong elsewhere is a remark where the person's own way works")
{
    auto o = healthy();
    state(o, 587, door_state::filtered);
    o.chosen = 0;
    auto const d = judge(o);
    CHECK(d.how == outcome::warning);
    CHECK(d.first()->rule == &rules::port_587_blocked);
}

TEST_CASE("a blocked port 25 is nothing to worry about")
{
    auto o = healthy();
    state(o, 25, door_state::filtered);
    CHECK(judge(o).how == outcome::ok);
}

TEST_CASE("the password that was kept back is no cause of its own")
{
    auto o = healthy();
    bad_certificate(o, [](auto& c) { c.trust_error = 10; });
    auto const d = judge(o);
    CHECK(d.first()->rule == &rules::certificate_expired);
    CHECK(d.findings.back().rule == &rules::password_kept_back);
}

TEST_CASE("the report has all steps, and no line is wider than the terminal")
{
    for (auto const& r : table) {
        auto o = r.base();
        r.change(o);
        auto const d = judge(o);
        CHECK(d.steps.size() == all_steps.size());
        page p;
        p.width = 60;
        p.paint = terminal::painter{false};
        for (auto const& line : step_lines(d, p, step::headers)) CHECK(line.size() <= 60);
        for (auto const& line : result_lines(o, d, p)) CHECK(line.size() <= 60);
        CHECK(to_json(o, d).as_object().at("steps").as_array().size() == all_steps.size());
    }
}
