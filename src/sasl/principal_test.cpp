#include "sasl/principal.hpp"

#include <doctest/doctest.h>

using namespace postern::sasl;

TEST_CASE("a principal is components and a realm")
{
    using parts = std::vector<std::string>;
    CHECK(parse_principal("anna@EXAMPLE.COM") == principal{parts{"anna"}, "EXAMPLE.COM"});
    CHECK(parse_principal("smtp/mail.example.com@EXAMPLE.COM") ==
          principal{parts{"smtp", "mail.example.com"}, "EXAMPLE.COM"});
    CHECK(parse_principal("anna\\@example.com@EXAMPLE.COM") == principal{parts{"anna@example.com"}, "EXAMPLE.COM"});
    CHECK(parse_principal("a\\/b\\\\c@R") == principal{parts{"a/b\\c"}, "R"});
    CHECK(parse_principal("j\xc3\xb6rg@R") == principal{parts{"j\xc3\xb6rg"}, "R"});
    CHECK(parse_principal("a@R/S") == principal{parts{"a"}, "R/S"});
    for (std::string_view const bad :
         {"", "anna", "@R", "anna@", "/@R", "a/@R", "/a@R", "a@b@c", "a\\", "a@R\\", "a\\n@R", "a\\t@R", "a\\b@R",
          "a\\0@R", "a\nb@R", "a\\\n@R", "1/2/3/4/5/6/7/8/9@R"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_principal(bad));
    }
    CHECK_FALSE(parse_principal(std::string_view{"a\0b@R", 5}));
    CHECK(parse_principal("1/2/3/4/5/6/7/8@R"));
    CHECK_FALSE(parse_principal(std::string(1023, 'a') + "@R"));
}

TEST_CASE("a principal's account is what the configuration says, and nothing else")
{
    principal_rules const rules{
        .realms = {{"EXAMPLE.COM", "example.com"}, {"CORP.EXAMPLE.COM", "corp.example.com"}},
        .bindings = {{"backup/host7@EXAMPLE.COM", "backup@example.com"},
                     {"postmaster@EXAMPLE.COM", "anna@example.com"},
                     {"zoe@PARTNER.TEST", "zoe.miller@example.com"}},
    };
    struct row {
        char const* principal;
        char const* account;
    };
    for (auto const& r : {
             row{"anna@EXAMPLE.COM", "anna@example.com"},
             row{"Anna.B+x@EXAMPLE.COM", "Anna.B+x@example.com"},
             row{"anna@CORP.EXAMPLE.COM", "anna@corp.example.com"},
             row{"backup/host7@EXAMPLE.COM", "backup@example.com"},
             row{"Backup/Host7@EXAMPLE.COM", "backup@example.com"},
             row{"postmaster@EXAMPLE.COM", "anna@example.com"},
             // A directory that does not mind letter case gives both to the same person.
             row{"PostMaster@EXAMPLE.COM", "anna@example.com"},
             row{"zoe@PARTNER.TEST", "zoe.miller@example.com"},
             // Nobody:
             row{"anna@PARTNER.TEST", ""},
             row{"anna@example.com", ""},
             row{"anna@Example.Com", ""},
             row{"anna@SUB.EXAMPLE.COM", ""},
             row{"anna/admin@EXAMPLE.COM", ""},
             row{"backup/host8@EXAMPLE.COM", ""},
             row{"backup@EXAMPLE.COM@EXAMPLE.COM", ""},
             row{"anna\\@example.com@EXAMPLE.COM", ""},
             row{"\"anna\"@EXAMPLE.COM", ""},
             row{"an\\\\na@EXAMPLE.COM", ""},
             row{"anna b@EXAMPLE.COM", ""},
             row{".anna@EXAMPLE.COM", ""},
             row{"anna.@EXAMPLE.COM", ""},
             row{"an..na@EXAMPLE.COM", ""},
             row{"<anna>@EXAMPLE.COM", ""},
             row{"anna", ""},
             row{"", ""},
         }) {
        CAPTURE(r.principal);
        auto const found = find_owner(r.principal, rules);
        CHECK(found.account == r.account);
        CHECK(found.account.empty() == (std::string_view{found.note} != ""));
        CHECK(found.account.empty() == found.names.empty());
    }
    using names = std::vector<std::string>;
    CHECK(find_owner("anna@EXAMPLE.COM", rules).names == names{"anna@EXAMPLE.COM", "anna"});
    // The short name would be the account of that name, which the binding says it is not.
    CHECK(find_owner("postmaster@EXAMPLE.COM", rules).names == names{"postmaster@EXAMPLE.COM"});
    CHECK(find_owner("anna@EXAMPLE.COM", {}).account.empty());
}
