// Bearer tokens: whose login is it? Finds the issuer that a token is from, has it judged by
// the issuer's keys (issuer_keys.hpp), by its word (introspector.hpp), or by both, and
// knows what a client is told whose token is not taken.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "directory/introspector.hpp"
#include "directory/issuer_keys.hpp"
#include "directory/issuer_metadata.hpp"

namespace postern::directory {

/// Which tokens the issuer is asked about.
enum class introspect : std::uint8_t {
    none,
    opaque,  // those that are no JWTs
    all,     // JWTs, too, when their signature and claims are good
    only,    // all, and nothing is judged here: no keys are needed
};

struct issuer_options {
    token_rules rules;
    std::string keys;  // path or URL; empty: as discovery finds it
    introspect asks = introspect::none;
    introspection_options introspection;
    std::filesystem::path authorities;
};

/// How an issuer is, for `postern status`.
struct issuer_health {
    std::string issuer;
    bool up = false;                  // it answered the last time, and there are keys where they are needed
    std::optional<std::size_t> keys;  // nothing: none are needed
    std::optional<std::chrono::seconds> keys_age;  // since they were read; nothing: never
    std::string detail;                            // for people
};

class token_verifier {
public:
    using handler = std::function<void(result<token_judgement>)>;

    explicit token_verifier(std::vector<issuer_options> issuers);
    /// Stops.
    ~token_verifier();
    token_verifier(token_verifier const&) = delete;
    token_verifier& operator=(token_verifier const&) = delete;

    /// Calls the handler once: at once when everything is at hand, else on another thread.
    void verify(secret token, handler h);
    /// Waiting tokens are answered with "unavailable". May take a moment, while an issuer is slow; when it
    /// returns, no handler is called by a thread of ours any more.
    void stop();
    /// In the order of the settings. Asks nobody: it is what was last found.
    std::vector<issuer_health> health() const;
    /// Whether another machine has to be asked: who sends such ones costs others work.
    bool is_asked_about(secret const& token) const;

    /// What the client is told (RFC 7628 section 3.2.2): a JSON object. Nothing in it
    /// depends on the token but which issuer it names, and whether the scope was the problem.
    std::string refusal(token_judgement const& why, bool google_format) const;

private:
    struct issuer {
        issuer_options options;
        std::shared_ptr<discovery> found;
        std::unique_ptr<introspector> asks;  // null: never
        std::unique_ptr<issuer_keys> keys;   // null with introspect::only
    };
    struct route {
        std::vector<std::size_t> issuers;  // in the order to ask them; empty: nobody's
        bool signed_by = false;            // a JWT of the one issuer
        char const* why = "";              // when nobody's
    };
    route route_of(std::string_view token) const;
    void judge_signed(std::size_t index, secret token, handler h);
    void ask_in_turn(std::vector<std::size_t> issuers, std::size_t next, secret const& token, handler h);

    std::vector<issuer> issuers_;
};

}  // namespace postern::directory
