// One message that is being signed while it streams by. The signatures' place in front of it is
// left free when its header section is there, and filled when its body has ended; so it is read
// once, and kept nowhere.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "signing/keyring.hpp"

namespace postern::signing {

class message_signing {
public:
    /// With no key for its author: nothing. `keys` outlive it by being shared.
    static std::unique_ptr<message_signing> begin(std::shared_ptr<keyring const> keys,
                                                  std::vector<mail::header_field> const& fields, wall_time now);

    /// As long as what sign() gives; fields that mean nothing. Empty where no key can be used.
    std::string placeholder() const;
    void add_body(std::string_view piece)
    {
        if (!parts_.empty()) body_.add(piece);
    }
    /// The signature fields, or nothing: see problem(). Once; takes milliseconds, so not on a
    /// thread on which others wait.
    std::optional<std::string> sign();

    /// It can't be signed, for a reason that only the caller knows.
    void fail(std::string why) { problem_ = std::move(why); }
    /// Why it is not signed.
    std::string const& problem() const noexcept { return problem_; }
    /// Whether it has to wait until it can be.
    bool defers() const noexcept { return keys_->defers(); }
    /// For the log: "example.com/2026-rsa".
    std::string description() const;

private:
    struct part {
        usable_key const* key;
        mail::dkim_signature signature;
    };

    explicit message_signing(std::shared_ptr<keyring const> keys);

    std::shared_ptr<keyring const> keys_;
    std::string domain_;
    mail::body_hasher body_;
    std::vector<part> parts_;
    std::string problem_;
};

/// The signature fields that belong in front of a whole message in memory; none where its author's
/// domain has no key, or (with a line in the log) none that can be used.
std::string signatures_for(std::shared_ptr<keyring const> const& keys, std::string_view message, wall_time now);

}  // namespace postern::signing
