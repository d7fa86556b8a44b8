// AUTH, RFC 4954, with the client halves of the mechanisms.
#include "base/base64.hpp"
#include "base/text.hpp"
#include "client/conversation.hpp"
#include "client/on_thread.hpp"
#include "kerberos/client.hpp"

namespace postern::client {

using net::awaitable;

namespace {

// RFC 4954 section 4: an initial response that makes the command longer goes without it.
constexpr std::size_t longest_command = 512;
// No mechanism of ours has more than three.
constexpr unsigned most_challenges = 8;
constexpr char blanked[] = "***";

using shared_mechanism = std::shared_ptr<sasl::client_mechanism>;

awaitable<sasl::client_action> answer(boost::asio::any_io_executor executor, shared_mechanism m,
                                      std::optional<std::string> challenge)
{
    auto const given = [m, challenge = std::move(challenge)] {
        return m->step(challenge ? std::optional<std::string_view>{*challenge} : std::nullopt);
    };
    if (!m->works_long()) co_return given();
    co_return co_await on_thread<sasl::client_action>(executor, given);
}

std::unique_ptr<sasl::client_mechanism> make_mechanism(std::string const& name, sasl::client_credentials who,
                                                       sasl::client_options const& options)
{
    // A ticket is not among what we are given: it is the machine's user's.
    if (equal_ignoring_case(name, sasl::gssapi) && !who.host.empty())
        return kerberos::make_client(std::move(who.host), std::move(who.authzid));
    return sasl::make_client_mechanism(name, std::move(who), options);
}

bool has_plus(std::vector<std::string> const& mechanisms)
{
    return std::any_of(mechanisms.begin(), mechanisms.end(), [](auto const& m) { return m.ends_with("-PLUS"); });
}

/// With which response the mechanism's proof goes out: the first ones of some have the name only.
unsigned proof_is_in(std::string_view mechanism) noexcept
{
    return mechanism == "LOGIN" || mechanism.starts_with("SCRAM-") ? 2 : 1;
}

login_result ended(login_result::what how, step_result last)
{
    login_result r;
    r.how = how;
    r.last = std::move(last);
    return r;
}

}  // namespace

sasl::client_options conversation::mechanism_options() const
{
    sasl::client_options options;
    if (tls() != nullptr) {
        auto const bindings = stream_->bindings();
        options.bindings.tls_exporter = bindings.exporter;
        options.bindings.tls_server_end_point = bindings.server_end_point;
    }
    options.plus_offered = has_plus(announced_.known.mechanisms);
    return options;
}

awaitable<login_result> conversation::authenticate(std::string mechanism, sasl::client_credentials who, duration limit)
{
    auto const begun = steady_clock::now();
    auto made = make_mechanism(mechanism, std::move(who), mechanism_options());
    login_result r;
    if (made) {
        shared_mechanism const m{std::move(made)};
        unsigned responses = 0;
        r = co_await converse(m, responses, begun, limit);
        r.proof_sent = responses >= proof_is_in(m->name());
        r.server_error = printable(m->server_error(), 500);
    } else {
        r.last.problem = mechanism +
                         " can't be used: there is no such mechanism here, or it can't carry the user, "
                         "the password or the token";
        log_.note(r.last.problem);
    }
    r.mechanism = std::move(mechanism);
    co_return r;
}

awaitable<login_result> conversation::converse(shared_mechanism m, unsigned& responses, steady_time begun,
                                               duration limit)
{
    std::string line = "AUTH " + std::string{m->name()};
    std::string shown = line;
    secret late;  // an initial response that is too long for the command
    bool late_due = false;
    auto action = co_await answer(executor_, m, std::nullopt);
    if (auto const* const no = std::get_if<sasl::abandon>(&action)) {
        auto r = ended(login_result::what::unusable, {});
        r.last.problem = no->why;
        co_return r;
    }
    if (auto* const first = std::get_if<sasl::respond>(&action)) {
        std::string text = base64_encode(first->octets);
        wipe(first->octets.data(), first->octets.size());
        if (line.size() + text.size() + 3 <= longest_command) {
            shown += text.empty() ? " =" : std::string{" "} + blanked;
            line.reserve(longest_command);  // no copy is left behind
            line.append(" ").append(text.empty() ? "=" : text);
            ++responses;
        } else {
            late_due = true;
            late = secret{text};
        }
        wipe(text.data(), text.size());
    }
    for (unsigned challenges = 0;; ++challenges) {
        auto got = co_await exchange(std::move(line), std::move(shown), begun, limit);
        line.clear();
        if (got.how != ending::reply) co_return ended(login_result::what::lost, std::move(got));
        if (got.said.positive()) {
            auto const how = m->finished() ? login_result::what::accepted : login_result::what::unproven_server;
            co_return ended(how, std::move(got));
        }
        if (got.said.code != 334) co_return ended(login_result::what::refused, std::move(got));

        auto challenge = base64_decode(got.said.text);
        char const* broken = nullptr;
        if (!challenge) {
            broken = "a challenge that is not base64";
        } else if (challenges == most_challenges) {
            broken = "the server never stops asking";
        } else if (late_due && !challenge->empty()) {
            broken = "a challenge before the first message";
        }
        if (broken == nullptr && late_due) {
            line = late.reveal();
            late_due = false;
            ++responses;
        } else if (broken == nullptr) {
            action = co_await answer(executor_, m, std::move(challenge));
            if (auto const* const no = std::get_if<sasl::abandon>(&action)) broken = no->why;
            if (auto* const said = std::get_if<sasl::respond>(&action)) {
                line = base64_encode(said->octets);
                ++responses;
                wipe(said->octets.data(), said->octets.size());
            }
        }
        if (broken != nullptr) {
            // RFC 4954 section 4: "*" ends the exchange; the server says 501.
            auto last = co_await exchange("*", "*", begun, limit);
            last.problem = broken;
            co_return ended(login_result::what::broken_off, std::move(last));
        }
        shown = line.empty() ? "" : blanked;
    }
}

}  // namespace postern::client
