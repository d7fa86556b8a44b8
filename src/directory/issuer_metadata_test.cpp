// The issuer's metadata: where it is, and what of it is believed.
#include "directory/issuer_metadata.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace postern;
using namespace postern::directory;

TEST_CASE("where the metadata are: RFC 8414 section 3.1, and OpenID's place")
{
    struct {
        char const* issuer;
        char const* openid;
        char const* oauth;
    } const rows[] = {
        {"https://id.example", "https://id.example/.well-known/openid-configuration",
         "https://id.example/.well-known/oauth-authorization-server"},
        {"https://id.example/", "https://id.example/.well-known/openid-configuration",
         "https://id.example/.well-known/oauth-authorization-server"},
        {"https://id.example:8443/realms/mail", "https://id.example:8443/realms/mail/.well-known/openid-configuration",
         "https://id.example:8443/.well-known/oauth-authorization-server/realms/mail"},
        {"https://id.example/realms/mail/", "https://id.example/realms/mail/.well-known/openid-configuration",
         "https://id.example/.well-known/oauth-authorization-server/realms/mail"},
    };
    for (auto const& row : rows) {
        auto const urls = metadata_urls(row.issuer);
        CHECK(urls[0] == row.openid);
        CHECK(urls[1] == row.oauth);
    }
}

TEST_CASE("metadata lead to confidential places, and are about the issuer that was asked for")
{
    std::string const issuer = "https://id.example";
    auto const good = parse_metadata(
        R"({"issuer":"https://id.example","jwks_uri":"https://id.example/k","introspection_endpoint":"https://id.example/i"})",
        issuer);
    REQUIRE(good);
    CHECK(good->keys == "https://id.example/k");
    CHECK(good->introspection == "https://id.example/i");
    auto const little = parse_metadata(R"({"issuer":"https://id.example"})", issuer);
    REQUIRE(little);
    CHECK(little->keys.empty());
    for (std::string const& bad :
         {std::string{}, std::string{"[]"}, std::string{"{}"}, std::string{"<html>"},
          std::string{R"({"issuer":"https://id.example/"})"}, std::string{R"({"issuer":["https://id.example"]})"},
          std::string{R"({"issuer":"https://evil.example","jwks_uri":"https://id.example/k"})"},
          std::string{R"({"issuer":"https://id.example","jwks_uri":"http://id.example/k"})"},
          std::string{R"({"issuer":"https://id.example","jwks_uri":"file:///etc/passwd"})"},
          std::string{R"({"issuer":"https://id.example","introspection_endpoint":"http://127.0.0.1:6379/"})"},
          std::string{R"({"issuer":"https://id.example","introspection_endpoint":"https://localhost/"})"},
          R"({"issuer":"https://id.example","jwks_uri":"https://id.example/)" + std::string(2048, 'k') + "\"}",
          R"({"issuer":"https://id.example","x":")" + std::string(256 << 10, 'x') + "\"}"}) {
        CAPTURE(bad.substr(0, 80));
        auto const read = parse_metadata(bad, issuer);
        REQUIRE_FALSE(read);
        CHECK(read.error().code.temporary());
    }
    CHECK(parse_metadata(R"({"issuer":"http://127.0.0.1:1","jwks_uri":"http://127.0.0.1:1/k"})", "http://127.0.0.1:1"));
}
