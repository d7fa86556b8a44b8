#include <cstdlib>
#include <fstream>

#include "config/fixture.hpp"

using namespace postern;
using namespace postern::config;
using namespace postern::config::testing;
namespace fs = std::filesystem;

TEST_CASE("a file: relative paths count from its folder, and what can't be read says why")
{
    folder const f;
    auto const file = f.path() / "postern.toml";
    std::ofstream(file) << "data_dir = \"data\"\n[tls]\ncertificate = \"a.pem\"\nprivate_key = \"/b.key\"\n"
                           "[delivery]\nlocal = \"maildir:mail/%d/%n\"\n";
    std::vector<problem> problems;
    auto const s = load(file, problems);
    REQUIRE(s);
    CHECK(s->data_dir == f.path() / "data");
    CHECK(s->tls.certificate == f.path() / "a.pem");
    CHECK(s->tls.private_key == "/b.key");
    CHECK(s->delivery.local == "maildir:" + (f.path() / "mail/%d/%n").string());

    CHECK(!load(f.path() / "none.toml", problems));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].to_string() ==
          (f.path() / "none.toml").string() +
              ": can't be read: No such file or directory; `postern config default` prints a "
              "configuration to begin with");
    problems.clear();
    CHECK(!load(f.path(), problems));
    REQUIRE(problems.size() == 1);
    CHECK(has(problems[0].text, "is a folder"));
    problems.clear();
    std::ofstream(file) << std::string(2u << 20, '#');
    CHECK(!load(file, problems));
    REQUIRE(problems.size() == 1);
    CHECK(has(problems[0].text, "too large"));
    problems.clear();
    std::ofstream(file) << "threads = 1\nuser = 7\n";
    CHECK(!load(file, problems));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].to_string() == file.string() + ":2:8: `user`: expected text in quotes, not a number");
    CHECK(load(std::nullopt, problems).has_value());
}

TEST_CASE("$POSTERN_CONFIG names the file, also one that is not there")
{
    char const* before = std::getenv("POSTERN_CONFIG");
    std::string const kept = before == nullptr ? "" : before;
    ::setenv("POSTERN_CONFIG", "/nowhere/postern.toml", 1);
    CHECK(find_file() == fs::path("/nowhere/postern.toml"));
    ::setenv("POSTERN_CONFIG", "", 1);
    CHECK(find_file() != fs::path(""));
    if (before == nullptr)
        ::unsetenv("POSTERN_CONFIG");
    else
        ::setenv("POSTERN_CONFIG", kept.c_str(), 1);
}
