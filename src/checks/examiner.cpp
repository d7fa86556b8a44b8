#include "checks/examiner.hpp"

#include <algorithm>

#include <pthread.h>

#include "checks/dkim.hpp"
#include "checks/domains.hpp"
#include "checks/spf.hpp"
#include "mail/dmarc.hpp"

namespace postern::checks {

using mail::auth_result;

namespace {

constexpr std::size_t waiting_for_each = 8;

bool spf_proves(mail::findings const& f, std::string const& domain, bool strict)
{
    return f.spf.what == auth_result::pass && aligned(f.spf.domain, domain, strict);
}

bool dkim_proves(mail::findings const& f, std::string const& domain, bool strict)
{
    return std::any_of(f.dkim.begin(), f.dkim.end(),
                       [&](auto const& d) { return d.what == auth_result::pass && aligned(d.domain, domain, strict); });
}

struct policy_found {
    auth_result state = auth_result::none;  // none, or why it is not known; pass: there is one
    mail::dmarc_record record;
    bool of_organization = false;
};

policy_found find_policy(inquiry& names, std::string const& domain)
{
    policy_found p;
    auto const org = organizational_domain(domain);
    for (bool const at_organization : {false, true}) {
        if (at_organization && org == domain) break;
        auto const answer = names.txt("_dmarc." + (at_organization ? org : domain));
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

// pct= (RFC 7489 section 6.6.4): the rest gets the next milder policy. The queue's id is random.
mail::dmarc_policy sampled(mail::dmarc_policy wanted, unsigned percent, std::string const& queue_id)
{
    if (percent >= 100 || std::hash<std::string>{}(queue_id) % 100 < percent) return wanted;
    return wanted == mail::dmarc_policy::reject ? mail::dmarc_policy::quarantine : mail::dmarc_policy::none;
}

void judge(inquiry& names, mail::findings& f, mail::author& a, std::string const& queue_id)
{
    auto const& domain = a.address.domain;
    a.proven = spf_proves(f, domain, false) || dkim_proves(f, domain, false);
    auto const found = find_policy(names, domain);
    a.dmarc = found.state;
    if (found.state != auth_result::pass) return;
    auto const& r = found.record;
    bool const passed = spf_proves(f, domain, r.strict_spf) || dkim_proves(f, domain, r.strict_dkim);
    a.dmarc = passed ? auth_result::pass : auth_result::fail;
    a.policy = sampled(found.of_organization ? r.subdomain_policy : r.policy, r.percent, queue_id);
}

mail::findings check(inquiry& names, dkim_checker& dkim, examination const& what)
{
    mail::findings f;
    f.spf = check_spf(names, what.client, what.helo, what.sender);
    f.dkim = dkim.check(names, what.queue_id, *what.message);
    f.authors = what.authors;
    for (auto& a : f.authors) judge(names, f, a, what.queue_id);
    auto const& sender = what.sender.address.domain;
    f.sender_proven = !what.sender.null && (spf_proves(f, sender, false) || dkim_proves(f, sender, false));
    f.unknown = names.unknown();
    return f;
}

mail::findings unchecked(examination const& what)
{
    mail::findings f;
    f.spf.what = auth_result::temperror;
    f.spf.domain = what.sender.null ? std::string{} : what.sender.address.domain;
    f.authors = what.authors;
    for (auto& a : f.authors) a.dmarc = auth_result::temperror;
    f.unknown.emplace_back("nothing was checked: all threads are busy");
    return f;
}

}  // namespace

result<std::unique_ptr<examiner>> examiner::make(dns::options const& o, unsigned threads)
{
    auto names = waiting_names::make(o);
    if (!names) return std::move(names).error();
    return std::unique_ptr<examiner>{new examiner{std::move(*names), threads}};
}

examiner::examiner(std::unique_ptr<waiting_names> names, unsigned threads)
    : names_(std::move(names)), most_waiting_(threads * waiting_for_each)
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
    auto const until = steady_clock::now() + what.limit;
    {
        std::unique_lock lock{lock_};
        if (!ending_ && tasks_.size() < most_waiting_) {
            tasks_.push_back({std::move(what), std::move(told), until});
            lock.unlock();
            wake_.notify_one();
            return;
        }
    }
    told(unchecked(what));
}

void examiner::work()
{
    dkim_checker dkim;
    for (;;) {
        std::unique_lock lock{lock_};
        wake_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        auto t = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        inquiry names{*names_, t.until};
        auto found = steady_clock::now() < t.until ? check(names, dkim, t.what) : unchecked(t.what);
        t.what.message.reset();
        t.told(std::move(found));
    }
}

}  // namespace postern::checks
