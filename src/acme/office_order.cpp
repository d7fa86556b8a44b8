// Orders: one at a time, each from the directory to the file.
#include <algorithm>

#include "acme/office.hpp"
#include "acme/schedule.hpp"
#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "base/whole_file.hpp"
#include "directory/key_set.hpp"

namespace postern::acme {
namespace {

using namespace std::chrono_literals;
using cause = trouble::cause;

constexpr auto answer_limit = 30s;
// The web process asks about once a second; where none runs, the authority will say so.
constexpr auto web_limit = 10s;
// How long names stay out that the authority would not take.
constexpr auto refused_for = 24h;
constexpr unsigned most_retries = 4;

double dice() { return static_cast<unsigned char>(random_octets(std::size_t{1}).front()) / 255.0; }

std::string joined(std::vector<std::string> const& names)
{
    std::string out;
    for (auto const& name : names) out += (out.empty() ? "" : ", ") + name;
    return out;
}

trouble failed(cause why, std::string detail)
{
    trouble t;
    t.why = why;
    t.detail = std::move(detail);
    return t;
}

/// Into `w`; gives what is wrong.
std::string read_external_key(config::settings const& s, wishes& w)
{
    if (s.acme.external_account.empty()) return {};
    w.external_account = s.acme.external_account;
    auto const line = read_secret_line(s.acme.external_key_file);
    if (!line) return line.error().logged;
    auto text = line->reveal();
    while (text.ends_with('=')) text.remove_suffix(1);
    auto octets = directory::decode_base64url(text);
    if (!octets || octets->empty()) return s.acme.external_key_file.string() + " holds no key in base64url";
    w.external_key = secret::take(*octets);
    return {};
}

}  // namespace

void office::try_due(config::settings const& s)
{
    // The plan changes on this thread only, so it can be gone through without the lock.
    for (auto& p : plan_) {
        if (stopping_) return;
        {
            std::lock_guard const hold{lock_};
            if (!planned_at_) return;  // a new one comes first
            if (!is_due(p, wall_clock::now())) continue;
        }
        try_one(s, p);
        std::lock_guard const hold{lock_};
        forced_.erase(p.what.id);
        done_.notify_all();
    }
}

void office::try_one(config::settings const& s, planned& p)
{
    for (unsigned n = 0; n <= most_retries; ++n) {
        if (!p.looked_up || n != 0) {
            auto names = names_for(p.what, true);
            std::lock_guard const hold{lock_};
            p.wanted = std::move(names);
            p.looked_up = true;
        }
        if (p.wanted.empty() || stopping_) return;
        auto const t = order(s, p.what, p.wanted);
        if (stopping_) return;
        if (!t) {
            std::lock_guard const hold{lock_};
            p.looked_up = false;
            return;
        }
        // The others need not wait for a name that can't be proven.
        bool const others = concerns_names(t->why) && !t->names.empty() && t->names.size() < p.wanted.size() &&
                            !p.what.ours_for_sure && n < most_retries;
        if (!others) {
            on_trouble(p.what, p.wanted, *t);
            return;
        }
        for (auto const& name : t->names) {
            leave_out(name, t->detail);
            std::lock_guard const hold{lock_};
            if (refused_.size() < most_groups * most_names) refused_[name] = wall_clock::now() + refused_for;
        }
    }
}

std::optional<trouble> office::order(config::settings const& s, group const& g, std::vector<std::string> const& names)
{
    wishes w;
    w.kinds = kinds_of_proof(s);
    if (w.kinds.empty())
        return failed(cause::unprovable, s.acme.challenge == config::acme_challenge::tls_alpn_01
                                             ? "web.address is not set"
                                             : "web.http_address is not set");
    if (auto const wrong = read_external_key(s, w); !wrong.empty()) return failed(cause::account, wrong);
    auto us = shelf_.account_at(s.acme.directory);
    if (!us) return failed(cause::other, us.error().logged);
    auto under_way = order_for(s, g, names);
    if (!under_way) return failed(cause::other, under_way.error().logged);
    auto const& key = under_way->key;
    auto request = make_request(key, names);
    if (!request) return failed(cause::other, request.error().logged);
    w.directory = s.acme.directory;
    w.account = us->url;
    w.order = under_way->url;
    w.contact = s.acme.contact;
    w.names = names;
    w.request = std::move(*request);
    log::event(log::level::info, under_way->url.empty() ? "certificate_ordered" : "certificate_order_resumed",
               {{"names", joined(names)}, {"directory", s.acme.directory}});
    issuance machine{std::move(w), us->key, steady_clock::now()};
    auto const end = follow(s, machine, g, *under_way);
    hide_proofs();
    remember_authority(machine.directory());
    if (machine.account() != us->url) {
        us->url = machine.account();
        if (auto kept = shelf_.keep(s.acme.directory, *us); !kept)
            log::event(log::level::error, "acme_account_not_kept", {{"problem", kept.error().logged}});
    }
    if (auto const* t = std::get_if<trouble>(&end)) {
        if (!stopping_ && !leaves_the_order(t->why)) shelf_.drop_order(g.id);
        return *t;
    }
    std::unique_lock hold{lock_};
    auto taken = shelf_.put(g.id, std::get<issued>(end).chain, key, names);
    // One that is of no use stays so, however often it is fetched; what could not be written is there the next time.
    if (taken || taken.error().code == shelf::of_no_use) shelf_.drop_order(g.id);
    if (!taken) return failed(cause::other, taken.error().logged);
    log::event(
        log::level::info, "certificate_issued",
        {{"names", joined(names)}, {"file", shelf_.path_of(g.id).string()}, {"until", to_rfc3339(taken->not_after)}});
    certificates_[g.id] = std::move(*taken);
    suggested_.erase(g.id);
    if (attempts_.erase(g.id) != 0)
        if (auto kept = shelf_.keep_attempts(attempts_); !kept)
            log::event(log::level::error, "certificate_state_not_kept", {{"problem", kept.error().logged}});
    bundle_.reset();
    hold.unlock();
    if (g.for_mail) options_.changed();
    return std::nullopt;
}

/// The one that was begun before; else what a new one will be, without an URL yet.
result<kept_order> office::order_for(config::settings const& s, group const& g, std::vector<std::string> const& names)
{
    auto const now = wall_clock::now();
    auto const pinned = pinned_key(g);
    auto kept = shelf_.order_of(g.id);
    if (kept && fits(*kept, s.acme.directory, names, now) && (!pinned || pinned->jwk() == kept->key.jwk()))
        return std::move(*kept);
    auto key = pinned ? *pinned : ec_key::generate();
    if (!key) return std::move(key.error());
    return kept_order{s.acme.directory, {}, names, std::move(*key), now};
}

/// On disk before anything comes of it, or a restart would cost the certificate.
void office::keep_order(group const& g, kept_order& under_way, std::string const& url)
{
    if (url.empty() || url == under_way.url) return;
    under_way.url = url;
    under_way.begun = wall_clock::now();
    if (auto kept = shelf_.keep_order(g.id, under_way); !kept)
        log::event(log::level::error, "certificate_state_not_kept", {{"problem", kept.error().logged}});
}

step office::follow(config::settings const& s, issuance& machine, group const& g, kept_order& under_way)
{
    auto now = machine.begin();
    for (;;) {
        if (stopping_) return failed(cause::other, "the server stops");
        if (auto const* c = std::get_if<call>(&now)) {
            auto const a = ask(s, *c);
            now = machine.on_answer(a, wall_clock::now(), steady_clock::now());
            keep_order(g, under_way, machine.order());
        } else if (auto const* shown = std::get_if<show>(&now)) {
            if (auto t = show_proofs(shown->proofs)) return std::move(*t);
            now = machine.on_shown();
        } else if (auto const* p = std::get_if<later>(&now)) {
            wait(p->time);
            now = machine.on_time();
        } else {
            return now;
        }
    }
}

answer office::ask(config::settings const& s, call const& c)
{
    directory::web_client::request r;
    r.url = c.url;
    r.authorities = s.acme.authorities;
    r.timeout = answer_limit;
    r.longest = longest_answer;
    r.only_fields = c.how == call::kind::head;
    r.fields = {"Replay-Nonce", "Location", "Retry-After"};
    if (c.how == call::kind::post) {
        r.body = c.body;
        r.body_type = "application/jose+json";
    }
    auto got = web_.ask(r, stopping_);
    if (!got) return {0, got.error().logged};
    return {got->status, std::move(got->body), std::move(got->fields[0]), std::move(got->fields[1]),
            std::move(got->fields[2])};
}

/// That of the certificate that is there, where the DNS says that it is this one (RFC 7672): with another key, servers
/// that go by that would deliver nothing until the record follows.
std::optional<ec_key> office::pinned_key(group const& g)
{
    auto old = g.for_mail ? shelf_.key_of(g.id) : std::nullopt;
    if (!old) return std::nullopt;
    auto const digest = old->public_key_digest();
    auto const pins = escort::ask_for_tlsa(options_.make_resolver, "_25._tcp." + g.names.front(), stopping_);
    bool const pinned = std::ranges::any_of(pins.records, [&](dns::tlsa_record const& t) {
        return t.usage == 3 && t.selector == 1 && t.matching == 1 && t.data == digest;
    });
    if (!pinned) return std::nullopt;
    log::event(log::level::info, "certificate_key_kept",
               {{"name", g.names.front()}, {"reason", "a TLSA record names it"}});
    return old;
}

std::optional<trouble> office::show_proofs(std::vector<proof> const& proofs)
{
    std::vector<web_bundle::pair> certificates;
    for (auto const& p : proofs) {
        if (p.type != "tls-alpn-01") continue;
        auto key = ec_key::generate();
        if (!key) return failed(cause::other, key.error().logged);
        auto made = make_proof_certificate(*key, p.name, p.key_authorization);
        if (!made) return failed(cause::other, made.error().logged);
        certificates.push_back({{p.name}, std::move(*made), key->pem()});
    }
    std::unique_lock hold{lock_};
    proofs_ = proofs;
    if (certificates.empty()) return std::nullopt;
    proof_certificates_ = std::move(certificates);
    bundle_.reset();
    // The web process has it when it asks with the version of it.
    done_.wait_for(hold, web_limit, [this] { return stopping_ || (bundle_ && seen_by_web_ == bundle_->version); });
    return std::nullopt;
}

void office::hide_proofs()
{
    std::lock_guard const hold{lock_};
    proofs_.clear();
    if (proof_certificates_.empty()) return;
    proof_certificates_.clear();
    bundle_.reset();
}

void office::on_trouble(group const& g, std::vector<std::string> const& names, trouble const& t)
{
    std::lock_guard const hold{lock_};
    auto& a = attempts_[g.id];
    auto const now = wall_clock::now();
    ++a.failures;
    a.failed_at = now;
    a.not_before = now + wait_after(t, a.failures, dice());
    a.last = t;
    all_not_before_ = std::max(all_not_before_, all_wait_until(t, now, a.not_before));
    auto const& rule = rule_of(t.why);
    log::event(log::level::error, "certificate_failed",
               {{"names", joined(names)},
                {"rule", rule.name},
                {"type", t.type},
                {"problem", t.detail},
                {"failures", a.failures},
                {"next", to_rfc3339(a.not_before)}});
    if (auto kept = shelf_.keep_attempts(attempts_); !kept)
        log::event(log::level::error, "certificate_state_not_kept", {{"problem", kept.error().logged}});
}

}  // namespace postern::acme
