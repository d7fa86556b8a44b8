// An installation for tests of this room.
#pragma once

#include "porter/facts.hpp"

namespace postern::porter {

inline config::settings example_settings()
{
    config::settings s;
    s.hostname = "Mail.hoster.test";
    config::listener l;
    s.listeners.clear();
    for (auto const& [address, role, tls] :
         {std::tuple{"[::]:25", config::role::mx, config::tls_mode::starttls},
          std::tuple{"[::]:587", config::role::submission, config::tls_mode::starttls},
          std::tuple{"127.0.0.1:20465", config::role::submission, config::tls_mode::implicit},
          std::tuple{"[::]:465", config::role::submission, config::tls_mode::implicit},
          std::tuple{"[::]:10465", config::role::submission, config::tls_mode::implicit}}) {
        l.address = address;
        l.role = role;
        l.tls = tls;
        s.listeners.push_back(l);
    }
    s.setup.imap = "imap.hoster.test:993";
    s.setup.name = "Example & Söhne";
    return s;
}

inline facts example_facts() { return facts_of(example_settings(), {"example.test", "Other.Test", "bücher.example"}); }

}  // namespace postern::porter
