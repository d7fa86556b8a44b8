// A message that is there as a whole, before it is accepted: who looks it over, and what they
// change. What was changed is written anew, and signed only then.
#include "submission/session_driver.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/text.hpp"
#include "filters/draft.hpp"
#include "filters/milter_run.hpp"
#include "mail/address_list.hpp"
#include "mail/authentication.hpp"
#include "net/awaiting.hpp"
#include "policy/stranger.hpp"
#include "submission/facts.hpp"

namespace postern::submission {

using catalogue::make_verdict;
namespace rules = catalogue::rules;
namespace asio = boost::asio;

namespace {

// What our own fields add to a header section that was allowed to come in.
constexpr std::size_t room_for_own_fields = 64u << 10;
constexpr std::size_t piece_size = 64u << 10;
// Others of this thread get their turn after so many pieces.
constexpr unsigned pieces_at_once = 16;
constexpr std::size_t most_from_addresses = 50;
constexpr std::size_t most_author_domains = 5;
// For all milters of a message. Clients wait ten minutes behind its end (RFC 5321 section 4.5.3.2.6), and it is
// stored then, too.
constexpr auto longest_consultation = std::chrono::minutes{8};

catalogue::verdict spool_verdict(error const& e)
{
    bool const full = e.code == status{4, 3, 1};
    return make_verdict(full ? rules::disk_full : rules::spool_failure, {{"problem", e.logged}});
}

std::string joined(std::vector<std::string> const& names)
{
    std::string out;
    for (auto const& n : names) out += (out.empty() ? "" : ",") + n;
    return out;
}

std::string in_words(mail::findings const& f)
{
    std::string out = "spf=" + std::string{to_string(f.spf.what)};
    if (f.dkim.empty()) out += " dkim=none";
    for (auto const& d : f.dkim) out += " dkim=" + std::string{to_string(d.what)};
    for (auto const& a : f.authors) out += " dmarc=" + std::string{to_string(a.dmarc)};
    return out;
}

policy::stranger_options options_of(config::settings const& s)
{
    policy::stranger_options o;
    o.dmarc_reject = s.mx.dmarc_reject;
    o.dmarc_quarantine = s.mx.dmarc_quarantine;
    o.verify_local_senders = s.mx.local_senders == "verify";
    o.defer_unknown = s.mx.dns_failure == "defer";
    return o;
}

}  // namespace

/// Somebody from outside whom nobody vouches for. Programs of this machine are not: nothing in the DNS
/// tells whose mail they may send.
bool session_driver::is_stranger() const
{
    auto const& client = peer_->remote().address;
    return listener_.session.role == config::role::mx && session_->login().empty() && !client.is_loopback() &&
           !is_trusted();
}

bool session_driver::is_examined() const
{
    return services_.examiner != nullptr && runtime_->settings.mx.checks && is_stranger();
}

bool session_driver::is_looked_over() const { return !listener_.milters.empty() || is_examined(); }

net::awaitable<catalogue::verdict> session_driver::look_over(arrived_message* m)
{
    auto const limit = static_cast<std::size_t>(runtime_->settings.limits.header_size) + room_for_own_fields;
    auto opened = filters::draft::open(std::move(m->content), limit);
    if (!opened) co_return spool_verdict(opened.error());
    std::shared_ptr<filters::draft> const draft{std::move(*opened)};
    if (is_examined()) {
        auto refused = co_await examine(draft, m);
        if (!refused.accepted()) co_return refused;
    }
    if (!listener_.milters.empty()) {
        auto refused = co_await ask_milters(draft.get(), m);
        if (!refused.accepted() || !m->discarded_by.empty()) co_return refused;
    }
    auto const written = co_await write_anew(draft.get(), m);
    if (!written) co_return spool_verdict(written.error());
    if (!m->content) m->content = draft->take();
    co_return verdict{};
}

/// Whom the message says that it is from: one address of each domain.
catalogue::verdict session_driver::find_authors(filters::draft const& d, std::vector<mail::author>& authors)
{
    auto const malformed = [](char const* problem) {
        return make_verdict(rules::malformed_header, {{"problem", problem}});
    };
    for (auto const& f : d.fields()) {
        if (f.ours || !equal_ignoring_case(f.name(), "From")) continue;
        mail::list_error why{};
        auto const addresses = mail::parse_address_list(f.value(), most_from_addresses, why);
        if (!addresses) return malformed("the From field names no clear address");
        for (auto const& address : *addresses) {
            bool const there = std::any_of(authors.begin(), authors.end(),
                                           [&](auto const& a) { return a.address.domain == address.domain; });
            if (there || address.is_literal()) continue;
            if (authors.size() == most_author_domains) return malformed("its authors are of too many domains");
            auto const local = services_.accounts.is_local(address.domain);
            if (!local) return lookup_failed(local.error());
            mail::author a;
            a.address = address;
            a.local = *local;
            authors.push_back(std::move(a));
        }
    }
    return {};
}

net::awaitable<catalogue::verdict> session_driver::examine(std::shared_ptr<filters::draft> d, arrived_message* m)
{
    auto const& s = runtime_->settings;
    policy::stranger_facts f;
    f.sender = m->what.env.reverse_path;
    if (!f.sender.null) {
        auto const local = services_.accounts.is_local(f.sender.address.domain);
        if (!local) co_return lookup_failed(local.error());
        f.sender_local = *local;
    }
    checks::examination what;
    auto const unclear = find_authors(*d, what.authors);
    if (!unclear.accepted()) co_return unclear;
    what.queue_id = queue_id_;
    what.client = peer_->remote().address;
    what.helo = session_->ehlo_argument();
    what.sender = f.sender;
    what.message = d;
    what.limit = s.mx.check_timeout;
    auto* const examiner = services_.examiner;
    auto begin = [examiner, &what](checks::examiner::handler told) {
        examiner->examine(std::move(what), std::move(told));
    };
    f.found = co_await net::await_handler<mail::findings>(peer_->executor(), std::move(begin));
    m->authenticity = in_words(f.found);
    auto judged = policy::judge(f, options_of(s));
    if (!judged.verdict.accepted()) co_return std::move(judged.verdict);
    if (judged.mark) d->insert(0, {"X-Spam-Flag: YES\r\n", true});
    d->insert(0, {mail::authentication_results(s.hostname, f.found), true});
    if (judged.hold) {
        m->held_by = &rules::dmarc_held;
        m->hold_reason = m->authenticity;
    }
    co_return verdict{};
}

net::awaitable<catalogue::verdict> session_driver::ask_milters(filters::draft* d, arrived_message* m)
{
    auto const& s = runtime_->settings;
    filters::occasion o;
    o.hostname = s.hostname;
    o.queue_id = queue_id_;
    o.session = who_.id;
    o.client = peer_->remote();
    o.local = peer_->local();
    o.listener = listener_.session.role == config::role::mx ? "mx" : "submission";
    o.helo = session_->ehlo_argument();
    o.account = session_->login();
    o.mechanism = session_->mechanism();
    o.tls_version = session_->tls_details().version;
    o.tls_cipher = session_->tls_details().cipher;
    o.tls_bits = session_->tls_details().bits;
    o.message_size = s.limits.message_size;
    o.until = steady_clock::now() + longest_consultation;
    o.new_content = [this] { return services_.queue.new_content(); };
    auto judged = co_await filters::consult(&services_.milters, &listener_.milters, &o, &m->what.env, d);
    m->milters = joined(judged.seen_by);
    m->discarded_by = std::move(judged.discarded_by);
    if (!judged.hold.empty()) {
        m->held_by = &rules::milter_held;
        m->hold_reason = std::move(judged.hold);
    }
    co_return std::move(judged.verdict);
}

/// Where something was changed, or it is to be signed.
net::awaitable<result<>> session_driver::write_anew(filters::draft const* d, arrived_message* m)
{
    std::string head = d->header();
    // Whatever was added to it, there are no more fields than octets: one without a limit is not left unsigned.
    if (keys_)
        if (auto const fields = mail::parse_fields(head, head.size()))
            m->signing = signing::message_signing::begin(keys_, *fields, m->what.accepted_at);
    if (!m->signing && !d->changed()) co_return done{};
    if (m->signing) head.insert(0, m->signing->placeholder());
    head += "\r\n";
    auto out = services_.queue.new_content();
    content_scan scan;
    scan.add(head);
    auto written = out->append(head);
    unsigned pieces = 0;
    for (std::uint64_t at = 0; written && at < d->body_size(); at += piece_size) {
        auto const piece = d->read_body(at, piece_size);
        if (!piece) co_return piece.error();
        scan.add(*piece);
        if (m->signing) m->signing->add_body(*piece);
        written = out->append(*piece);
        if (++pieces % pieces_at_once == 0) co_await asio::post(peer_->executor(), asio::use_awaitable);
    }
    if (!written) co_return written;
    m->what.lines_begin_with_dot = scan.lines_begin_with_dot();
    if (m->what.env.body == mail::body_type::seven_bit && scan.eight_bit())
        m->what.env.body = mail::body_type::eight_bit_mime;
    m->content = std::move(out);
    co_return done{};
}

}  // namespace postern::submission
