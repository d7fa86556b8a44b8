// Certificates in words, as `certificate list` and `status` tell of them.
#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace postern::cli {

/// "mail.example.com  acme, 61 days left, next renewal 2026-12-01": of a row of `certificate list`.
std::string certificate_line(boost::json::value const& row);

}  // namespace postern::cli
