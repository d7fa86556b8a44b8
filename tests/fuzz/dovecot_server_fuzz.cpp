// What a mail server, or somebody who plays one, may say to an auth or a master socket. The
// first octet says how the directory answers.
#include <cstdint>
#include <string>
#include <string_view>

#include "dovecot/master_session.hpp"
#include "dovecot/server_session.hpp"
#include "fuzz/require.hpp"

namespace {

using namespace postern;
using namespace postern::dovecot;
namespace rules = catalogue::rules;

event answer(server_session& s, question const& q, unsigned how)
{
    require(s.find(q.ticket) != nullptr);
    if (std::holds_alternative<sasl::fetch_scram>(q.what)) {
        sasl::scram_keys keys;
        keys.salt = "salt and salt 16";
        keys.iterations = 4096;
        keys.stored_key = std::string(32, 'x');
        keys.server_key = std::string(32, 'y');
        return s.on_scram(q.ticket, keys);
    }
    if (std::holds_alternative<sasl::fetch_cram>(q.what)) {
        sasl::cram_keys keys;
        keys.state = secret{std::string(32, 'x')};
        return s.on_cram(q.ticket, keys);
    }
    if (auto const* step = std::get_if<sasl::context_step>(&q.what)) {
        sasl::context_answer a;
        bool const first = step->what == sasl::context_step::kind::begin;
        a.what = first ? sasl::context_answer::state::established : sasl::context_answer::state::done;
        if (how % 8 == 7) a.what = sasl::context_answer::state::refused;
        a.octets = step->octets;
        a.account = "ann@example.org";
        return s.on_context(q.ticket, a);
    }
    if (std::holds_alternative<sasl::verify_token>(q.what) && how % 2 == 1) return s.on_token_refused(q.ticket, "{}");
    if (how % 4 == 0) return s.refuse(q.ticket, rules::auth_unavailable);
    if (how % 4 == 1) return s.refuse(q.ticket, rules::auth_failed);
    s.succeed(q.ticket, "ann@example.org");
    return nothing{};
}

void play_auth(std::string_view in, unsigned how)
{
    server_session s{{.mechanisms = {"SCRAM-SHA-256", "CRAM-MD5", "GSSAPI", "OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN"},
                      .require_tls = false,
                      .most_requests = 4}};
    s.on_connect();
    while (s.broken().empty()) {
        auto e = s.on_input(in);
        if (std::holds_alternative<nothing>(e)) break;
        while (auto const* q = std::get_if<question>(&e)) {
            event next = answer(s, *q, how);
            e = std::move(next);
        }
        if (auto const* f = std::get_if<failure>(&e)) s.fail(f->ticket, catalogue::make_verdict(*f->why), "ID.1");
        require(s.requests() <= 4);
    }
    require(s.output().ends_with('\n'));
    require(s.output().find('\r') == std::string::npos && s.output().find('\0') == std::string::npos);
    s.sweep();
    s.sweep();
    // Nothing was left unanswered, and the rest awaited the client.
    require(s.requests() == 0);
}

void play_master(std::string_view in)
{
    master_session s{1};
    s.on_connect();
    for (;;) {
        auto const asked = s.on_input(in);
        if (asked.what == lookup::kind::none) break;
        if (asked.what == lookup::kind::list)
            s.answer_list(asked, {asked.name, "ann@example.org"});
        else
            s.answer(asked, asked.name);
    }
    require(s.output().ends_with('\n'));
    require(s.output().find('\r') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    if (size == 0) return 0;
    std::string_view const text{reinterpret_cast<char const*>(octets) + 1, size - 1};
    play_auth(text, octets[0]);
    play_master(text);
    return 0;
}
