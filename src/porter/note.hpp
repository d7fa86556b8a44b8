// What is kept of a question to the porter, for the operator: who asked what, and what was answered. Never a password, and
// no local part.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "base/clock.hpp"
#include "http/message.hpp"

namespace postern::porter {

struct note {
    std::string kind;    // "autoconfig", "autodiscover", "autodiscover-json", "pacc", "profile"
    std::string domain;  // that was asked about; empty: nobody said
    std::string answer;  // "settings", "unknown domain", ...: see answer.cpp
    unsigned status = 0;
    std::string host, path, user_agent;
    ip_address client;
    bool secure = true;
    bool password_sent = false;  // with a question that needs none
};

/// As the command `discovery note` takes it.
boost::json::object to_json(note const& n, wall_time when);

}  // namespace postern::porter
