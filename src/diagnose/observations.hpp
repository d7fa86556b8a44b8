// What was seen, step by step: plain facts, without a judgement. The examiner fills them in, the
// judge reads them; tests write them down by hand.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ip.hpp"
#include "client/conversation.hpp"
#include "client/step.hpp"
#include "client/transcript.hpp"
#include "diagnose/both_ends.hpp"
#include "diagnose/given.hpp"
#include "dns/resolver.hpp"
#include "net/tls_observations.hpp"

namespace postern::diagnose {

using milliseconds = std::chrono::milliseconds;
using client::step_result;

/// The address that was typed, looked at as text.
enum class address_slip : std::uint8_t { none, malformed, typing };
struct address_seen {
    bool looked = false;
    address_slip slip = address_slip::none;
    std::string problem{};    // "there is no @"
    std::string corrected{};  // what was meant, if that can be said
};

/// Where to send mail, as one source says it.
struct proposal {
    std::string host{};
    std::uint16_t port = 0;
    tls_way way = tls_way::implicit;
    std::string user{};    // as the source says it, filled in; empty: it does not say
    bool vouched = true;   // it is the provider's for sure, or within the address's own domain
    std::string source{};  // "the provider's own settings file (https://...)"
};
/// What is wrong with what a source said.
struct settings_fault {
    std::string rule{};  // of the catalogue
    std::string evidence{};
    std::vector<std::pair<std::string, std::string>> facts{};
    bool hinders = false;  // nothing works because of it
};
struct settings_seen {
    bool looked = false;
    std::vector<proposal> found{};  // the best first
    std::string provider{};         // "gmail", if it is one that we know
    std::string provider_name{};
    std::vector<settings_fault> faults{};
    std::vector<std::string> notes{};  // evidence, a line each
    bool vouched = true;               // for the server that was taken
    milliseconds took{};
};

struct neighbour {
    std::string name{};
    bool exists = false;
};
struct names_seen {
    bool looked = false;
    dns::finding what = dns::finding::found;
    std::vector<ip_address> v4{}, v6{};
    std::string canonical{};
    std::string problem{};
    bool timed_out = false;               // nobody answered
    bool others_time_out = false;         // nor about another name
    bool any_name_answers = false;        // a name that can't exist has the same address
    bool system_knows = false;            // the name server does not, but this machine's own list does
    std::vector<neighbour> neighbours{};  // names like it, where it does not exist
    milliseconds took{};
};

/// A port of one address.
enum class door_state : std::uint8_t {
    open,
    refused,
    filtered,
    unreachable,  // this machine has no such network
    absent,       // nobody there answered the router's question for the machine
    prohibited,
    failed
};
std::string_view name_of(door_state s) noexcept;
struct door_seen {
    endpoint at{};
    door_state state = door_state::filtered;
    int error = 0;  // errno
    milliseconds took{};
};

/// The certificate is this server's, this machine trusts it, and its authority did not take it back.
inline bool is_trusted(net::tls_observations const& seen) noexcept
{
    return seen.trusted && seen.name_fits && seen.stapled != net::stapled_status::revoked;
}

/// One conversation, from the greeting to EHLO.
struct talk_seen {
    endpoint at{};
    tls_way way = tls_way::clear;
    step_result greeting{};                     // inside TLS where that is from the first octet
    std::optional<step_result> hello_before{};  // EHLO in the clear
    client::announcement announced_before{};
    std::optional<step_result> handshake{};  // STARTTLS with its handshake, or that of the first octet
    std::optional<net::tls_state> tls{};
    net::tls_observations certificates{};
    std::optional<step_result> hello_within{};
    client::announcement announced_within{};
    bool silent = false;  // said nothing by itself until we gave up

    bool encrypted() const noexcept { return tls.has_value(); }
    /// Also when the handshake failed: an alert is an answer.
    bool speaks_tls() const noexcept { return encrypted() || (handshake && !handshake->alert.empty()); }
    /// EHLO was answered, in the way that was meant.
    bool up() const noexcept;
    client::announcement const& announced() const noexcept { return encrypted() ? announced_within : announced_before; }
    bool trusted() const noexcept { return encrypted() && is_trusted(certificates); }
};

/// A name of the certificate, where it is not the one that was asked for.
struct certificate_name_seen {
    std::string name{};
    bool exists = false, leads_here = false;
};

/// Another handshake with the same port.
struct handshake_seen {
    std::string version{};  // "1.0"; empty: whichever, but without the name (SNI)
    bool worked = false;
    bool trusted = false, name_fits = false;
    step_result ended{};
    std::string names{};  // of the certificate
};

struct login_seen {
    std::string user{};
    std::string mechanism{};
    client::login_result result{};
    bool old_encoding = false;  // the password went in Latin-1
};

/// The reply says that the mechanism is not known there, or not before something else. Whether somebody
/// looked at the password all the same is another question: see login_result::proof_sent.
bool is_about_mechanism(step_result const& r) noexcept;

struct envelope_seen {
    std::optional<step_result> mail{}, rcpt{}, rcpt_outside{}, data{};
    std::string from{}, to{}, outside{};
};

/// Why a log-in was not tried.
enum class withheld : std::uint8_t {
    nothing,
    no_credentials,
    in_clear,
    bad_certificate,
    unproven_server,  // somebody on the way may have named it
    no_mechanism,
    not_reached
};

struct hop_seen {
    std::string from{}, by{}, with{};
    std::optional<std::int64_t> seconds{};  // since the hop before
};
struct arrival_seen {
    bool looked = false;
    bool found = false;
    std::string folder{};  // "INBOX", "Junk"
    bool junk = false, inbox = false;
    unsigned copies = 0;
    bool login_failed = false;
    std::string problem{};
    bool bounced = false;
    std::string bounce_status{}, bounce_text{};
    std::string server_record{};  // what our own server says of it
    milliseconds took{};
    std::string header{};  // of the message as it arrived
};

/// The message as the receiver has it.
struct headers_seen {
    bool looked = false;
    std::vector<hop_seen> hops{};  // the first one first
    std::string spf{}, dkim{}, dmarc{}, judge{};
    std::string dkim_reason{};
    std::optional<std::int64_t> total_seconds{}, date_off_seconds{};
    bool last_hop_encrypted = true;
};

struct control_seen {
    bool looked = false;
    std::string host{};
    std::string problem{};  // why it says nothing
    std::vector<door_seen> doors{};
    std::vector<talk_seen> talks{};
};

struct portal_seen {
    bool looked = false, redirected = false;
    std::string evidence{};
};

/// All that was said in one connection.
struct dialogue {
    std::string title{};
    std::vector<client::transcript_line> lines{};
    std::size_t left_out = 0;  // lines that there was no room for
};

struct observations {
    given person{};
    wall_time now{};
    address_seen address{};
    settings_seen settings{};
    names_seen names{};
    std::vector<door_seen> doors{};
    std::vector<door_seen> exchangers{};       // port 25 of those of the person's domain: they are open to everybody
    bool web_open = false, web_asked = false;  // port 443 of the same host
    std::vector<talk_seen> talks{};
    std::optional<std::size_t> chosen{};  // of the talks: where the log-in is tried
    std::vector<handshake_seen> handshakes{};
    std::vector<certificate_name_seen> certificate_names{};
    withheld not_tried = withheld::not_reached;
    std::vector<login_seen> logins{};
    std::optional<std::size_t> logged_in{};  // of the logins
    envelope_seen stranger{};                // without a log-in
    envelope_seen mine{};
    std::string token{};  // of the test message
    bool sent = false;
    arrival_seen arrival{};
    headers_seen headers{};
    control_seen control{};
    portal_seen portal{};
    std::string cloud{};  // whose machine this is, if it is a cloud's
    std::vector<std::shared_ptr<dialogue>> dialogues{};
    both_ends_seen both{};
    bool out_of_time = false;
    milliseconds took{};

    talk_seen const* talk() const noexcept { return chosen ? &talks[*chosen] : nullptr; }
    bool is_in() const noexcept { return logged_in.has_value(); }
    /// The server is somewhere else than in our own network, as far as addresses tell.
    bool seen_from_outside() const noexcept { return talk() != nullptr && !talk()->at.address.is_private(); }
};

}  // namespace postern::diagnose
