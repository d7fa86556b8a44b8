// The options of mail from outside: [mx], [[milter]], [forwarding].
#include "config/milter_option_values.hpp"
#include "config/option_tables.hpp"
#include "config/option_values.hpp"

namespace postern::config {
namespace {

using namespace types;

// clang-format off
constexpr option table[] = {
    setting<boolean, [](auto& s) -> auto& { return s.mx.checks; }>(
        "mx.checks", reload,
        "Whether strangers' mail is checked with SPF, DKIM and DMARC, and gets an Authentication-Results field. Set it "
        "to false where a milter does that."),
    setting<choice<dmarc_words>, [](auto& s) -> auto& { return s.mx.dmarc_reject; }>(
        "mx.dmarc_reject", reload,
        "What is done with mail that fails DMARC when its author's domain asks for `reject`: `refuse` it, `hold` it in "
        "the queue for you to look at, or `mark` it (`X-Spam-Flag: YES`) and deliver it."),
    setting<choice<dmarc_words>, [](auto& s) -> auto& { return s.mx.dmarc_quarantine; }>(
        "mx.dmarc_quarantine", reload, "The same where the author's domain asks for `quarantine`."),
    setting<choice<local_sender_words>, [](auto& s) -> auto& { return s.mx.local_senders; }>(
        "mx.local_senders", reload,
        "A stranger who sends as an address of a local domain: with `verify` refused unless SPF or DKIM proves it for "
        "that domain; with `accept` treated like all others."),
    setting<choice<dns_failure_words>, [](auto& s) -> auto& { return s.mx.dns_failure; }>(
        "mx.dns_failure", reload,
        "What is done when the DNS gives no answer that the verdict depends on: `defer` (451: the client tries again) "
        "or `accept`."),
    setting<duration<second, 5 * minute>, [](auto& s) -> auto& { return s.mx.check_timeout; }>(
        "mx.check_timeout", reload,
        "How long the checks of one message may take. What is not known then counts as an answer that the DNS did not "
        "give."),
    setting<number<1, 256>, [](auto& s) -> auto& { return s.mx.check_threads; }>(
        "mx.check_threads", restart, "Messages that are checked at the same time; as many again may wait, eight times over."),
    setting<number<0, 10000>, [](auto& s) -> auto& { return s.mx.tarpit_after; }>(
        "mx.tarpit_after", reload,
        "So many recipients may be refused in a stranger's session; each further refusal comes late. It makes guessing "
        "addresses slow. 0: never."),
    setting<duration<0, minute>, [](auto& s) -> auto& { return s.mx.tarpit_delay; }>(
        "mx.tarpit_delay", reload, "How late each of these refusals comes."),
    setting<checked<single_domain, true>, [](auto& s) -> auto& { return s.forwarding.srs_domain; }>(
        "forwarding.srs_domain", reload,
        "The domain of the sender addresses that forwarded mail gets (SRS), so that the next server's SPF check passes "
        "and bounces find their way back. Its mail has to arrive here. \"\": the hostname.",
        "\"srs.example.com\""),
    setting<duration<day, 365 * day>, [](auto& s) -> auto& { return s.forwarding.srs_lifetime; }>(
        "forwarding.srs_lifetime", reload,
        "How long bounces to such an address are taken. It should be longer than any server tries."),
};

constexpr basic_option<milter> milter_table[] = {
    entry<milter, checked<backend_name, false>, [](auto& m) -> auto& { return m.name; }>(
        "name", reload, "What the log and refusals call it.", "\"rspamd\"", first_version),
    entry<milter, checked<milter_address, false>, [](auto& m) -> auto& { return m.address; }>(
        "address", reload,
        "Where it listens. The user that the server becomes has to be able to connect to the socket.",
        "\"unix:/run/rspamd/milter.sock\"", first_version),
    entry<milter, list<role_item>, [](auto& m) -> auto& { return m.roles; }>(
        "roles", reload, "Which listeners' mail it sees, by their role.", {}, first_version),
    entry<milter, list<listen_address_item>, [](auto& m) -> auto& { return m.listeners; }>(
        "listeners", reload, "Only those of them with these addresses, as they stand there. Empty: all.", "[\":25\"]",
        first_version),
    entry<milter, duration<100, 10 * minute>, [](auto& m) -> auto& { return m.timeout; }>(
        "timeout", reload,
        "How long it may take for one answer, and a connection to it to come about or become free.", {}, first_version),
    entry<milter, choice<milter_failure_words>, [](auto& m) -> auto& { return m.on_failure; }>(
        "on_failure", reload,
        "What is done with mail when it doesn't answer, or not in its protocol: `accept` without it, `defer` (451) or "
        "`refuse` (554).", {}, first_version),
    entry<milter, number<1, 10000>, [](auto& m) -> auto& { return m.connections; }>(
        "connections", reload,
        "The most connections to it, divided among the threads. When all are busy, mail waits, as long as an answer may "
        "take.", {}, first_version),
};
// clang-format on

}  // namespace

std::span<option const> mx_table() { return table; }
std::span<basic_option<milter> const> milter_options() { return milter_table; }

}  // namespace postern::config
