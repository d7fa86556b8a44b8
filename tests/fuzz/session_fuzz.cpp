// A whole server session with a driver whose every answer comes from the input:
//   octet 0    the listener and the connection
//   octet 1    how many octets of answers follow; answers run in a circle
//   the rest   what the client sends
// Played twice, whole and octet by octet: the output must be the same wherever the cut
// has no meaning. The replies must be well-formed, and nothing may be committed that
// was refused.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "fuzz/require.hpp"
#include "smtp/data_decoder.hpp"
#include "smtp/line_reader.hpp"
#include "smtp/server_session.hpp"

namespace {

using namespace postern;

class answers {
public:
    explicit answers(std::string_view octets) : octets_(octets) {}
    unsigned next()
    {
        if (octets_.empty()) return 0;
        auto const n = static_cast<unsigned char>(octets_[at_]);
        at_ = (at_ + 1) % octets_.size();
        return n;
    }
    catalogue::verdict verdict(catalogue::rule const& refusal)
    {
        return next() % 4 == 1 ? catalogue::make_verdict(refusal) : catalogue::verdict{};
    }

private:
    std::string_view octets_;
    std::size_t at_ = 0;
};

enum class reading { commands, handshake, data, chunk, discard, nothing };

class player {
public:
    player(unsigned setup, std::string_view octets) : answers_(octets)
    {
        settings_.hostname = "mx.example";
        settings_.role = (setup & 1) != 0 ? config::role::mx : config::role::submission;
        settings_.starttls = (setup & 2) != 0;
        if ((setup & 4) != 0) settings_.mechanisms = {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"};
        smtp::connection_facts facts{.session_id = "SESSION", .client = {}, .auth_without_tls = (setup & 32) != 0};
        if ((setup & 128) != 0) {
            settings_.mechanisms.insert(settings_.mechanisms.end(),
                                        {"EXTERNAL", "OAUTHBEARER", "XOAUTH2", "CRAM-MD5", "GSSAPI"});
            settings_.auth_equals = true;
            facts.accounts.token = facts.accounts.cram_md5 = facts.accounts.ticket = true;
            tls_.certificate_accounts = {"tim@example.org"};
        }
        settings_.message_size = (setup & 8) != 0 ? 100 : 0;
        settings_.recipients = 3;
        settings_.errors = 20;
        settings_.auth_failures = 3;
        if ((setup & 16) != 0) tls_.bindings.tls_exporter = std::string(32, 'x');
        session_ = std::make_unique<smtp::server_session>(settings_, std::move(facts));
        perform(session_->on_connect((setup & 64) != 0 ? &tls_ : nullptr));
    }

    void arrive(std::string_view octets)
    {
        flush();
        switch (reading_) {
            case reading::nothing: return;
            case reading::handshake:
                reading_ = reading::commands;
                perform(session_->on_tls(tls_));  // what came before is gone
                return;
            case reading::commands:
                pending_ += octets;
                perform(smtp::need_input{});
                break;
            default:
                pending_ += octets;
                if (read_content()) perform(end_content());
        }
        // What it makes a driver keep is bounded.
        if (reading_ == reading::commands) require(pending_.size() < smtp::auth_line_limit);
        flush();
    }

    /// The end: whatever is under way, these must be possible.
    void finish(bool timeout)
    {
        if (reading_ != reading::nothing) perform(timeout ? session_->on_timeout() : session_->on_shutdown());
        flush();
        require(reading_ == reading::nothing);
        std::string_view in = "NOOP\r\n";
        require(std::holds_alternative<smtp::hang_up>(session_->on_input(in)));
        require(session_->output().empty());
    }

    std::string const& said() const { return said_; }
    bool depends_on_cuts() const { return depends_on_cuts_; }

private:
    void flush()
    {
        auto const& out = session_->output();
        require(out.empty() || out.ends_with("\r\n"));
        for (std::size_t at = 0; at < out.size();) {
            auto const end = out.find("\r\n", at);
            auto const line = std::string_view{out}.substr(at, end - at);
            // RFC 4954 section 4: a challenge may be long; other replies have 512 octets.
            require(line.size() >= 4 && (line.size() <= 510 || line.starts_with("334 ")));
            require(line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-'));
            for (char const c : line) require(c >= ' ' && c <= '~');
            at = end + 2;
        }
        said_ += out;
        session_->output().clear();
        for (auto const& r : session_->take_refusals()) {
            require(r.what.why != nullptr && !r.what.accepted() && r.number == ++refusals_);
            require(r.command.find('\r') == std::string::npos && r.command.find('\n') == std::string::npos);
            if (r.what.why == &catalogue::rules::starttls_injection ||
                r.what.why == &catalogue::rules::auth_pipelined) {
                depends_on_cuts_ = true;
            }
        }
    }

    bool read_content()
    {
        if (reading_ == reading::data) {
            std::string_view in = pending_;
            std::vector<std::string_view> pieces;
            bool const ended = decoder_.decode(in, pieces);
            pending_.erase(0, pending_.size() - in.size());
            return ended;
        }
        auto const size = std::min<std::uint64_t>(left_, pending_.size());
        pending_.erase(0, size);
        left_ -= size;
        return left_ == 0;
    }

    smtp::action end_content()
    {
        if (std::exchange(reading_, reading::commands) == reading::discard) return session_->on_discarded();
        auto v = decoder_.bare_newline() ? catalogue::make_verdict(catalogue::rules::bare_newline_in_message)
                                         : answers_.verdict(catalogue::rules::too_many_hops);
        content_accepted_ = v.accepted();
        return session_->on_content(v);
    }

    smtp::action log_in(std::string const& account)
    {
        constexpr smtp::login_result results[] = {smtp::login_result::accepted, smtp::login_result::bad_credentials,
                                                  smtp::login_result::disabled, smtp::login_result::smtp_auth_off,
                                                  smtp::login_result::unsure,   smtp::login_result::unavailable};
        auto const result = results[answers_.next() % std::size(results)];
        auto next = session_->on_login(result, account);
        require(session_->login().empty() == (result != smtp::login_result::accepted));
        return next;
    }

    void perform(smtp::action a)
    {
        for (bool from_input = false;; from_input = false) {
            auto& s = *session_;
            if (std::holds_alternative<smtp::need_input>(a)) {
                if (pending_.empty()) return;
                std::string_view in = pending_;
                a = s.on_input(in);
                // It may stop before the end of the input, for its output to be written.
                from_input = in.size() == pending_.size();
                pending_.erase(0, pending_.size() - in.size());
            }
            if (from_input && std::holds_alternative<smtp::need_input>(a)) return;
            if (auto* p = std::get_if<smtp::verify_password>(&a)) {
                require(s.in_exchange());
                auto const account = p->authcid;
                a = log_in(account);
            } else if (auto* proven = std::get_if<smtp::authorize>(&a)) {
                auto const account = proven->authcid;
                a = log_in(account);
            } else if (auto* token = std::get_if<smtp::verify_token>(&a)) {
                require(s.in_exchange() && s.tls());
                auto const account = token->identity.empty() ? std::string{"tim"} : token->identity;
                a = answers_.next() % 4 == 1
                        ? s.on_login(smtp::login_result::bad_credentials, {}, "{\"status\":\"invalid_token\"}")
                        : log_in(account);
            } else if (std::holds_alternative<smtp::fetch_cram>(a)) {
                depends_on_cuts_ = true;  // its challenges are new each time
                a = answers_.next() % 4 == 1
                        ? s.on_scram_unavailable()
                        : s.on_cram({.state = secret{std::string(32, 'x')}, .stored_key = "key", .real = true});
            } else if (std::holds_alternative<smtp::fetch_scram>(a)) {
                depends_on_cuts_ = true;  // its nonces are new each time
                a = answers_.next() % 4 == 1 ? s.on_scram_unavailable()
                                             : s.on_scram({.salt = "saltsalt",
                                                           .iterations = 4096,
                                                           .stored_key = std::string(32, 's'),
                                                           .server_key = std::string(32, 'k'),
                                                           .real = true});
            } else if (std::holds_alternative<smtp::context_step>(a)) {
                require(s.in_exchange());
                sasl::context_answer answer;
                auto const how = answers_.next();
                answer.what = static_cast<sasl::context_answer::state>(how % 5);
                answer.octets = how % 2 == 0 ? std::string{"\x01\0\0\0", 4} : std::string{};
                answer.account = how % 3 == 0 ? "" : "tim";
                a = how % 7 == 1 ? s.on_scram_unavailable() : s.on_context(answer);
            } else if (std::holds_alternative<smtp::check_sender>(a)) {
                a = s.on_sender(answers_.verdict(catalogue::rules::sender_not_owned));
            } else if (auto* asked = std::get_if<smtp::check_recipient>(&a)) {
                auto const& known = s.transaction().recipients;
                auto const before = known.size();
                // Named twice, delivered once.
                bool const again = std::any_of(known.begin(), known.end(), [&](mail::recipient const& r) {
                    return r.forward_path == asked->to.forward_path;
                });
                require(before < settings_.recipients);
                auto const v = answers_.verdict(catalogue::rules::unknown_recipient);
                a = s.on_recipient(v);
                require(s.transaction().recipients.size() == before + (v.accepted() && !again ? 1 : 0));
            } else if (std::holds_alternative<smtp::begin_content>(a)) {
                require(!s.transaction().recipients.empty());
                decoder_ = {};
                a = s.on_content_ready(answers_.verdict(catalogue::rules::disk_full));
            } else if (std::holds_alternative<smtp::finish_message>(a)) {
                require(content_accepted_ && !s.transaction().recipients.empty());
                content_accepted_ = false;
                a = s.on_finished(answers_.verdict(catalogue::rules::spool_failure), "QUEUED");
                require(s.transaction().recipients.empty());
            } else if (std::holds_alternative<smtp::show_record>(a)) {
                require(s.tls());
                a = s.on_record(answers_.next() % 2 == 0 ? std::vector<std::string>{}
                                                         : std::vector<std::string>{"[{", "}]"});
            } else if (std::holds_alternative<smtp::start_tls>(a)) {
                require(!s.tls());
                depends_on_cuts_ = true;  // which octets came before the handshake
                pending_.clear();
                reading_ = reading::handshake;
                return;
            } else if (std::holds_alternative<smtp::hang_up>(a)) {
                reading_ = reading::nothing;
                return;
            } else if (!std::holds_alternative<smtp::need_input>(a)) {
                begin_reading(a);
                if (!read_content()) return;
                a = end_content();
            }
        }
    }

    void begin_reading(smtp::action const& a)
    {
        if (auto const* chunk = std::get_if<smtp::read_chunk>(&a)) {
            require(settings_.message_size == 0 || chunk->size <= settings_.message_size);
            reading_ = reading::chunk;
            left_ = chunk->size;
        } else if (auto const* refused = std::get_if<smtp::discard_chunk>(&a)) {
            require(settings_.message_size == 0 || refused->size <= settings_.message_size);
            reading_ = reading::discard;
            left_ = refused->size;
        } else {
            reading_ = reading::data;
        }
    }

    smtp::server_settings settings_;
    smtp::tls_facts tls_;
    answers answers_;
    std::unique_ptr<smtp::server_session> session_;
    reading reading_ = reading::commands;
    smtp::data_decoder decoder_;
    std::string pending_, said_;
    std::uint64_t left_ = 0;
    std::uint32_t refusals_ = 0;
    bool content_accepted_ = false, depends_on_cuts_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size < 2) return 0;
    std::string_view text{reinterpret_cast<char const*>(data), size};
    auto const setup = static_cast<unsigned char>(text[0]);
    auto const count = std::min<std::size_t>(static_cast<unsigned char>(text[1]), text.size() - 2);
    auto const answer_octets = text.substr(2, count);
    text.remove_prefix(2 + count);
    if (text.empty()) return 0;

    player whole{setup, answer_octets};
    whole.arrive(text);
    player by_octet{setup, answer_octets};
    auto const piece = text.size() / 400 + 1;  // long inputs in somewhat larger pieces, to be quick
    for (std::size_t at = 0; at < text.size(); at += piece) by_octet.arrive(text.substr(at, piece));
    require(whole.depends_on_cuts() || by_octet.depends_on_cuts() || whole.said() == by_octet.said());
    whole.finish((setup & 128) != 0);
    by_octet.finish((setup & 128) == 0);
    return 0;
}
