#include "acme/good_pairs.hpp"

#include <doctest/doctest.h>

#include "base/whole_file.hpp"
#include "support/throw_away_folder.hpp"

using namespace postern;
using acme::good_pairs;

namespace {

struct places {
    net::certificate_files in(std::string const& name) const
    {
        return {folder.path() / (name + ".crt"), folder.path() / (name + ".key")};
    }
    net::certificate_files make(std::string const& name) const
    {
        REQUIRE(net::ensure_self_signed(in(name), {name + ".example.com"}));
        return in(name);
    }
    testing::throw_away_folder const folder;
};

std::string chain_of(good_pairs& pairs, net::certificate_files const& files)
{
    auto const pair = pairs.take(files);
    return pair ? (*pair)->text.chain : "none";
}

}  // namespace

TEST_CASE("a pair stays as it was good last while its files are no good")
{
    places const p;
    auto const one = p.make("one"), two = p.make("two");
    good_pairs pairs;
    auto const first = chain_of(pairs, one), second = chain_of(pairs, two);
    CHECK(first != second);

    // The key of another one, half a file, none.
    std::filesystem::copy_file(two.chain, one.chain, std::filesystem::copy_options::overwrite_existing);
    CHECK(chain_of(pairs, one) == first);
    REQUIRE(replace_whole_file(one.chain, "half"));
    CHECK(chain_of(pairs, one) == first);
    std::filesystem::remove(one.chain);
    CHECK(chain_of(pairs, one) == first);
    CHECK((*pairs.take(one))->facts.names == std::vector<std::string>{"one.example.com"});
    CHECK(chain_of(pairs, two) == second);

    // Mended, and another one.
    std::filesystem::remove(one.private_key);
    p.make("one");
    auto const mended = chain_of(pairs, one);
    CHECK(mended != first);
    CHECK(mended.find("BEGIN CERTIFICATE") != std::string::npos);
}

TEST_CASE("a pair that was never good is an error, and so is one that nobody wanted any more")
{
    places const p;
    auto const one = p.make("one"), two = p.make("two");
    good_pairs pairs;
    net::certificate_files const mixed{one.chain, two.private_key};
    auto const wrong = pairs.take(mixed);
    REQUIRE(!wrong);
    CHECK(wrong.error().logged.find("does not belong") != std::string::npos);
    CHECK(pairs.take(one));
    pairs.keep_only({two});
    std::filesystem::remove(one.chain);
    CHECK(!pairs.take(one));
}
