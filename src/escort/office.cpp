#include "escort/office.hpp"

#include <future>
#include <utility>

#include <pthread.h>

#include "base/log.hpp"
#include "base/text.hpp"
#include "directory/web_client.hpp"
#include "http/gzip.hpp"
#include "mail/tlsrpt_record.hpp"
#include "signing/message_signing.hpp"

namespace postern::escort {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// Not all servers of the world at midnight (RFC 8460 section 4.1), and not for ever.
constexpr std::uint64_t spread_seconds = 4 * 3600;
constexpr auto try_again = 1h;
constexpr std::int64_t keep_days = 3;
constexpr auto patience = 60s;
constexpr std::size_t longest_answer = 64u << 10;
constexpr long least_success = 200, first_failure = 300;
constexpr char const* debian_anchor = "/usr/share/dns/root.key";

}  // namespace

dns::options dns_options_of(config::settings const& s)
{
    dns::options o;
    o.servers = s.dns.servers;
    std::error_code none;
    if (s.dns.trust_anchor.empty() && std::filesystem::exists(debian_anchor, none)) {
        o.trust_anchor = debian_anchor;
        o.tolerant = true;
    } else if (s.dns.trust_anchor != "none") {
        o.trust_anchor = s.dns.trust_anchor;
    }
    return o;
}

resolver_maker resolver_of(config::settings const& s)
{
    return [o = dns_options_of(s)](asio::any_io_executor const& executor) { return dns::make_resolver(executor, o); };
}

office::office(office_options o, config::settings const& s, spool::spool& queue, signing::signer& signer,
               std::unique_ptr<database> kept)
    : options_(std::move(o)), queue_(queue), signer_(signer), kept_(std::move(kept)), settings_(s)
{
    auto source = options_.source;
    if (!source) source = make_web_source(options_.make_resolver, options_.authorities);
    policies_ = std::make_unique<sts_cache>(*kept_, std::move(source), options_.now);
    thread_ = std::thread{[this] { work(); }};
    ::pthread_setname_np(thread_.native_handle(), "tls-reports");
}

result<std::unique_ptr<office>> office::open(office_options o, config::settings const& s, spool::spool& queue,
                                             signing::signer& signer)
{
    auto kept = open_database(o.folder);
    if (!kept) return std::move(kept.error());
    return std::unique_ptr<office>{new office{std::move(o), s, queue, signer, std::move(*kept)}};
}

office::~office() { stop(); }

void office::stop()
{
    {
        std::lock_guard const hold{lock_};
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
    policies_->stop();
    store_sessions();
}

void office::reload(config::settings const& s)
{
    std::lock_guard const hold{lock_};
    settings_ = s;
}

void office::work()
{
    auto next_look = steady_clock::now() + options_.look_every;
    std::unique_lock hold{lock_};
    while (!wake_.wait_for(hold, options_.store_every, [this] { return stopping_.load(); })) {
        hold.unlock();
        store_sessions();
        if (steady_clock::now() >= next_look) {
            send_due();
            next_look = steady_clock::now() + options_.look_every;
        }
        hold.lock();
    }
}

void office::store_sessions()
{
    auto const rows = book_.take();
    if (rows.empty()) return;
    if (auto r = kept_->add(rows); !r)
        log::event(log::level::error, "tls_sessions_not_stored", {{"problem", r.error().logged}});
}

result<std::vector<day_summary>> office::days()
{
    store_sessions();
    return kept_->days();
}

result<std::string> office::report(std::int64_t day, std::string const& domain)
{
    store_sessions();
    auto const rows = kept_->sessions(day, domain);
    if (!rows) return rows.error();
    return make_report(facts_of(day, domain), *rows);
}

void office::send_due()
{
    std::lock_guard const one{sending_};
    bool wanted = false;
    {
        std::lock_guard const hold{lock_};
        wanted = settings_.tlsrpt.send;
    }
    auto const now = options_.now();
    auto const today = day_of(now);
    if (auto r = kept_->forget_before(wanted ? today - keep_days : today); !r)
        log::event(log::level::error, "tls_sessions_not_stored", {{"problem", r.error().logged}});
    if (!wanted) return;
    auto const all = kept_->days();
    if (!all) return log::event(log::level::error, "tls_report_failed", {{"problem", all.error().logged}});
    std::erase_if(not_before_, [&](auto const& e) { return e.first.first < today - keep_days; });
    for (auto const& d : *all) {
        if (stopping_) return;
        auto const spread = std::chrono::seconds{std::hash<std::string>{}(d.domain) % spread_seconds};
        if (d.day >= today || now < begin_of_day(d.day + 1) + spread) continue;
        auto const key = std::pair{d.day, d.domain};
        if (auto const at = not_before_.find(key); at != not_before_.end() && now < at->second) continue;
        auto const done = send(d.day, d.domain);
        if (!done.problem.empty()) not_before_[key] = now + try_again;
    }
}

result<std::vector<office::dispatch>> office::send_now(bool today)
{
    std::lock_guard const one{sending_};
    store_sessions();
    auto const all = kept_->days();
    if (!all) return all.error();
    auto const end = day_of(options_.now()) + (today ? 1 : 0);
    std::vector<dispatch> out;
    for (auto const& d : *all)
        if (d.day < end && !stopping_) out.push_back(send(d.day, d.domain));
    return out;
}

report_facts office::facts_of(std::int64_t day, std::string const& domain) const
{
    std::lock_guard const hold{lock_};
    auto const& s = settings_;
    report_facts f;
    f.hostname = s.hostname;
    f.organization = s.tlsrpt.organization.empty() ? s.hostname : s.tlsrpt.organization;
    f.contact = s.tlsrpt.contact.empty() ? "postmaster@" + s.hostname : s.tlsrpt.contact;
    f.from = s.tlsrpt.from.empty() ? "tls-reports@" + s.hostname : s.tlsrpt.from;
    f.domain = domain;
    f.day = day;
    return f;
}

office::dispatch office::send(std::int64_t day, std::string const& domain)
{
    dispatch d{day, domain, {}, true, {}};
    auto const answer = ask_for_texts(options_.make_resolver, mail::tlsrpt_record_name(domain), stopping_);
    bool const unclear = answer.what == dns::finding::temporary || answer.what == dns::finding::bogus;
    auto const where = mail::parse_tlsrpt_record(answer.records);
    if (unclear) {
        d.problem = answer.problem.empty() ? "no answer from the DNS" : answer.problem;
    } else if (!where) {
        d.wanted = false;
    } else if (auto const rows = kept_->sessions(day, domain); !rows) {
        d.problem = rows.error().logged;
    } else {
        auto const facts = facts_of(day, domain);
        auto const zipped = http::gzip(make_report(facts, *rows), http::effort::best);
        for (auto const& to : where->mail) {
            auto problem = hand_over(facts, zipped, to);
            if (problem.empty()) d.places.push_back("mailto:" + to.to_string());
            if (!problem.empty()) d.problem = std::move(problem);
        }
        for (auto const& url : where->web) {
            auto problem = post(url, zipped);
            if (problem.empty()) d.places.push_back(url);
            if (!problem.empty()) d.problem = std::move(problem);
        }
        // One place that has it will do: nobody gets it twice for another one's sake.
        if (!d.places.empty()) d.problem.clear();
        log::event(d.problem.empty() ? log::level::info : log::level::warning, "tls_report",
                   {{"domain", domain},
                    {"report_id", facts.id()},
                    {"to", d.places.empty() ? std::string{} : d.places.front()},
                    {"problem", d.problem}});
    }
    if (d.problem.empty()) {
        if (auto r = kept_->forget(day, domain); !r) d.problem = r.error().logged;
    }
    return d;
}

// Empty: it is in the queue.
std::string office::hand_over(report_facts const& f, std::string const& zipped, mail::mailbox const& to)
{
    auto const now = options_.now();
    auto [what, text] = make_report_mail(f, zipped, to, now);
    if (auto const keys = signer_.keys(); keys && !keys->empty())
        text.insert(0, signing::signatures_for(keys, text, now));
    what.size = text.size();
    auto body = queue_.new_content();
    if (auto written = body->append(text); !written) return written.error().logged;
    auto const said = std::make_shared<std::promise<std::string>>();
    auto answer = said->get_future();
    queue_.accept(std::move(what), std::move(body),
                  [said](result<> r) { said->set_value(r ? std::string{} : r.error().logged); });
    if (answer.wait_for(patience) != std::future_status::ready) return "the queue does not answer";
    return answer.get();
}

// RFC 8460 section 5.4. Empty: it was taken.
std::string office::post(std::string const& url, std::string const& zipped)
{
    auto const rest = std::string_view{url}.substr(std::string_view{"https://"}.size());
    std::string const authority{rest.substr(0, rest.find_first_of("/?#"))};
    directory::web_client web;
    directory::web_client::request r;
    r.url = url;
    r.authorities = options_.authorities;
    r.body = zipped;
    r.body_type = "application/tlsrpt+gzip";
    r.timeout = patience;
    r.longest = longest_answer;
    // With a port or an address in it, the system's way is as good.
    if (authority.find_first_of(":[") == std::string::npos)
        r.resolved = resolve_for_web(options_.make_resolver, authority, stopping_);
    auto const answer = web.ask(r, stopping_);
    if (!answer) return printable(answer.error().logged, 300);
    if (answer->status >= least_success && answer->status < first_failure) return {};
    return url + ": the web server answered with " + std::to_string(answer->status);
}

}  // namespace postern::escort
