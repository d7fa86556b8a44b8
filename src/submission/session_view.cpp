// What a session looks like to whoever watches it.
#include "base/text.hpp"
#include "submission/session_driver.hpp"

namespace postern::submission {

live_session session_driver::describe() const
{
    live_session s;
    s.id = who_.id;
    s.client = who_.client;
    s.listener = who_.listener;
    s.role = listener_.for_programs                               ? "sendmail"
             : listener_.session.role == config::role::submission ? "submission"
                                                                  : "mx";
    s.since = wall_clock::now() - std::chrono::duration_cast<wall_clock::duration>(steady_clock::now() - began_);
    s.messages = totals_.messages;
    s.refusals = totals_.refusals;
    s.state = "begins";
    if (!session_) return s;
    s.hello = printable(session_->ehlo_argument(), 255);
    s.account = session_->login();
    s.mechanism = session_->mechanism();
    s.credential = who_.credential;
    s.label = who_.label;
    s.tls = session_->tls_details().version;
    s.cipher = session_->tls_details().cipher;
    s.state = intake_ ? "sends a message" : waiting_ ? "waits for a command" : "works";
    return s;
}

}  // namespace postern::submission
