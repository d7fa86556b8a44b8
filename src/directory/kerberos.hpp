// The Kerberos library as a server uses it (MIT krb5, GSS-API): accepts clients' tickets with
// the keys of a keytab, and says whose they are. What is sent when is sasl/gssapi.hpp's. The
// library reads files and may wait, so it works on a few threads of its own with a bounded
// queue and a deadline.
//
// A keytab that can't be read is "unavailable", never "refused". Tickets that were seen before
// are refused: the library keeps note of them in a file of ours.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "directory/blocking_pool.hpp"
#include "sasl/mechanism.hpp"
#include "sasl/principal.hpp"

namespace postern::directory {

struct kerberos_options {
    std::filesystem::path keytab;
    std::string service = "smtp";
    std::string hostname;           // empty: whichever hosts the keytab has keys of the service for
    std::filesystem::path replays;  // the file of tickets that were seen; made when needed
    sasl::principal_rules rules;
};

/// For `postern status`.
struct kerberos_health {
    std::filesystem::path keytab;
    bool up = false;  // it can be read, and has keys that a client could have a ticket for
    std::int64_t keys = 0;
    std::string detail;  // the principals with their versions, or what is wrong
};

class kerberos_keytab;
struct kerberos_context;  // one exchange's state in the library

struct kerberos_answer {
    sasl::context_answer what;
    std::string cause;  // the library's own words, for the log
};

class kerberos {
public:
    using handler = std::function<void(result<kerberos_answer>)>;

    /// Reads the keytab. One that can't be used is logged, and read again when it changes.
    explicit kerberos(kerberos_options o);
    ~kerberos();
    kerberos(kerberos const&) = delete;
    kerberos& operator=(kerberos const&) = delete;

    /// Whether there are keys that a client could have a ticket for. Cheap: looks whether the
    /// file changed, and has it read in the background.
    bool usable();

    /// Performs one step and calls the handler once, from any thread. `context`: the exchange's;
    /// made anew by kind::begin. One step of an exchange at a time. `service`: what the ticket is for, one
    /// of a few words such as "imap"; empty: the service of the options.
    void step(std::shared_ptr<kerberos_context>& context, sasl::context_step asked, handler h,
              std::string service = {});
    /// Whoever waits is answered with "unavailable"; no handler is called by a thread of ours any more.
    void stop() { pool_.stop(); }
    /// Reads the keytab first where it has changed; may wait for whoever writes it.
    kerberos_health health() const;

private:
    struct keytabs;

    std::shared_ptr<keytabs> const keytabs_;  // the pool's threads may outlive us
    std::shared_ptr<kerberos_keytab> const keytab_;
    blocking_pool pool_;
};

/// What would be wrong with these options, or nothing: `config check`.
std::string check_kerberos(kerberos_options const& o);

}  // namespace postern::directory
