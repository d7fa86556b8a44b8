// What the keys of one table, and the rows of one list, have to do with each other.
#pragma once

#include <vector>

#include "config/option.hpp"
#include "config/settings.hpp"

namespace postern::config {

void check_listeners(node const& list, std::vector<listener> const& all, reader& r);
void check_backends(node const& list, std::vector<backend> const& all, reader& r);
void check_auth_sockets(node const& list, std::vector<auth_socket> const& all, reader& r);
/// Domains become as the DNS has them.
void check_tls_rules(node const& list, std::vector<tls_rule>& all, reader& r);
void check_milters(node const& list, std::vector<milter> const& all, reader& r);

}  // namespace postern::config
