// What a session leaves in the log: one line for each refusal, log-in, accepted message,
// and one at its end.
#pragma once

#include <string>
#include <string_view>

#include "base/log.hpp"
#include "catalogue/verdict.hpp"
#include "smtp/server_session.hpp"

namespace postern::submission {

/// Who it is about; the values that every line of a session has.
struct session_identity {
    std::string id;
    std::string client;  // address and port
    std::string listener;
    std::string credential{};  // what the login was proven with: "password", "app-password-7", "token", ...
    std::string label{};       // of an app password
};

/// `cause`, `meaning`: of a log-in that failed.
void log_refusal(session_identity const& who, smtp::server_session const& session,
                 smtp::server_session::refusal const& r, std::string_view cause, std::string_view meaning);
/// A refusal that never became a reply (a failed handshake, a missing PROXY header).
void log_incident(session_identity const& who, catalogue::rule const& rule, std::string_view problem);
void log_login(session_identity const& who, smtp::server_session const& session, std::string_view cause);

struct session_totals {
    std::uint32_t messages = 0;
    std::uint32_t refusals = 0;
    std::int64_t milliseconds = 0;
    std::string_view ended_by;  // "client", "server", "timeout", "lost"
};
void log_end(session_identity const& who, smtp::server_session const& session, session_totals const& totals);

}  // namespace postern::submission
