// Asks an issuer about tokens (RFC 7662), on a few threads of its own: a bounded queue,
// and a deadline for each question. An issuer that can't be asked is an error, never a
// refusal. Answers are remembered by a keyed hash of the token, for a short time and never
// beyond the token's end.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "directory/blocking_pool.hpp"
#include "directory/generation_cache.hpp"
#include "directory/introspection.hpp"

namespace postern::directory {

class discovery;

struct introspection_options {
    std::string endpoint;  // URL; empty: as discovery finds it
    // Who asks (RFC 7662 section 2.1): with a name and the password in a file, or with the
    // token in a file. Read for each question, so new ones are taken up at once.
    std::string client_id;
    std::filesystem::path client_secret;
    std::filesystem::path bearer;
    std::filesystem::path authorities;
    std::chrono::milliseconds timeout{5'000};
    std::chrono::seconds cache_life{60};  // 0: each log-in asks
};

class introspector {
public:
    using handler = std::function<void(result<token_judgement>)>;

    introspector(introspection_options o, token_rules rules, std::shared_ptr<discovery> found);
    ~introspector();
    introspector(introspector const&) = delete;
    introspector& operator=(introspector const&) = delete;

    /// Calls the handler once: at once when the answer is remembered, else on another thread.
    /// `account`: of a JWT that was found good, whose the token then has to be; else empty.
    void judge(secret const& token, std::string const& account, handler h);
    /// Those who wait are answered with an error, and so is whoever comes later.
    void stop();
    /// Why the last question was not answered; empty: it was, or nobody asked yet.
    std::string trouble() const;

private:
    struct memory {
        token_judgement judgement;
        steady_time until;
    };
    /// What a thread may still hold when the introspector is gone.
    struct inside;

    std::shared_ptr<inside> const inside_;
    blocking_pool pool_;
};

}  // namespace postern::directory
