#include "acme/file_watch.hpp"

#include <doctest/doctest.h>

#include "base/whole_file.hpp"
#include "net/tls.hpp"
#include "support/throw_away_folder.hpp"

using namespace postern;
using acme::file_watch;

namespace {

void write_over(std::filesystem::path const& from, std::filesystem::path const& to)
{
    auto const text = read_whole_file(from, 1 << 16);
    REQUIRE(text);
    REQUIRE(*text);
    REQUIRE(replace_whole_file(to, (*text)->reveal()));
}

std::string told(file_watch::news n) { return n.mail ? "mail" : n.any ? "web" : "nothing"; }

// Two certificates for the same name, and places in use.
struct pairs {
    net::certificate_files in(std::string const& name) const
    {
        return {folder.path() / (name + ".crt"), folder.path() / (name + ".key")};
    }
    void copy(std::string const& from, std::string const& to) const
    {
        write_over(in(from).chain, in(to).chain);
        write_over(in(from).private_key, in(to).private_key);
    }
    pairs()
    {
        for (std::string const name : {"old", "new"}) REQUIRE(net::ensure_self_signed(in(name), {"mail.example.com"}));
    }

    testing::throw_away_folder const folder;
};

}  // namespace

TEST_CASE("files that others renew are taken up when certificate and key fit, and not before")
{
    pairs const p;
    auto const old = p.in("old"), fresh = p.in("new"), used = p.in("used");
    p.copy("old", "used");
    config::settings s;
    s.tls.certificate = used.chain;
    s.tls.private_key = used.private_key;
    file_watch watch;
    CHECK(told(watch.look(s)) == "nothing");
    CHECK(told(watch.look(s)) == "nothing");

    // Half of it.
    write_over(fresh.chain, used.chain);
    CHECK(told(watch.look(s)) == "nothing");
    CHECK(told(watch.look(s)) == "nothing");
    CHECK(watch.problem_of(used.chain).find("does not belong") != std::string::npos);
    write_over(fresh.private_key, used.private_key);
    CHECK(told(watch.look(s)) == "mail");
    CHECK(watch.problem_of(used.chain).empty());
    CHECK(told(watch.look(s)) == "nothing");

    // Gone for a moment.
    std::filesystem::remove(used.private_key);
    CHECK(told(watch.look(s)) == "nothing");
    write_over(fresh.private_key, used.private_key);
    CHECK(told(watch.look(s)) == "mail");

    // Half of it when it is first seen.
    file_watch later;
    write_over(old.chain, used.chain);
    CHECK(told(later.look(s)) == "nothing");
    write_over(old.private_key, used.private_key);
    CHECK(told(later.look(s)) == "mail");

    // Other files are no change: whoever reads the configuration reads them.
    s.tls.certificate = old.chain;
    s.tls.private_key = old.private_key;
    CHECK(told(watch.look(s)) == "nothing");
}

TEST_CASE("a pair that is broken holds back no other one")
{
    pairs const p;
    for (std::string const place : {"first", "second", "web"}) p.copy("old", place);
    config::settings s;
    s.tls.certificate = p.in("first").chain;
    s.tls.private_key = p.in("first").private_key;
    s.tls.more.emplace_back();
    s.tls.more.back().chain = p.in("second").chain;
    s.tls.more.back().private_key = p.in("second").private_key;
    s.web.certificate = p.in("web").chain;
    s.web.private_key = p.in("web").private_key;
    file_watch watch;
    CHECK(told(watch.look(s)) == "nothing");

    // The pages' own is nothing to the mail ports.
    write_over(p.in("new").chain, p.in("web").chain);
    p.copy("new", "first");
    CHECK(told(watch.look(s)) == "mail");
    CHECK_FALSE(watch.problem_of(p.in("web").chain).empty());

    write_over(p.in("new").chain, p.in("second").chain);
    p.copy("old", "first");
    write_over(p.in("new").private_key, p.in("web").private_key);
    CHECK(told(watch.look(s)) == "mail");
    CHECK_FALSE(watch.problem_of(p.in("second").chain).empty());
    CHECK(told(watch.look(s)) == "nothing");
    write_over(p.in("old").chain, p.in("second").chain);
    CHECK(told(watch.look(s)) == "mail");
    CHECK(told(watch.look(s)) == "nothing");
}
