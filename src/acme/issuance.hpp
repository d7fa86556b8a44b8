// One certificate, from the authority's directory to the file that it sends (RFC 8555 section 7), as a state machine that
// touches no socket, no disk and no clock. The caller does what a step says, and reports back through the on_...()
// beside it. All waits end: each has a bound, and the whole has a deadline.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "acme/answers.hpp"
#include "acme/key.hpp"
#include "base/clock.hpp"
#include "base/secret.hpp"

namespace postern::acme {

/// How a name is proven: the file to show over HTTP (RFC 8555 section 8.3), or what a certificate has to hold (RFC 8737).
struct proof {
    std::string type;  // "http-01" or "tls-alpn-01"
    std::string name;
    std::string token, key_authorization;
};

/// Whom we are to the authority, and what we want from it.
struct wishes {
    std::string directory;  // URL
    std::string account;    // URL, where we have an account; empty: a new one is made
    std::string order;      // URL of one to go on with, made for these names; empty, or gone there: a new one is made
    std::string contact;    // an address, or empty
    std::string external_account;
    secret external_key;             // octets
    std::vector<std::string> names;  // at least one
    std::vector<std::string> kinds;  // of proofs that we can show, the better first
    std::string request;             // for the certificate, in DER
};

// What to do next.
struct call {  // then on_answer()
    enum class kind : std::uint8_t { get, head, post } how = kind::get;
    std::string url{};
    std::string body{};  // of a POST: application/jose+json
};
struct show {  // so that the authority finds them; then on_shown()
    std::vector<proof> proofs;
};
struct later {  // ask again then; on_time()
    std::chrono::milliseconds time;
};
struct issued {
    std::string chain;  // PEM, as it came
};
/// Why there is no certificate.
struct trouble {
    enum class cause : std::uint8_t {
        silence,     // nobody answered, or not as a server of RFC 8555 does
        proof,       // the authority did not find a name to be ours
        rate_limit,  // too many orders, or too many failures
        account,     // it doesn't take our account
        caa,         // the DNS of a name forbids it
        name,        // it gives out no certificate for a name
        busy,        // it has a trouble of its own
        unprovable,  // it offers no proof that we can show
        other,
    } why = cause::other;
    std::string type{};    // of the problem document, without the common prefix
    std::string detail{};  // in the authority's own words, printable
    std::vector<std::string> names{};
    std::optional<std::chrono::seconds> retry_after{};
    bool ordered = false;  // it had taken the order
};
using step = std::variant<call, show, later, issued, trouble>;

class issuance {
public:
    issuance(wishes w, ec_key account_key, steady_time now, std::chrono::seconds limit = std::chrono::minutes{10});

    step begin();
    step on_answer(answer const& a, wall_time now, steady_time steady);
    step on_shown();
    step on_time();

    /// To be kept, once there is one: also after a failure.
    std::string const& account() const noexcept { return wishes_.account; }
    /// To be kept, with the key of `request`, as long as it may be gone on with; empty: there is none yet.
    std::string const& order() const noexcept { return order_url_; }
    /// Empty until the directory was read.
    service_urls const& directory() const noexcept { return directory_; }

private:
    enum class at : std::uint8_t {
        directory,
        account,
        resumed,  // looks how far the order of the wishes has come
        order,
        look,       // at an authorization, for what is to be proven
        answered,   // the authority was told that a proof can be seen
        proven,     // waits for an authorization
        ready,      // waits for the order
        finalized,  // waits for the certificate
        certificate,
    };

    step post(at where, std::string url, std::string payload);
    step read(at where, std::string url) { return post(where, std::move(url), {}); }
    step send();
    step judge(answer const& a);
    step take(answer const& a);
    bool is_asked_again(answer const& a) const;
    step on_directory(answer const& a);
    step on_order(acme::order const& o, answer const& a);
    step on_look(answer const& a);
    step on_proven(answer const& a);
    step make_account();
    step begin_order();
    step make_order();
    step go_on(acme::order o, std::string url, answer const& a);
    step look_at_next();
    step tell_next();
    step wait_for_next();
    step await_order();
    step again(answer const& a);
    step refused(answer const& a);
    static step strange(std::string what);

    wishes wishes_;
    ec_key key_;
    steady_time until_, steady_{};
    wall_time now_{};
    service_urls directory_;
    std::string nonce_;
    std::string order_url_;
    acme::order order_;
    std::vector<challenge> chosen_;            // beside proofs_
    std::vector<std::string> authorizations_;  // URLs of those that are to be proven, beside both
    std::vector<proof> proofs_;
    std::size_t next_ = 0;  // in whichever list is gone through
    at at_ = at::directory;
    call call_;  // under way; its payload, unsigned
    std::string payload_;
    bool asks_nonce_ = false;
    bool account_is_old_ = false;
    unsigned nonces_refused_ = 0;
    std::chrono::milliseconds pause_;
};

/// What a problem of the authority's means to us.
trouble to_trouble(problem const& p, long status);

}  // namespace postern::acme
