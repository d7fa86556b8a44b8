// Tells owners which device still has an old password: one that sends the same wrong one
// again and again from where the account is known. Once a week and account, so that nobody
// can have others flooded with notices.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "directory/generation_cache.hpp"
#include "login/desk.hpp"
#include "submission/notice_desk.hpp"

namespace postern::submission {

using login::forgotten_device;

class device_watch {
public:
    explicit device_watch(notice_desk& desk) : desk_(desk) {}

    void on_forgotten(forgotten_device d, std::string const& hostname, steady_time now);

private:
    notice_desk& desk_;
    directory::generation_cache<steady_time> told_{100'000};  // when, by account
};

/// The notice, lines that end in \n.
std::string text_for_owner(forgotten_device const& d, wall_time now);

}  // namespace postern::submission
