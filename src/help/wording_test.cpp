#include "help/wording.hpp"

#include <doctest/doctest.h>

#include <map>

#include "catalogue/verdict.hpp"
#include "help/pages.hpp"

namespace postern::help {
namespace {

using catalogue::evidence;

/// A value for each placeholder of a text.
std::vector<evidence> values_for(std::string_view pattern)
{
    std::vector<evidence> out;
    for (auto open = pattern.find('{'); open != pattern.npos; open = pattern.find('{', open + 1)) {
        std::string const name{pattern.substr(open + 1, pattern.find('}', open) - open - 1)};
        out.push_back({name, "<" + name + " 7>"});
    }
    return out;
}

}  // namespace

TEST_CASE("every text of the catalogue is found by what it became, and its values stand where the translation has them")
{
    for (auto const& r : catalogue::all()) {
        auto const own = wording_of(r, "de");
        for (auto const& [english, german] : {std::pair{r.reply, own.reply},
                                              {r.what, own.what},
                                              {r.user, own.user},
                                              {r.operator_remedy, own.operator_remedy}}) {
            CAPTURE(english);
            auto const values = values_for(english);
            CHECK(translated(catalogue::fill(english, values), "de", &r) == catalogue::fill(german, values));
        }
    }
}

TEST_CASE("what a text was filled with is whatever it is")
{
    auto const& r = catalogue::rules::sending_limit;
    auto const english =
        catalogue::fill(r.reply, {{"limit", "100"}, {"what", "{mails} is reached"}, {"resets", "12:00"}});
    auto const german = translated(english, "de", &r);
    CHECK(german.find("{mails} is reached") != std::string::npos);
    CHECK(german.find("12:00") != std::string::npos);
    CHECK(german.find("The limit") == std::string::npos);
}

TEST_CASE("sentences beside the catalogue are translated, with what the server put into them")
{
    CHECK(translated("The password is wrong.", "de", nullptr) == "Das Passwort ist falsch.");
    CHECK(translated("there is no account x@example.com", "de", nullptr) == "es gibt kein Konto x@example.com");
    CHECK(translated("there is no account x@example.com; `postern account list` shows all", "de", nullptr) ==
          "es gibt kein Konto x@example.com; `postern account list` zeigt alle");
    CHECK(translated("`a b` is not a mail address: it is too long", "de", nullptr) ==
          "`a b` ist keine Mailadresse: Sie ist zu lang");
    // The log's own words stay.
    auto const down = translated("What knows the account can't be asked at the moment. (ldap: timeout)", "de", nullptr);
    CHECK(down.starts_with("Das Verzeichnis"));
    CHECK(down.ends_with(" (ldap: timeout)"));
}

TEST_CASE("what nobody knows stays as it is, and so does English")
{
    CHECK(translated("something else (really)", "de", nullptr) == "something else (really)");
    CHECK(translated("The password is wrong.", "en", nullptr) == "The password is wrong.");
    CHECK(translated("", "de", nullptr).empty());
    auto const& r = catalogue::rules::auth_failed;
    CHECK(wording_of(r, "en").reply == r.reply);
    CHECK(wording_of(r, "tlh").user == r.user);
    CHECK(translated(r.what, "de", &catalogue::rules::relay_needs_login) == r.what);
}

TEST_CASE("the rows are sorted, as they are looked for")
{
    std::map<std::string_view, std::size_t> count;
    auto const rows = row_wordings();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        ++count[rows[i].language];
        if (i != 0)
            CHECK(std::pair{rows[i - 1].language, rows[i - 1].name} < std::pair{rows[i].language, rows[i].name});
    }
    CHECK(count.size() == languages().size() - 1);
    CHECK(count["de"] == catalogue::all().size());
}

}  // namespace postern::help
