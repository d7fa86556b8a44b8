#include "signing/dns_watch.hpp"

#include <algorithm>
#include <optional>

#include <pthread.h>

#include "base/log.hpp"
#include "signing/dns_check.hpp"

namespace postern::signing {
namespace {

using namespace std::chrono_literals;

constexpr auto answer_limit = 10s;

std::optional<std::chrono::seconds> pause_of(std::vector<key_view> const& keys, wall_time now)
{
    std::optional<std::chrono::seconds> pause;
    for (auto const& k : keys) {
        if (k.row.state != key_state::waiting) continue;
        auto const own = pause_at(std::chrono::duration_cast<std::chrono::seconds>(now - k.row.created));
        pause = pause ? std::min(*pause, own) : own;
    }
    return pause;
}

}  // namespace

std::chrono::seconds pause_at(std::chrono::seconds age) { return std::clamp(age / 6, 2s, 600s); }

dns_watch::dns_watch(key_store& keys, std::function<std::shared_ptr<config::settings const>()> settings)
    : keys_(keys), settings_(std::move(settings)), thread_([this] { work(); })
{
    ::pthread_setname_np(thread_.native_handle(), "dkim-watch");
}

dns_watch::~dns_watch() { stop(); }

void dns_watch::wake()
{
    {
        std::lock_guard const hold{lock_};
        woken_ = true;
    }
    wake_.notify_all();
}

void dns_watch::stop()
{
    {
        std::lock_guard const hold{lock_};
        ending_ = true;
    }
    stop_.request_stop();
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void dns_watch::look()
{
    std::vector<key_view> waiting;
    for (auto& k : keys_.list())
        if (k.row.state == key_state::waiting && k.problem.empty()) waiting.push_back(std::move(k));
    if (waiting.empty()) return;
    auto const seen = check_records(*settings_(), waiting, answer_limit, stop_.get_token());
    for (std::size_t i = 0; i < waiting.size(); ++i) {
        auto const& r = waiting[i].row;
        if (seen[i].what != published::matches && seen[i].what != published::testing) continue;
        // It may have been taken away meanwhile.
        if (auto done = keys_.activate(r.domain, r.selector, wall_clock::now()); !done)
            log::event(log::level::warning, "dkim_key_not_activated",
                       {{"domain", r.domain}, {"selector", r.selector}, {"problem", done.error().logged}});
    }
}

void dns_watch::work()
{
    std::unique_lock hold{lock_};
    for (;;) {
        hold.unlock();
        auto const pause = pause_of(keys_.list(), wall_clock::now());
        hold.lock();
        auto const is_over = [this] { return ending_ || woken_; };
        if (pause) {
            wake_.wait_for(hold, *pause, is_over);
        } else {
            wake_.wait(hold, is_over);
        }
        if (ending_) return;
        woken_ = false;
        hold.unlock();
        look();
        hold.lock();
    }
}

}  // namespace postern::signing
