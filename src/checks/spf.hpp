// SPF (RFC 7208) by libspf2, which asks its questions through us. One object a thread.
#pragma once

#include <memory>
#include <string>

#include "base/ip.hpp"
#include "checks/waiting_names.hpp"
#include "mail/address.hpp"
#include "mail/authentication.hpp"

namespace postern::checks {

class spf_checker {
public:
    spf_checker();
    ~spf_checker();
    spf_checker(spf_checker const&) = delete;
    spf_checker& operator=(spf_checker const&) = delete;

    mail::spf_finding check(inquiry& names, ip_address const& client, std::string const& helo,
                            mail::path const& sender);

private:
    struct library;
    std::unique_ptr<library> library_;
};

}  // namespace postern::checks
