#include "checks/examiner.hpp"

#include <algorithm>
#include <exception>

#include <pthread.h>

#include "base/log.hpp"
#include "checks/alignment.hpp"
#include "checks/dkim.hpp"
#include "checks/spf.hpp"
#include "domains/organization.hpp"
#include "mail/dmarc.hpp"

namespace postern::checks {

using mail::auth_result;

namespace {

constexpr std::size_t waiting_for_each = 8;
// A network has no more than this part of the threads, and of the room in the line.
constexpr unsigned share = 4;

// Who is counted as one: what a provider gives to a customer with several machines.
ip_address network_of(ip_address const& a)
{
    auto octets = a.octets();
    std::fill(octets.begin() + (a.is_v4() ? 15 : 6), octets.end(), std::uint8_t{0});
    if (!a.is_v4()) return ip_address::v6(octets);
    return ip_address::v4(static_cast<std::uint32_t>(octets[12]) << 24 | static_cast<std::uint32_t>(octets[13]) << 16 |
                          static_cast<std::uint32_t>(octets[14]) << 8);
}

bool spf_proves(mail::findings const& f, std::string const& domain, bool strict)
{
    return f.spf.what == auth_result::pass && aligned(f.spf.domain, domain, strict);
}

bool dkim_proves(mail::findings const& f, std::string const& domain, bool strict)
{
    return std::any_of(f.dkim.begin(), f.dkim.end(),
                       [&](auto const& d) { return d.what == auth_result::pass && aligned(d.domain, domain, strict); });
}

// Whether SPF or DKIM may have proven it, had the DNS answered. What is unknown of other domains does not
// matter: a stranger can have any number of those.
bool might_be_proven(mail::findings const& f, std::string const& domain)
{
    auto const concerns = [&](std::string const& d) { return d.empty() || aligned(d, domain, false); };
    return (f.spf.what == auth_result::temperror && concerns(f.spf.domain)) ||
           std::any_of(f.dkim.begin(), f.dkim.end(),
                       [&](auto const& d) { return d.what == auth_result::temperror && concerns(d.domain); });
}

struct policy_found {
    auth_result state = auth_result::none;  // none, or why it is not known; pass: there is one
    mail::dmarc_record record;
    bool of_organization = false;
};

std::string policy_name(std::string const& domain) { return "_dmarc." + domain; }

policy_found find_policy(inquiry& names, std::string const& domain)
{
    policy_found p;
    auto const org = domains::organization_of(domain);
    for (bool const at_organization : {false, true}) {
        if (at_organization && org == domain) break;
        auto const answer = names.txt(policy_name(at_organization ? org : domain));
        if (answer.what == dns::finding::temporary || answer.what == dns::finding::bogus) {
            p.state = auth_result::temperror;
            return p;
        }
        auto const texts = mail::dmarc_records_of(answer.records);
        if (texts.empty()) continue;
        if (texts.size() > 1) break;  // RFC 7489 section 6.6.3: then there is none
        auto const record = mail::parse_dmarc_record(texts.front());
        p.state = record ? auth_result::pass : auth_result::permerror;
        if (record) p.record = *record;
        p.of_organization = at_organization;
        break;
    }
    return p;
}

// What the record wants of this domain. np= (RFC 9989 section 4.7) is about those that are not there.
mail::dmarc_policy wanted_of(inquiry& names, policy_found const& found, std::string const& domain)
{
    auto const& r = found.record;
    if (!found.of_organization) return r.policy;
    if (r.no_such_subdomain_policy == r.subdomain_policy) return r.subdomain_policy;
    bool const none_such = names.addresses(domain).what == dns::finding::no_such_name;
    return none_such ? r.no_such_subdomain_policy : r.subdomain_policy;
}

// pct= (RFC 7489 section 6.6.4): the rest gets the next milder policy, as all do with t=y (RFC 9989 section
// 4.7). The queue's id is random.
mail::dmarc_policy applied(mail::dmarc_policy wanted, mail::dmarc_record const& r, std::string const& queue_id)
{
    bool const all = r.percent >= 100 || std::hash<std::string>{}(queue_id) % 100 < r.percent;
    if (all && !r.testing) return wanted;
    return wanted == mail::dmarc_policy::reject ? mail::dmarc_policy::quarantine : mail::dmarc_policy::none;
}

void judge(inquiry& names, mail::findings& f, mail::author& a, std::string const& queue_id)
{
    auto const& domain = a.address.domain;
    a.proven = spf_proves(f, domain, false) || dkim_proves(f, domain, false);
    a.unclear = might_be_proven(f, domain);
    auto const found = find_policy(names, domain);
    a.dmarc = found.state;
    if (found.state != auth_result::pass) return;
    auto const& r = found.record;
    bool const passed = spf_proves(f, domain, r.strict_spf) || dkim_proves(f, domain, r.strict_dkim);
    a.dmarc = passed ? auth_result::pass : auth_result::fail;
    a.policy = applied(wanted_of(names, found, domain), r, queue_id);
}

// All that surely will be asked for, at once.
void prepare(inquiry& names, examination const& what)
{
    for (auto const& a : what.authors) {
        auto const& domain = a.address.domain;
        names.prepare_txt(policy_name(domain));
        names.prepare_txt(policy_name(domains::organization_of(domain)));
    }
    prepare_dkim(names, *what.message);
}

mail::findings check(inquiry& names, dkim_checker& dkim, examination const& what)
{
    mail::findings f;
    prepare(names, what);
    // A sender's SPF leads to as many names as he likes, as slow as he likes.
    names.limit_to(steady_clock::now() + what.limit / 2);
    f.spf = check_spf(names, what.client, what.helo, what.sender);
    names.limit_to(std::nullopt);
    f.dkim = dkim.check(names, what.queue_id, *what.message);
    f.authors = what.authors;
    for (auto& a : f.authors) judge(names, f, a, what.queue_id);
    auto const& sender = what.sender.address.domain;
    f.sender_proven = !what.sender.null && (spf_proves(f, sender, false) || dkim_proves(f, sender, false));
    f.sender_unclear = !what.sender.null && might_be_proven(f, sender);
    f.unknown = names.unknown();
    return f;
}

mail::findings unchecked(examination const& what, char const* why)
{
    mail::findings f;
    f.unchecked = true;
    f.spf.what = auth_result::temperror;
    f.spf.domain = what.sender.null ? std::string{} : what.sender.address.domain;
    f.authors = what.authors;
    for (auto& a : f.authors) a.dmarc = auth_result::temperror;
    f.unknown.emplace_back(std::string{"nothing was checked: "} + why);
    return f;
}

constexpr char const* busy = "all threads are busy";

// Whatever a message does to the libraries, it is the end of this check, not of the server.
mail::findings check_safely(inquiry& names, dkim_checker& dkim, examination const& what)
{
    try {
        return check(names, dkim, what);
    } catch (std::exception const& e) {
        log::event(log::level::error, "check_failed", {{"queue_id", what.queue_id}, {"error", e.what()}});
        return unchecked(what, "the check failed");
    }
}

}  // namespace

result<std::unique_ptr<examiner>> examiner::make(dns::options const& o, unsigned threads)
{
    auto names = waiting_names::make(o);
    if (!names) return std::move(names).error();
    return std::unique_ptr<examiner>{new examiner{std::move(*names), threads}};
}

examiner::examiner(std::unique_ptr<waiting_names> names, unsigned threads)
    : names_(std::move(names)),
      tasks_(
          {threads * waiting_for_each, std::max(1u, threads / share) * waiting_for_each, std::max(1u, threads / share)})
{
    for (unsigned i = 0; i < threads; ++i) {
        threads_.emplace_back([this] { work(); });
        ::pthread_setname_np(threads_.back().native_handle(), "check-mail");
    }
}

examiner::~examiner() { stop(); }

void examiner::stop()
{
    {
        std::lock_guard const lock{lock_};
        ending_ = true;
    }
    wake_.notify_all();
    names_->stop();
    for (auto& t : threads_)
        if (t.joinable()) t.join();
}

void examiner::examine(examination what, handler told)
{
    auto const of = network_of(what.client);
    task t{std::move(what), std::move(told), {}};
    t.until = steady_clock::now() + t.what.limit;
    {
        std::unique_lock lock{lock_};
        if (!ending_ && tasks_.add(of, t)) {
            lock.unlock();
            wake_.notify_one();
            return;
        }
    }
    t.told(unchecked(t.what, busy));
}

void examiner::work()
{
    dkim_checker dkim;
    for (;;) {
        std::unique_lock lock{lock_};
        wake_.wait(lock, [this] { return ending_ || tasks_.can_take(); });
        auto next = tasks_.take(ending_);
        if (!next) return;
        lock.unlock();
        auto& [of, t] = *next;
        inquiry names{*names_, t.until};
        auto found = steady_clock::now() < t.until ? check_safely(names, dkim, t.what) : unchecked(t.what, busy);
        t.what.message.reset();
        t.told(std::move(found));
        lock.lock();
        tasks_.done(of);
        bool const another = tasks_.can_take(ending_);
        lock.unlock();
        if (another) wake_.notify_one();
    }
}

}  // namespace postern::checks
