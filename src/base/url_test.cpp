// Which web addresses may be told secrets.
#include "base/url.hpp"

#include <doctest/doctest.h>

using namespace postern;

TEST_CASE("confidential: https, and http within this machine")
{
    for (auto const* good :
         {"https://id.example", "HTTPS://id.example:8443/a?b#c", "http://localhost", "http://LOCALHOST:80/x",
          "http://127.0.0.1:8080/keys", "http://127.8.9.1", "http://[::1]:8080/", "https://[2001:db8::1]/x"})
        CHECK_MESSAGE(is_confidential_url(good), good);
    for (auto const* bad :
         {"", "id.example", "http://id.example", "http://localhost.id.example", "http://127.0.0.1.id.example/",
          "http://localhost@id.example/", "https://user@id.example/", "http://id.example/localhost", "ftp://localhost/",
          "file:///etc/passwd", "https://", "https:///x", "http://[::2]/", "http://localhost\\@id.example/",
          "https://id.example/ x", "https://id.example/\n", "http://2130706433/", "http://0.0.0.0/"})
        CHECK_MESSAGE(!is_confidential_url(bad), bad);
    CHECK(is_loopback_url("https://localhost/x"));
    CHECK_FALSE(is_loopback_url("https://id.example"));
}
