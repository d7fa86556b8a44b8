// From another server's configuration to a draft of ours. Pure but for the files it is given.
#pragma once

#include "moving/draft.hpp"
#include "moving/sources.hpp"

namespace postern::moving {

/// Where Postern is to get Dovecot's users from.
enum class user_source : std::uint8_t {
    automatic,  // direct where each passdb has a counterpart, else the socket
    direct,     // where Dovecot gets them
    socket,     // from Dovecot's auth process
    taken_over  // passwd-files are imported into Postern's own database
};

struct wishes {
    bool side_by_side = false;     // ports 2000 higher, to run beside what is there
    bool submission_only = false;  // Postfix stays for mail from other servers
    user_source users = user_source::automatic;
};

draft plan(sources& from, files& disk, wishes const& w);

}  // namespace postern::moving
