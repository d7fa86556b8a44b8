#include "config/values.hpp"

#include <vector>

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::config;
using namespace std::chrono_literals;

TEST_CASE("places to deliver to")
{
    std::string why;
    for (auto const* fine :
         {"maildir:/var/mail/%d/%n", "maildir:mail/%u", "maildir:/a%%b", "lmtp:127.0.0.1:24", "lmtp:[::1]:24",
          "lmtp:unix:/run/lmtp", "smtp:mx.example.com:25", "lmtp:localhost:24", "smtp:mail_sink:25"})
        CHECK_MESSAGE(is_local_delivery(fine, why), fine);
    for (auto const* bad :
         {"", "maildir", "mbox:/x", "lmtp:unix:", "lmtp:", "smtp:host", "smtp:a b:25", "smtp:host:65536"})
        CHECK_MESSAGE(!is_local_delivery(bad, why), bad);
}

TEST_CASE("sizes and durations, there and back")
{
    struct {
        std::string_view text;
        std::uint64_t octets;
    } const sizes[] = {{"0", 0},     {"4096", 4096}, {"50 MiB", 50u << 20},   {"50MiB", 50u << 20},  {"1 kib", 1024},
                       {"2K", 2048}, {"1 KB", 1000}, {"3 GB", 3'000'000'000}, {"1 TiB", 1ull << 40}, {"7B", 7}};
    for (auto const& s : sizes) {
        CAPTURE(s.text);
        CHECK(parse_size(s.text) == s.octets);
        CHECK(parse_size(print_size(s.octets)) == s.octets);
    }
    for (auto const* bad :
         {"", " ", "MiB", "-1", "1.5 MiB", "1 MiBs", "1 MiB ", "0x10", "18446744073709551616", "9999999999 GiB"})
        CHECK_MESSAGE(!parse_size(bad), bad);
    struct {
        std::string_view text;
        std::chrono::milliseconds time;
    } const times[] = {{"0s", 0ms},      {"300", 300s},    {"300s", 300s},   {"5m", 5min},
                       {"5 min", 5min},  {"2 days", 48h},  {"1h30m", 90min}, {"1h 30m", 90min},
                       {"100ms", 100ms}, {"1 week", 168h}, {"1D", 24h}};
    for (auto const& t : times) {
        CAPTURE(t.text);
        CHECK(parse_duration(t.text) == t.time);
        CHECK(parse_duration(print_duration(t.time)) == t.time);
    }
    for (auto const* bad :
         {"", "s", "-1s", "1.5h", "5 parsecs", "1h30q", "99999999999999999999s", "9223372036854775807w"})
        CHECK_MESSAGE(!parse_duration(bad), bad);
    CHECK(print_duration(5400s) == "90m");
    CHECK(print_size(50u << 20) == "50 MiB");
}

TEST_CASE("the nearest name")
{
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("abc", "") == 3);
    CHECK(edit_distance("listner", "listener") == 1);
    CHECK(edit_distance("lsitener", "listener") == 1);
    CHECK(edit_distance("ABC", "abc") == 0);
    std::vector<std::string> const words{"local", "smart_host", "retry"};
    CHECK(nearest("smarthost", words) == "smart_host");
    CHECK(nearest("retries", words) == "retry");
    CHECK(nearest("x", words) == "");
    CHECK(nearest("foo", std::vector<std::string>{"log"}) == "");
    CHECK(nearest(std::string(10'000, 'x'), words) == "");
}
