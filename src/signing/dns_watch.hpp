// Waits for the records of new keys to appear in the DNS, and then brings the keys into use. A
// thread of its own, which asks at growing intervals, and sleeps where no key waits.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "config/settings.hpp"
#include "signing/key_store.hpp"

namespace postern::signing {

class dns_watch {
public:
    /// `settings`: those in force, asked at each look.
    dns_watch(key_store& keys, std::function<std::shared_ptr<config::settings const>()> settings);
    ~dns_watch();
    dns_watch(dns_watch const&) = delete;
    dns_watch& operator=(dns_watch const&) = delete;

    /// A key may wait that did not before.
    void wake();
    void stop();

private:
    void work();
    void look();

    key_store& keys_;
    std::function<std::shared_ptr<config::settings const>()> settings_;
    std::mutex lock_;
    std::condition_variable wake_;
    bool woken_ = false;
    bool ending_ = false;
    std::stop_source stop_;
    std::thread thread_;
};

/// How long to wait before the next look for a key of this age: a sixth of it, within limits.
std::chrono::seconds pause_at(std::chrono::seconds age);

}  // namespace postern::signing
