#include "web/request_head.hpp"

#include <string>

#include <doctest/doctest.h>

#include "web/incoming.hpp"

namespace postern::web {
namespace {

using namespace std::literals;

constexpr auto fine = head_state::complete, bad = head_state::malformed;

}  // namespace

TEST_CASE("A head has one form; what two readers could take in two ways is refused")
{
    struct row {
        char const* what;
        std::string head;
        head_state state;
    };
    row const rows[] = {
        {"plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", fine},
        {"a length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", fine},
        {"chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", fine},
        {"an old one without a host", "GET / HTTP/1.0\r\n\r\n", fine},
        {"an empty value", "GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n", fine},
        {"a tab", "GET / HTTP/1.1\r\nHost: a\r\nX:\ta\tb\r\n\r\n", fine},
        {"a value that is no ASCII", "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: M\xC3\xBCller\r\n\r\n", fine},
        {"a length beside chunks",
         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", bad},
        {"the same in the other order",
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", bad},
        {"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", bad},
        {"the same length twice", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", bad},
        {"a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", bad},
        {"a sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", bad},
        {"a hexadecimal length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n", bad},
        {"no length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", bad},
        {"a length beyond counting", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\n", bad},
        {"chunks twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
         bad},
        {"chunks in a list", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", bad},
        {"another coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", bad},
        {"chunks as a vertical tab hides them",
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
         "chunked\r\n\r\n",
         bad},
        {"chunks of an old client", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", bad},
        {"a folded line", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", bad},
        {"a folded first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", bad},
        {"a blank before the colon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\n", bad},
        {"no colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", bad},
        {"no name", "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", bad},
        {"a line that ends in LF", "GET / HTTP/1.1\nHost: a\r\n\r\n", bad},
        {"a field that ends in LF", "GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n", bad},
        {"a head that ends in LF", "GET / HTTP/1.1\r\nHost: a\r\n\n", bad},
        {"a CR that stands alone", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\rY: 2\r\n\r\n", bad},
        {"a NUL", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\0002\r\n\r\n"s, bad},
        {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", bad},
        {"no host", "GET / HTTP/1.1\r\n\r\n", bad},
        {"two blanks", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", bad},
        {"a blank in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", bad},
        {"no version", "GET /\r\n\r\n", bad},
        {"HTTP/2 by its preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", bad},
        {"another version", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", bad},
        {"a version in small letters", "GET / http/1.1\r\nHost: a\r\n\r\n", bad},
        {"a mail server's dialogue", "EHLO client.example\r\n", bad},
        {"TLS", "\x16\x03\x01\x02"s, bad},
        {"the half of it", "GET / HTTP/1.1\r\nHos", head_state::incomplete},
        {"the half of a line's end", "GET / HTTP/1.1\r\nHost: a\r", head_state::incomplete},
        {"nothing", "", head_state::incomplete},
        {"too much", "GET /" + std::string(longest_head, 'a'), head_state::too_large},
        {"too many fields",
         [] {
             std::string all = "GET / HTTP/1.1\r\nHost: a\r\n";
             for (int i = 0; i < 200; ++i) all += "X: 1\r\n";
             return all + "\r\n";
         }(),
         head_state::too_large},
    };
    for (auto const& r : rows) {
        CAPTURE(r.what);
        auto const got = look_at_head(r.head);
        CHECK(got.state == r.state);
        if (got.state == head_state::complete) CHECK(got.size == r.head.size());
        // Octet by octet it comes to the same, and at the same one as if all were looked at each time.
        for (std::size_t n = 0; n <= r.head.size(); ++n) {
            CAPTURE(n);
            auto const so_far = std::string_view{r.head}.substr(0, n);
            auto const now = look_at_head(so_far, n == 0 ? 0 : n - 1);
            REQUIRE(now.state == look_at_head(so_far).state);
            if (now.state != head_state::incomplete) break;
        }
    }
}

TEST_CASE("What was looked at is not looked at again until a line ends")
{
    std::string const known = "GET / HTTP/1.1\r\nX: a\x01";
    CHECK(look_at_head(known + "bc", known.size()).state == head_state::incomplete);
    CHECK(look_at_head(known + "b\x01", known.size()).state == bad);
    CHECK(look_at_head(known + "bc\r\n", known.size()).state == bad);
}

namespace {

struct body_row {
    char const* what;
    std::string request;
    std::size_t limit;
    body_state state;
    std::string body = {};
    std::string rest = {};
};

}  // namespace

TEST_CASE("A body ends where its length or its last chunk says")
{
    std::string const start = "POST /x?y HTTP/1.1\r\nHost: Mail.example.com:8443\r\n";
    std::string const chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
    body_row const rows[] = {
        {"none", start + "\r\nGET", 10, body_state::complete, "", "GET"},
        {"a length", start + "Content-Length: 3\r\n\r\nabcGET", 10, body_state::complete, "abc", "GET"},
        {"a part of it", start + "Content-Length: 3\r\n\r\nab", 10, body_state::incomplete},
        {"too long by its length", start + "Content-Length: 11\r\n\r\n", 10, body_state::too_large},
        {"chunks", chunked + "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nGET", 10, body_state::complete, "abcde", "GET"},
        {"chunks with a trailer", chunked + "1\r\na\r\n0\r\nHost: evil\r\n\r\n", 10, body_state::complete, "a"},
        {"chunks without an end", chunked + "3\r\nabc\r\n", 10, body_state::incomplete},
        {"too long by its chunks", chunked + "6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n", 10, body_state::too_large},
        {"a chunk longer than it says", chunked + "3\r\nabcd\r\n0\r\n\r\n", 10, body_state::malformed},
        {"a chunk's line that ends in LF", chunked + "3\nabc\r\n0\r\n\r\n", 10, body_state::malformed},
        {"a chunk that ends in LF", chunked + "3\r\nabc\n0\r\n\r\n", 10, body_state::malformed},
        {"a negative chunk", chunked + "-3\r\nabc\r\n0\r\n\r\n", 10, body_state::malformed},
        {"a chunk beyond counting", chunked + "fffffffffffffffff\r\nabc", 10, body_state::malformed},
    };
    for (auto const& r : rows) {
        CAPTURE(r.what);
        auto const look = look_at_head(r.request);
        REQUIRE(look.state == head_state::complete);
        // At once, and octet by octet.
        for (std::size_t const step : {r.request.size(), std::size_t{1}}) {
            CAPTURE(step);
            incoming in;
            REQUIRE(in.read_head(std::string_view{r.request}.substr(0, look.size)));
            CHECK(in.request().host == "mail.example.com");
            CHECK(in.request().path == "/x");
            CHECK(in.request().query == "y");
            std::string waiting;
            std::size_t at = look.size;
            std::size_t taken = 0;
            auto state = in.read_body({}, r.limit, taken);
            while (state == body_state::incomplete && at < r.request.size()) {
                auto const more = r.request.substr(at, step);
                at += more.size();
                waiting += more;
                state = in.read_body(waiting, r.limit, taken);
                waiting.erase(0, taken);
            }
            CHECK(state == r.state);
            if (state != body_state::complete) continue;
            CHECK(in.take_body().reveal() == r.body);
            CHECK(in.request().host == "mail.example.com");
            if (step != 1) CHECK(waiting + r.request.substr(at) == r.rest);
        }
    }
}

TEST_CASE("A request that is not clear about where it goes is none")
{
    for (auto const* head :
         {"GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
          "GET http://a/ HTTP/1.1\r\nHost: @\r\n\r\n", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"}) {
        CAPTURE(head);
        incoming in;
        CHECK_FALSE(in.read_head(head));
    }
}

}  // namespace postern::web
