// What became of a recipient in an attempt, and the attempt's circumstances.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "catalogue/catalogue.hpp"
#include "mail/envelope.hpp"
#include "smtp/reply_parser.hpp"
#include "spool/spool.hpp"

namespace postern::delivery {

enum class fate : std::uint8_t { delivered, deferred, bounced };

struct outcome {
    fate what = fate::deferred;
    postern::status code;
    std::string reply;         // one printable line: what the other side said, or our own finding
    bool remote_said = false;  // which of the two
    catalogue::rule const* why = nullptr;
    std::string reason;                             // the rule's sentence, filled; for the report
    bool reports_on_success = false;                // the next hop takes care of NOTIFY=SUCCESS
    bool leaves_deliver_by = false;                 // relayed, and the sender asked to hear of that (RFC 2852)
    std::optional<std::chrono::seconds> come_back;  // what the other side said, or what greylisting wants
    enum class pause : std::uint8_t { none, minutes, hours };
    pause asks_for = pause::none;  // a smart host: nothing of ours for so long

    bool operator==(outcome const&) const = default;
};

/// Our own finding, worded by the catalogue.
outcome own_finding(catalogue::rule const& why, std::string_view domain, std::string_view detail = {},
                    std::string_view recipient = {});
/// The fate that the other side's reply says.
outcome remote_fate(smtp::reply const& r, std::string_view domain);

struct attempt {
    std::string next_hop;         // "mx.example.net[192.0.2.1]:25", "maildir:/var/mail/..."
    std::string remote_host;      // name only, for the report
    std::string destination;      // "mx:example.net"
    std::string tls;              // "TLSv1.3", "TLSv1.3 not verified: ..."
    std::string cipher;           // "TLS_AES_256_GCM_SHA384"
    std::string verified;         // how it proved itself: "dane 3 1 1", "certificate"; empty: it did not
    std::string policy;           // what it had to fulfil: "dane", "mta-sts enforce"; empty: nothing
    bool final_delivery = false;  // into a mailbox, not to another relay
};

/// A message while recipients of it are under way.
using letter = spool::queued_message;

/// What is sent in the place of a message's content, where a server does not take that.
struct converted_copy {
    std::shared_ptr<spool::content const> body;
    mail::body_type as = mail::body_type::seven_bit;
    bool lines_begin_with_dot = false;
};

/// Recipients of one message that go the same way.
struct job {
    std::shared_ptr<letter const> of;
    std::vector<std::uint32_t> recipients;   // places in of->what->recipients
    std::vector<mail::recipient> addressed;  // whom to name to the next hop, when it differs; else empty
    steady_time since;
    unsigned restarts = 0;                         // connections that broke off before they got to it
    std::shared_ptr<converted_copy const> copy{};  // null: it goes as it is
};

}  // namespace postern::delivery
