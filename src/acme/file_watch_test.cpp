#include "acme/file_watch.hpp"

#include <doctest/doctest.h>

#include "base/whole_file.hpp"
#include "net/tls.hpp"
#include "support/throw_away_folder.hpp"

using namespace postern;
using acme::file_watch;
using finding = file_watch::finding;

namespace {

void write_over(std::filesystem::path const& from, std::filesystem::path const& to)
{
    auto const text = read_whole_file(from, 1 << 16);
    REQUIRE(text);
    REQUIRE(*text);
    REQUIRE(replace_whole_file(to, (*text)->reveal()));
}

}  // namespace

TEST_CASE("files that others renew are taken up when certificate and key fit, and not before")
{
    testing::throw_away_folder const folder;
    net::certificate_files const old{folder.path() / "old.crt", folder.path() / "old.key"};
    net::certificate_files const fresh{folder.path() / "new.crt", folder.path() / "new.key"};
    net::certificate_files const used{folder.path() / "used.crt", folder.path() / "used.key"};
    REQUIRE(net::ensure_self_signed(old, {"mail.example.com"}));
    REQUIRE(net::ensure_self_signed(fresh, {"mail.example.com"}));
    write_over(old.chain, used.chain);
    write_over(old.private_key, used.private_key);
    config::settings s;
    s.tls.certificate = used.chain;
    s.tls.private_key = used.private_key;
    file_watch watch;
    CHECK(watch.look(s) == finding::same);
    CHECK(watch.look(s) == finding::same);

    // Half of it.
    write_over(fresh.chain, used.chain);
    CHECK(watch.look(s) == finding::waits);
    CHECK(watch.look(s) == finding::waits);
    CHECK(watch.problem_of(used.chain).find("does not belong") != std::string::npos);
    write_over(fresh.private_key, used.private_key);
    CHECK(watch.look(s) == finding::changed);
    CHECK(watch.problem_of(used.chain).empty());
    CHECK(watch.look(s) == finding::same);

    // Gone for a moment.
    std::filesystem::remove(used.private_key);
    CHECK(watch.look(s) == finding::waits);
    write_over(fresh.private_key, used.private_key);
    CHECK(watch.look(s) == finding::changed);

    // Half of it when it is first seen.
    file_watch later;
    write_over(old.chain, used.chain);
    CHECK(later.look(s) == finding::waits);
    write_over(old.private_key, used.private_key);
    CHECK(later.look(s) == finding::changed);

    // Other files are no change: whoever reads the configuration reads them.
    s.tls.certificate = old.chain;
    s.tls.private_key = old.private_key;
    CHECK(watch.look(s) == finding::same);
}
