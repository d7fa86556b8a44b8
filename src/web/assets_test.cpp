#include "web/assets.hpp"

#include <doctest/doctest.h>

#include "web/fixture.hpp"

namespace postern::web {

TEST_CASE("The coding is the one that the browser likes best")
{
    struct row {
        char const* accept;
        bool gzip, brotli;
        char const* coding;
    };
    row const rows[] = {
        {"", true, true, ""},
        {"gzip", true, true, "gzip"},
        {"gzip, deflate, br, zstd", true, true, "br"},
        {"gzip, deflate, br", true, false, "gzip"},
        {"gzip, br", false, false, ""},
        {"br;q=0.5, gzip;q=0.8", true, true, "gzip"},
        {"br;q=0.5, gzip; q=0.5", true, true, "br"},
        {"br;q=0, gzip;q=0", true, true, ""},
        {"*", true, true, "br"},
        {"*;q=0", true, true, ""},
        {"gzip;q=0, *", true, true, "br"},
        {"identity", true, true, ""},
        {"GZIP", true, true, "gzip"},
        {"gzip;q=0.001", true, true, "gzip"},
        {"gzip;q=x", true, true, ""},
        {"gzip;;;,,,;", true, true, ""},
    };
    for (auto const& r : rows) {
        CAPTURE(r.accept);
        CHECK(preferred_coding(r.accept, r.gzip, r.brotli) == r.coding);
    }
}

TEST_CASE("A file that the browser has is not sent again")
{
    static embedded_file const files[] = {
        {"/assets/a.css", "text/css", "abc", false, "plain text", "zipped", "brotlied"},
        {"/assets/b-12345678.js", "text/javascript", "def", true, "script", {}, {}},
    };
    router table;
    add_assets(table, files);
    scripted_link nobody{[](auto&&...) { return control::failure{}; }};
    auto const ask = [&](char const* path, http::fields fields) {
        return perform(table, request_for(http::method::get, path, {}, std::move(fields)), nobody);
    };
    auto const plain = ask("/assets/a.css", {});
    CHECK(plain.body == "plain text");
    CHECK(http::find(plain.fields, "content-encoding").empty());
    CHECK(http::find(plain.fields, "vary") == "accept-encoding");
    auto const packed = ask("/assets/a.css", {{"accept-encoding", "gzip"}});
    CHECK(packed.body == "zipped");
    CHECK(http::find(packed.fields, "content-encoding") == "gzip");
    std::string const tag{http::find(packed.fields, "etag")};
    CHECK(tag != http::find(plain.fields, "etag"));
    CHECK(ask("/assets/a.css", {{"accept-encoding", "gzip"}, {"if-none-match", "\"x\", W/" + tag}}).status == 304);
    CHECK(ask("/assets/a.css", {{"if-none-match", tag}}).status == 200);
    CHECK(ask("/assets/a.css", {{"if-none-match", "*"}}).status == 304);
    auto const script = ask("/assets/b-12345678.js", {{"accept-encoding", "br"}});
    CHECK(script.body == "script");
    CHECK(http::find(script.fields, "cache-control").find("immutable") != std::string_view::npos);
}

TEST_CASE("Files that are embedded are what they were")
{
    auto const files = embedded::site_files();
    REQUIRE(files.size() == 2);
    CHECK(files[0].path == "/robots.txt");
    CHECK(files[0].plain.starts_with("User-agent: *\n"));
    CHECK(files[1].media_type == "image/svg+xml");
    CHECK(files[1].plain.ends_with("</svg>\n"));
}

}  // namespace postern::web
