// Keeps an issuer's published keys, from a file or fetched by HTTPS, and judges tokens by
// them (jwt.hpp). The keys are renewed in the background, and at once when a token names one
// that is not known yet. While they can't be had, the answer is "unavailable", never
// "refused".
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "directory/jwt.hpp"

namespace postern::directory {

class discovery;

/// Where the document with the keys comes from.
class key_source {
public:
    virtual ~key_source() = default;
    /// May block; called on the verifier's own thread only.
    virtual result<std::string> fetch(std::atomic<bool> const& stop) = 0;
    /// Whether it is worth a fetch right now. Cheap; called on any thread.
    virtual bool changed() = 0;
};
/// A path or a URL; empty: as discovery finds it.
std::unique_ptr<key_source> make_key_source(std::string const& where, std::filesystem::path const& authorities,
                                            std::shared_ptr<discovery> found);

struct key_options {
    token_rules rules;
    std::chrono::milliseconds renew_after{3'600'000};  // fetched anew so long after the last time that went well
    std::chrono::seconds usable_for{86'400};
    std::chrono::seconds retry_after{5};      // by itself, so long after one that failed
    std::chrono::milliseconds pause{30'000};  // between two fetches, whoever asks
    std::size_t queue = 256;                  // tokens that may wait for a fetch
};

/// For `postern status`.
struct key_health {
    std::size_t keys = 0;
    std::optional<std::chrono::seconds> age;  // since they were read; nothing: never
    bool usable = false;                      // not too old
    std::string trouble;                      // of the last try; empty: none
};

class issuer_keys {
public:
    using handler = std::function<void(result<token_judgement>)>;

    issuer_keys(key_options o, std::unique_ptr<key_source> source);
    /// Stops.
    ~issuer_keys();
    issuer_keys(issuer_keys const&) = delete;
    issuer_keys& operator=(issuer_keys const&) = delete;

    /// Calls the handler once: at once when the keys are at hand, else on another thread.
    void judge(secret token, handler h);
    /// Ends the fetch that is under way, which may take a moment. Waiting tokens, and those that still
    /// come, are answered with "unavailable"; no handler is called by a thread of ours any more.
    void stop();
    key_health health() const;

private:
    struct waiter {
        secret token;
        handler answer;
    };
    void run();
    void fetch();
    void answer(std::vector<waiter> waiters);
    bool may_fetch(steady_time now) const;
    steady_time next_renewal() const;
    void note(error const* e);

    key_options const options_;
    std::unique_ptr<key_source> const source_;
    std::atomic<bool> stop_{false};

    mutable std::mutex lock_;
    std::condition_variable wake_;
    std::shared_ptr<key_set const> keys_;
    steady_time fetched_{};  // the last time that went well
    steady_time tried_{};
    bool ever_tried_ = false;
    bool failed_ = false;  // the last try
    bool wanted_ = true;   // one shall be made
    std::string trouble_;  // as the log has it
    std::vector<waiter> waiters_;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace postern::directory
