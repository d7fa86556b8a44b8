#include "login/judges.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

namespace postern::login {
namespace {

directory::issuer_options options_of(config::token_issuer const& i)
{
    using directory::introspect;
    directory::issuer_options o;
    o.rules = {i.issuer, i.audience, i.scope, i.account_claim, i.clock_skew};
    o.keys = i.keys;
    o.authorities = i.authorities;
    o.introspection = {i.introspection, i.client_id, i.client_secret, i.bearer, i.authorities, i.timeout, i.cache_life};
    bool const can_ask = !i.introspection.empty() || !i.client_id.empty() || !i.bearer.empty();
    o.asks = i.introspect == "all"    ? introspect::all
             : i.introspect == "only" ? introspect::only
             : can_ask                ? introspect::opaque
                                      : introspect::none;
    return o;
}

std::vector<directory::issuer_options> issuers_of(config::settings const& s)
{
    std::vector<directory::issuer_options> issuers{options_of(s.oauth)};
    for (auto const& i : s.oauth.more) issuers.push_back(options_of(i));
    return issuers;
}

bool takes_tickets(config::settings const& s)
{
    auto const all = config::all_mechanisms(s);
    return !s.kerberos.keytab.empty() && std::find(all.begin(), all.end(), "GSSAPI") != all.end();
}

directory::kerberos_options kerberos_options_of(config::settings const& s)
{
    directory::kerberos_options o;
    o.keytab = s.kerberos.keytab;
    o.service = s.kerberos.service;
    o.hostname = s.kerberos.hostname;
    o.replays = s.data_dir / "kerberos.seen";
    for (auto const& k : s.kerberos.realms) o.rules.realms.push_back({k.realm, k.domain});
    for (auto const& k : s.kerberos.principals) o.rules.bindings.push_back({k.principal, k.account});
    return o;
}

}  // namespace

/// Shared with what was made: that may be let go when the keeper is no more.
struct judge_keeper::inside {
    std::mutex lock;
    std::condition_variable wake;
    std::deque<std::function<void()>> endings;
    std::vector<std::weak_ptr<directory::token_verifier>> tokens;
    std::vector<std::weak_ptr<directory::kerberos>> kerberos;
    bool stopping = false;

    void run()
    {
        std::unique_lock hold{lock};
        for (;;) {
            wake.wait(hold, [this] { return stopping || !endings.empty(); });
            if (endings.empty()) return;
            auto const end = std::move(endings.front());
            endings.pop_front();
            hold.unlock();
            end();
            hold.lock();
        }
    }

    /// On the keeper's thread. When that has ended, all that there is has stopped and nothing waits.
    void let_go(std::function<void()> end)
    {
        {
            std::lock_guard const hold{lock};
            if (!stopping) {
                endings.push_back(std::move(end));
                wake.notify_one();
                return;
            }
        }
        end();
    }
};

namespace {

template <class Judge, class Inside, class Options>
std::shared_ptr<Judge> keep(std::vector<std::weak_ptr<Judge>>& known, std::shared_ptr<Inside> const& inside,
                            Options options)
{
    std::shared_ptr<Judge> made{new Judge{std::move(options)},
                                [inside](Judge* j) { inside->let_go([j] { delete j; }); }};
    std::lock_guard const hold{inside->lock};
    std::erase_if(known, [](auto const& j) { return j.expired(); });
    known.push_back(made);
    return made;
}

template <class Judge>
void stop_all(std::vector<std::weak_ptr<Judge>> const& known)
{
    for (auto const& k : known)
        if (auto const j = k.lock()) j->stop();
}

}  // namespace

sasl::account_means judges::with(sasl::account_means m) const
{
    m.token = tokens != nullptr;
    m.ticket = kerberos != nullptr && kerberos->usable();
    return m;
}

judge_keeper::judge_keeper() : inside_(std::make_shared<inside>()), thread_([in = inside_] { in->run(); })
{
    ::pthread_setname_np(thread_.native_handle(), "judges");
}

judge_keeper::~judge_keeper() { stop(); }

judges judge_keeper::make(config::settings const& s)
{
    judges out;
    if (!s.oauth.issuer.empty()) out.tokens = keep(inside_->tokens, inside_, issuers_of(s));
    if (takes_tickets(s)) out.kerberos = keep(inside_->kerberos, inside_, kerberos_options_of(s));
    return out;
}

void judge_keeper::stop()
{
    {
        std::lock_guard const hold{inside_->lock};
        inside_->stopping = true;
    }
    inside_->wake.notify_all();
    // It first ends those that nobody holds any more.
    if (thread_.joinable()) thread_.join();
    stop_all(inside_->tokens);
    stop_all(inside_->kerberos);
    // Even a weak pointer keeps what lets them go, and that keeps this.
    inside_->tokens.clear();
    inside_->kerberos.clear();
}

std::string check_kerberos(config::settings const& s)
{
    if (s.kerberos.keytab.empty()) return {};
    if (!takes_tickets(s))
        return "kerberos.keytab is set, but GSSAPI is neither in auth.mechanisms nor in those of a listener: tickets "
               "are not taken";
    return directory::check_kerberos(kerberos_options_of(s));
}

}  // namespace postern::login
