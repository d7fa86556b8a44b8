// Tells the operator by mail that a smart host takes no login or no more mail: what waits for it
// waits quietly, and the senders hear of it only after hours.
#pragma once

#include <string>

#include "catalogue/catalogue.hpp"
#include "config/settings.hpp"
#include "submission/notice_desk.hpp"

namespace postern::submission {

struct smart_host_trouble {
    std::string smart_host;
    std::string user;  // as whom we come; empty: without a login
    std::string reply;
    catalogue::rule const* why = nullptr;
};

void tell_of_smart_host(notice_desk& desk, config::settings const& s, smart_host_trouble t);
/// The notice, lines that end in \n.
std::string text_for_operator(smart_host_trouble const& t);

}  // namespace postern::submission
