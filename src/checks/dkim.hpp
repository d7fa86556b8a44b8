// Verifies DKIM signatures (RFC 6376, RFC 8463) by libopendkim, which asks its questions through
// us. One object a thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checks/waiting_names.hpp"
#include "filters/draft.hpp"
#include "mail/authentication.hpp"

namespace postern::checks {

/// Asks for the keys that the signatures name, without waiting for them.
void prepare_dkim(inquiry& names, filters::draft const& message);

class dkim_checker {
public:
    dkim_checker();
    ~dkim_checker();
    dkim_checker(dkim_checker const&) = delete;
    dkim_checker& operator=(dkim_checker const&) = delete;

    /// Of the message as it came: fields of ours are left out.
    std::vector<mail::dkim_finding> check(inquiry& names, std::string const& queue_id, filters::draft const& message);

private:
    struct library;
    std::unique_ptr<library> library_;
};

}  // namespace postern::checks
