// postern send: what its files share.
//   send.cpp           the options, and what they come to
//   send_settings.cpp  options from a TOML file
//   send_discovery.cpp the server, where only an address was given
//   send_message.cpp   the message and its envelope
//   send_run.cpp       sends it, once or many times
//   send_show.cpp      tells of it, to people and to programs
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "client/explanation.hpp"
#include "client/sender.hpp"
#include "mail/envelope.hpp"
#include "terminal/paint.hpp"

namespace postern::cli {

/// As given; empty where a settings file or a default may say it.
struct send_options {
    std::string from;
    std::vector<std::string> to, cc, bcc;
    std::string subject;
    std::optional<std::string> body, body_file, message_file;
    std::string charset;
    std::vector<std::string> attachments, fields;

    std::string server, tls, hello;
    std::optional<std::string> settings;
    std::string authorities, certificate, key;
    bool no_verify = false;

    std::string user, authzid;
    bool password_stdin = false;
    std::optional<std::string> password_file, token_file;
    std::vector<std::string> mechanisms;
    bool insecure_clear = false, insecure_unverified = false;

    std::string notify, ret, envelope_id, original_recipient;
    bool smtputf8 = false, chunking = false, no_pipelining = false, require_tls = false;
    std::optional<unsigned> timeout;
    unsigned repeat = 1, connections = 1;
    bool quiet = false, json = false;
};

/// Adds what the file says and no option did. Errors name the file, the line and the key.
result<> read_send_settings(send_options& o);

/// The servers that the address's domain or its provider names, the best first. What could be forged, or is
/// guessed, is only told. Errors say what
/// is wrong with the address or its domain.
result<std::vector<client::route>> find_routes(std::string const& address, bool quiet);

/// The message as it will be sent, and to whom.
struct prepared_mail {
    mail::envelope envelope;
    std::string content;
    bool utf8 = false;
    std::string unique_id;  // in the Message-ID, where it is ours
};
result<prepared_mail> prepare_mail(send_options const& o);
/// The same message with a Message-ID of its own.
std::string renewed(prepared_mail const& m);

/// All that is needed to send.
struct send_plan {
    client::sender_options how;
    std::shared_ptr<net::tls_context> tls;
    prepared_mail mail;
    unsigned repeat = 1, connections = 1;
};

/// One message over one connection.
struct send_result {
    client::verdict verdict = client::verdict::not_reached;
    std::optional<client::trouble> trouble;  // of the session or the message
    client::delivery_report report;
    client::circumstances around;
    std::string mechanism;
    client::route route;
    std::string server_address;
    std::optional<net::tls_state> tls;
    std::vector<std::string> extensions;
    client::transcript log;
};
/// `watcher` is told each line of the dialogue.
send_result send_once(send_plan const& p, std::function<void(client::transcript_line const&)> watcher);

/// Many.
struct repeat_result {
    struct failure {
        std::string text;
        catalogue::rule const* rule = nullptr;
        unsigned times = 0;
    };
    unsigned sent = 0, failed = 0, connections = 0;
    std::vector<failure> failures;
    std::vector<double> milliseconds;  // for each that was sent
    double seconds = 0;
};
/// `progress` is told, ever and again, how many are done.
repeat_result send_many(send_plan const& p, std::function<void(unsigned done)> progress);

std::string shown(client::transcript_line const& line, terminal::painter const& paint);
void show(send_result const& r, bool quiet, terminal::painter const& paint);
void show(repeat_result const& r, terminal::painter const& paint);
void print_as_json(send_result const& r);
void print_as_json(repeat_result const& r);
int exit_status(send_result const& r);
int exit_status(repeat_result const& r);
/// A line that is drawn anew, where standard error is a terminal.
std::function<void(unsigned)> progress_bar(unsigned all, bool wanted);

}  // namespace postern::cli
