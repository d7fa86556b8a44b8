#include "guard/network_lists.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

using namespace postern;
using namespace postern::guard;

namespace {

struct folder {
    std::filesystem::path path;
    folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "postern-guard-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("Lists are read as they are written")
{
    auto const lists = parse_lists("# ours\n\n  deny 192.0.2.0/24 # noisy\r\nallow\t2001:db8::/32\ndeny 198.51.100.7");
    REQUIRE(lists);
    CHECK(lists->deny.size() == 2);
    CHECK(lists->allow.size() == 1);
    CHECK(*parse_lists(to_text(*lists)) == *lists);
    CHECK(parse_lists("")->empty());
}

TEST_CASE("A line that makes no sense is named")
{
    for (auto const* text :
         {"deny 192.0.2.0/24\nrefuse 192.0.2.1\n", "\ndeny\n", "\ndeny 192.0.2.1/24", "\nallow example.com"}) {
        auto const lists = parse_lists(text);
        REQUIRE_FALSE(lists);
        CHECK(lists.error().logged.starts_with("line 2: "));
    }
    std::string many;
    for (std::size_t i = 0; i <= network_lists::most; ++i) many += "deny 192.0.2.1\n";
    CHECK_FALSE(parse_lists(many));
}

TEST_CASE("Lists survive in their file")
{
    folder const f;
    CHECK(load_lists(f.path)->empty());
    network_lists const lists{{*network::parse("192.0.2.0/24")}, {*network::parse("192.0.2.7")}};
    REQUIRE(save_lists(f.path, lists));
    REQUIRE(save_lists(f.path, lists));
    CHECK(*load_lists(f.path) == lists);
    CHECK((std::filesystem::status(f.path / "guard.networks").permissions() & std::filesystem::perms::others_all) ==
          std::filesystem::perms::none);
    std::ofstream(f.path / "guard.networks") << "nonsense\n";
    auto const bad = load_lists(f.path);
    REQUIRE_FALSE(bad);
    CHECK(bad.error().logged.find("line 1") != std::string::npos);
    CHECK_FALSE(save_lists(f.path / "missing", lists));
}
