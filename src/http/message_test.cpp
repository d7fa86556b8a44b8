#include "http/message.hpp"

#include <doctest/doctest.h>

namespace postern::http {

TEST_CASE("parameters: decoded, the first one counts, bad escapes are nothing")
{
    struct row {
        std::string_view query, name;
        std::optional<std::string> value;
    };
    for (auto const& r : std::vector<row>{{"emailaddress=ann%40example.com", "emailaddress", "ann@example.com"},
                                          {"a=1&b=2&a=3", "a", "1"},
                                          {"a+b=c+d", "a b", "c d"},
                                          {"x", "x", ""},
                                          {"", "x", std::nullopt},
                                          {"x=%4", "x", std::nullopt},
                                          {"x=%00", "x", std::nullopt},
                                          {"x=%zz", "x", std::nullopt}}) {
        CAPTURE(r.query);
        CHECK(parameter(r.query, r.name) == r.value);
    }
    CHECK(parameter_ignoring_case("Email=a&Protocol=b", "protocol") == "b");
}

TEST_CASE("percent-encoding goes both ways")
{
    std::string const text = "Ann <ann+tag@example.com>/\xC3\xA9";
    CHECK(percent_encoded(text) == "Ann%20%3Cann%2Btag%40example.com%3E%2F%C3%A9");
    CHECK(percent_decoded(percent_encoded(text)) == text);
}

TEST_CASE("cookies: by their exact name")
{
    fields const f{{"cookie", "a=1; session=xyz ;b=2"}};
    CHECK(cookie(f, "session") == "xyz");
    CHECK(cookie(f, "sessio") == "");
    CHECK(cookie(f, "b") == "2");
    CHECK(cookie({}, "b") == "");
}

TEST_CASE("escaping: nothing of a stranger's is markup, and what XML does not know is left out")
{
    CHECK(escaped("<script>\"x\"&'y'</script>") == "&lt;script&gt;&quot;x&quot;&amp;&#39;y&#39;&lt;/script&gt;");
    CHECK(escaped("a\x01"
                  "b\x1B[1m") == "ab[1m");
    CHECK(escaped("\xFF"
                  "a") ==
          "\xEF\xBF\xBD"
          "a");
    CHECK(escaped("\xEF\xBF\xBF"
                  "a") == "a");
}

TEST_CASE("languages: the one that is liked best, of those that we have")
{
    std::vector<std::string_view> const have{"en", "de"};
    CHECK(preferred_language("", have) == "en");
    CHECK(preferred_language("de-AT,de;q=0.9,en;q=0.8", have) == "de");
    CHECK(preferred_language("fr, de;q=0.3, en;q=0.7", have) == "en");
    CHECK(preferred_language("fr,DE;q=0.001", have) == "de");
    CHECK(preferred_language("de;q=0", have) == "en");
    CHECK(preferred_language("den", have) == "en");
}

}  // namespace postern::http
