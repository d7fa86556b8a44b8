// Everything around one smtp::server_session that a test needs: the driver's part, with
// answers that the test chooses, and the client's octets in any cut. dialog.hpp makes
// conversations of it.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/numbers.hpp"
#include "sasl/cram_md5.hpp"
#include "smtp/data_decoder.hpp"
#include "smtp/server_session.hpp"

namespace postern::test {

/// How the client's octets arrive.
struct cut {
    static constexpr std::size_t whole = static_cast<std::size_t>(-1);
    static constexpr std::size_t every_octet = static_cast<std::size_t>(-2);
    std::size_t batch = whole;  // which batch is cut in two ...
    std::size_t at = 0;         // ... behind so many octets
};

/// Everything around one session: the driver's part, played by answers that the script chooses.
class world {
public:
    world(char const* setup, cut how);
    /// Runs a script; doctest checks on the way. Gives the sizes of the client's batches.
    std::vector<std::size_t> play(char const* script);

    /// Further octets of the client, behind the script.
    void send(std::string const& octets) { client(octets); }

    bool whole_only() const { return whole_only_; }
    std::string const& all_output() const { return all_; }

private:
    void obey(std::string_view directive);
    void client(std::string const& octets);
    void arrive(std::string_view octets);
    void perform(smtp::action a, bool from_input = false);
    bool read_content();
    smtp::action answer_content();
    smtp::login_result log_in(smtp::verify_password const& claim) const;
    catalogue::verdict next(std::string_view question);
    void flush();
    void server(std::string_view expected);
    void skip_reply();
    void nothing_left();
    void lint(std::string_view reply_line);
    std::string take_reply_line();

    enum class mode { commands, tls, data, chunk, discard, closed };

    smtp::server_settings settings_;
    smtp::connection_facts facts_;
    smtp::tls_facts tls_;
    bool implicit_ = false, whole_only_ = false, unsure_ = false;
    cut how_;
    std::size_t batches_ = 0;
    std::vector<std::size_t> sizes_;

    std::unique_ptr<smtp::server_session> session_;
    mode mode_ = mode::commands;
    std::string pending_, unread_, all_, content_, message_;
    std::size_t committed_ = 0, committed_recipients_ = 0;
    std::uint64_t chunk_left_ = 0;
    bool lint_off_ = false;
    smtp::data_decoder decoder_;
    std::vector<std::pair<std::string, std::string>> answers_;
    std::vector<smtp::server_session::refusal> refusals_;
};

inline std::string unescape(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        switch (text[++i]) {
            case 'r': out += '\r'; break;
            case 'n': out += '\n'; break;
            case 't': out += '\t'; break;
            case '0': out += '\0'; break;
            case 'x':
                out += static_cast<char>(std::stoi(std::string{text.substr(i + 1, 2)}, nullptr, 16));
                i += 2;
                break;
            default: out += text[i];
        }
    }
    return out;
}

inline world::world(char const* setup, cut how) : how_(how)
{
    settings_.hostname = "mx.example";
    settings_.mechanisms = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
    settings_.message_size = 1000000;
    settings_.recipients = 100;
    settings_.errors = 20;
    settings_.auth_failures = 5;
    facts_.session_id = "SESSION";
    tls_.version = "TLSv1.3";
    tls_.cipher = "TLS_AES_256_GCM_SHA384";
    tls_.bits = 256;
    std::string_view words = setup;
    while (!words.empty()) {
        auto const word = words.substr(0, words.find(' '));
        words.remove_prefix(std::min(word.size() + 1, words.size()));
        auto const equals = word.find('=');
        auto const number =
            equals == std::string_view::npos ? 0 : parse_number<std::uint32_t>(word.substr(equals + 1)).value();
        auto const name = word.substr(0, equals);
        if (name == "submission")
            settings_.role = config::role::submission;
        else if (name == "mx")
            settings_.role = config::role::mx;
        else if (name == "tls")
            implicit_ = true;
        else if (name == "starttls")
            settings_.starttls = true;
        else if (name == "plaintext")
            facts_.auth_without_tls = true;
        else if (name == "no-auth")
            settings_.mechanisms.clear();
        else if (name == "plus") {
            settings_.mechanisms.insert(settings_.mechanisms.begin(), "SCRAM-SHA-256-PLUS");
            tls_.bindings.tls_exporter = std::string(32, 'x');
        } else if (name == "size")
            settings_.message_size = number;
        else if (name == "recipients")
            settings_.recipients = number;
        else if (name == "errors")
            settings_.errors = number;
        else if (name == "auth-failures")
            settings_.auth_failures = number;
        else if (name == "timing")
            settings_.priorities = settings_.deliver_by = true;
        else if (name == "priority-without-login")
            settings_.priority_without_login = true;
        else if (name == "hold")
            settings_.hold_most = std::chrono::seconds{number};
        else if (name == "auth-equals")
            settings_.auth_equals = true;
        else if (name.starts_with("also:"))
            settings_.mechanisms.insert(settings_.mechanisms.begin(), std::string{name.substr(5)});
        else if (name == "scram-keys-sha512")
            facts_.accounts.scram_sha512 = true;
        else if (name == "cram-md5")
            facts_.accounts.cram_md5 = true;
        else if (name == "tokens")
            facts_.accounts.token = true;
        else if (name == "certificate")
            tls_.certificate_accounts = {"alice@example.test"};
        else if (name == "no-scram-keys")
            facts_.accounts.scram_sha256 = false;
        else if (name == "unsure")
            unsure_ = true;
        else if (name == "whole")
            whole_only_ = true;
        else
            FAIL("unknown word in a dialog's setup: " << std::string{name});
    }
    session_ = std::make_unique<smtp::server_session>(settings_, facts_);
}

inline void world::client(std::string const& octets)
{
    auto const batch = batches_++;
    sizes_.push_back(octets.size());
    std::string_view rest = octets;
    if (how_.batch == cut::every_octet) {
        for (; !rest.empty(); rest.remove_prefix(1)) arrive(rest.substr(0, 1));
    } else if (how_.batch == batch && how_.at < octets.size()) {
        arrive(rest.substr(0, how_.at));
        arrive(rest.substr(how_.at));
    } else {
        arrive(rest);
    }
}

inline void world::arrive(std::string_view octets)
{
    flush();
    if (mode_ == mode::closed || mode_ == mode::tls) return;
    pending_ += octets;
    if (mode_ != mode::commands) {
        if (read_content()) perform(answer_content());
    } else {
        perform(smtp::need_input{});
    }
    flush();
}

inline bool world::read_content()
{
    if (mode_ == mode::data) {
        std::string_view in = pending_;
        std::vector<std::string_view> pieces;
        bool const ended = decoder_.decode(in, pieces);
        for (auto const piece : pieces) content_ += piece;
        pending_.erase(0, pending_.size() - in.size());
        return ended;
    }
    auto const size = std::min<std::uint64_t>(chunk_left_, pending_.size());
    if (mode_ == mode::chunk) content_.append(pending_, 0, size);
    pending_.erase(0, size);
    chunk_left_ -= size;
    return chunk_left_ == 0;
}

inline smtp::action world::answer_content()
{
    auto const was = std::exchange(mode_, mode::commands);
    if (was == mode::discard) return session_->on_discarded();
    auto v = next("content");
    if (was == mode::data && decoder_.nul()) v = catalogue::make_verdict(catalogue::rules::nul_in_message);
    if (was == mode::data && decoder_.bare_newline()) {
        v = catalogue::make_verdict(catalogue::rules::bare_newline_in_message);
    }
    if (was == mode::data && content_.size() > settings_.message_size)
        v = catalogue::make_verdict(catalogue::rules::message_too_big);
    return session_->on_content(v);
}

inline void world::perform(smtp::action a, bool from_input)
{
    for (;; from_input = false) {
        for (auto& r : session_->take_refusals()) refusals_.push_back(std::move(r));
        auto& s = *session_;
        if (std::holds_alternative<smtp::need_input>(a)) {
            if (from_input || pending_.empty()) return;
            std::string_view in = pending_;
            a = s.on_input(in);
            pending_.erase(0, pending_.size() - in.size());
            if (std::holds_alternative<smtp::need_input>(a)) {
                for (auto& r : session_->take_refusals()) refusals_.push_back(std::move(r));
                return;
            }
        } else if (std::holds_alternative<smtp::start_tls>(a)) {
            mode_ = mode::tls;
            return;
        } else if (std::holds_alternative<smtp::hang_up>(a)) {
            mode_ = mode::closed;
            return;
        } else if (auto const* claim = std::get_if<smtp::verify_password>(&a)) {
            auto const result = log_in(*claim);
            auto const account = result == smtp::login_result::accepted ? claim->authcid : std::string{};
            a = s.on_login(result, account);
        } else if (auto const* proven = std::get_if<smtp::authorize>(&a)) {
            auto const account = proven->authcid;
            a = s.on_login(smtp::login_result::accepted, account);
        } else if (std::holds_alternative<smtp::fetch_scram>(a)) {
            if (next("scram").accepted()) {
                a = s.on_scram({.salt = "saltsalt",
                                .iterations = 4096,
                                .stored_key = std::string(32, 's'),
                                .server_key = std::string(32, 'k'),
                                .real = true});
            } else {
                a = s.on_scram_unavailable();
            }
        } else if (std::holds_alternative<smtp::fetch_cram>(a)) {
            if (next("cram").accepted()) {
                a = s.on_cram(
                    {.state = sasl::make_cram_secret("sesame"), .stored_key = "key", .real = true, .unsure = unsure_});
            } else {
                a = s.on_scram_unavailable();
            }
        } else if (auto const* token = std::get_if<smtp::verify_token>(&a)) {
            bool const right = token->token.reveal() == "sesame" && token->identity == "alice@example.test";
            auto const account = token->identity;
            if (!next("token").accepted())
                a = s.on_login(smtp::login_result::unavailable, {});
            else if (right)
                a = s.on_login(smtp::login_result::accepted, account);
            else
                a = s.on_login(smtp::login_result::bad_credentials, {}, "{\"status\":\"invalid_token\"}");
        } else if (std::holds_alternative<smtp::check_sender>(a)) {
            a = s.on_sender(next("sender"));
        } else if (std::holds_alternative<smtp::check_recipient>(a)) {
            a = s.on_recipient(next("recipient"));
        } else if (std::holds_alternative<smtp::begin_content>(a)) {
            content_.clear();
            decoder_ = {};
            a = s.on_content_ready(next("room"));
        } else if (auto const* check = std::get_if<smtp::show_record>(&a)) {
            bool const known = check->code == "CHK-K7Q2M9TX4WZA";
            a = s.on_record(known ? std::vector<std::string>{"[{", "}]"} : std::vector<std::string>{});
        } else if (std::holds_alternative<smtp::finish_message>(a)) {
            auto const v = next("finish");
            if (v.accepted()) {
                ++committed_;
                message_ = content_;
                committed_recipients_ = s.transaction().recipients.size();
            }
            a = s.on_finished(v, "QUEUED");
        } else {
            if (auto const* c = std::get_if<smtp::read_chunk>(&a)) {
                mode_ = mode::chunk;
                chunk_left_ = c->size;
            } else if (auto const* d = std::get_if<smtp::discard_chunk>(&a)) {
                REQUIRE(d->size != 0);
                mode_ = mode::discard;
                chunk_left_ = d->size;
            } else {
                mode_ = mode::data;
            }
            if (!read_content()) return;
            a = answer_content();
        }
    }
}

inline smtp::login_result world::log_in(smtp::verify_password const& claim) const
{
    using enum smtp::login_result;
    for (auto const& [question, answer] : answers_) {
        if (question != "login") continue;
        if (answer == "disabled") return disabled;
        if (answer == "smtp-auth-off") return smtp_auth_off;
        if (answer == "app-password-needed") return app_password_needed;
        if (answer == "unavailable") return unavailable;
    }
    bool const own = claim.authzid.empty() || claim.authzid == claim.authcid;
    bool const right = claim.authcid == "alice@example.test" && claim.password.reveal() == "sesame";
    return right && own ? accepted : bad_credentials;
}

inline catalogue::verdict world::next(std::string_view question)
{
    for (auto at = answers_.begin(); at != answers_.end(); ++at) {
        if (at->first != question) continue;
        auto const* const rule = catalogue::find(at->second);
        REQUIRE_MESSAGE(rule != nullptr, "no rule " << at->second);
        answers_.erase(at);
        return catalogue::make_verdict(*rule);
    }
    return {};
}

inline void world::flush()
{
    unread_ += session_->output();
    all_ += session_->output();
    session_->output().clear();
}

inline std::string world::take_reply_line()
{
    flush();
    auto const end = unread_.find("\r\n");
    if (end == std::string::npos) return {};
    auto line = unread_.substr(0, end);
    unread_.erase(0, end + 2);
    lint(line);
    return line;
}

/// Standard 69, RFC 2034 section 4: a status of the code's class, but not in the greeting and behind HELO, EHLO.
inline void world::lint(std::string_view line)
{
    CAPTURE(std::string{line});
    REQUIRE(line.size() >= 4);
    CHECK(line.size() <= 510);
    if (line.substr(0, 3) == "220" && line.find("ESMTP") != std::string_view::npos) return;
    if (line.substr(4) == "mx.example") {
        lint_off_ = line[3] == '-';
        return;
    }
    bool const exempt = lint_off_ || line[0] == '3';
    if (line[3] == ' ') lint_off_ = false;
    if (exempt) return;
    CHECK(line[4] == line[0]);
    CHECK(line[5] == '.');
}

}  // namespace postern::test
