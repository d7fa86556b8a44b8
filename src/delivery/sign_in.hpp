// Signing in at a provider once, as a person, so that a smart host has a refresh token: by a code that is entered on
// another device (RFC 8628), or by a page that leads back to this machine with a code (RFC 8252, RFC 7636). To show
// things to the person and to take what the page leads back with is the caller's. Blocks: for a command.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "delivery/smart_host.hpp"
#include "directory/web_client.hpp"

namespace postern::delivery {

/// Where a person signs in. Either may be empty.
struct sign_in_places {
    std::string device;  // the device authorization endpoint
    std::string page;    // the authorization endpoint
};

/// Those of the provider that has this token endpoint, where they are known.
sign_in_places find_sign_in(std::string_view token_url);

/// RFC 8628 section 3.2.
struct device_offer {
    secret code;
    std::string shown;  // to be entered
    std::string where;  // on this page
    std::chrono::seconds life{}, interval{};
};

result<device_offer> parse_device_offer(long status, std::string_view body);

/// One visit to the page. What only we know of it makes answers to others worthless, and its own to others.
class page_visit {
public:
    /// `leads_back`: the redirect URI.
    explicit page_visit(std::string leads_back);

    /// What the person opens.
    std::string url(identity const& who, std::string_view page) const;
    /// The code in the URL that the page led to, or in the target of a browser's request. Errors: 4.7.0 it does not
    /// belong to this visit, 5.7.0 the provider says no.
    result<secret> code_in(std::string_view url) const;

    std::string const& leads_back() const noexcept { return leads_back_; }
    std::string const& verifier() const noexcept { return verifier_; }

private:
    std::string leads_back_, state_, verifier_;
};

class sign_in {
public:
    explicit sign_in(std::shared_ptr<identity const> who) : who_(std::move(who)) {}

    result<device_offer> ask_for_device(std::string const& url);
    /// Until the person has entered the code, or does not want to, or its time is over. Gives the refresh token.
    result<secret> wait_for_device(device_offer const& offer);
    /// The refresh token for what the page led back with.
    result<secret> redeem(page_visit const& visit, secret const& code);

private:
    std::shared_ptr<identity const> who_;
    directory::web_client web_;
};

}  // namespace postern::delivery
