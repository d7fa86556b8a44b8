// What becomes of a stranger's message, from what SPF, DKIM and DMARC found out about it. Pure, as
// policy.hpp.
#pragma once

#include <string>

#include "catalogue/verdict.hpp"
#include "config/settings.hpp"
#include "mail/authentication.hpp"

namespace postern::policy {

struct stranger_options {
    std::string dmarc_reject = "refuse";  // "refuse", "hold" or "mark"
    std::string dmarc_quarantine = "mark";
    bool verify_local_senders = true;
    bool defer_unknown = true;  // when the DNS gave no answer on which it depends
};

struct stranger_facts {
    mail::path sender;
    bool sender_local = false;  // its domain is one of ours
    mail::findings found;
};

struct stranger_judgement {
    catalogue::verdict verdict;
    bool hold = false;
    bool mark = false;  // as what its author's domain does not want delivered as usual
};

stranger_judgement judge(stranger_facts const& f, stranger_options const& o);

}  // namespace postern::policy
