// Has milters judge one message, one after the other, each with what those before it changed.
// Everything happens when the message is there as a whole and before it is accepted: so a milter's
// connection is held only as long as the milter works.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalogue/verdict.hpp"
#include "config/settings.hpp"
#include "filters/draft.hpp"
#include "filters/milter_pool.hpp"
#include "mail/envelope.hpp"

namespace postern::filters {

/// What milters are told beside the message.
struct occasion {
    std::string hostname, queue_id, session;
    endpoint client, local;
    std::string listener;  // "mx" or "submission"
    std::string helo;
    std::string account, mechanism;  // of the login
    std::string tls_version, tls_cipher;
    int tls_bits = 0;
    std::uint64_t message_size = 0;  // the most that a new body may have
    steady_time until{};             // for all milters together
    std::function<std::unique_ptr<spool::content_writer>()> new_content;
};

struct judgement {
    catalogue::verdict verdict;  // a refusal ends the message
    std::string hold;            // why it is to be held; empty: it is not
    std::string discarded_by;    // the milter that wants it gone
    std::vector<std::string> seen_by;
};

/// The milters that see the mail of a listener.
std::vector<config::milter> milters_for(config::settings const& s, config::listener const& l);

/// Changes message and envelope as they want. All of the arguments live until it returns.
net::awaitable<judgement> consult(milter_pool* pool, std::vector<config::milter> const* milters, occasion const* what,
                                  mail::envelope* env, draft* message);

}  // namespace postern::filters
