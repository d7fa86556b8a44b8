#include "delivery/maildir.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include <sys/stat.h>

#include "support/fake_spool.hpp"
#include "support/throw_away_folder.hpp"

using namespace postern;
using namespace postern::delivery;
using postern::testing::memory_content;

namespace {

struct box {
    postern::testing::throw_away_folder scratch;
    std::filesystem::path root = scratch.path();

    maildir_letter letter(std::string text, bool piecemeal = false) const
    {
        maildir_letter l;
        l.folder = root / "a" / "b";
        l.name = "1.M2IQR0.host";
        l.header = "Return-Path: <>\n";
        l.body = std::make_shared<memory_content>(std::move(text), piecemeal);
        return l;
    }
    std::string delivered() const
    {
        std::ifstream in{root / "a/b/new/1.M2IQR0.host", std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
};

}  // namespace

TEST_CASE("folders of accounts")
{
    CHECK(maildir_folder("/var/mail/%d/%n", "ann@b.example") == "/var/mail/b.example/ann");
    CHECK(maildir_folder("/var/mail/%u/", "ann@b.example") == "/var/mail/ann@b.example");
    CHECK(maildir_folder("/100%%/%n", "ann@b.example") == "/100%/ann");
    CHECK(maildir_folder("/m/%n", "\"a b\"@b.example") == "/m/\"a b\"");
}

TEST_CASE("no address leads out of the folder")
{
    for (std::string const address :
         {"../x@b.example", "..@b.example", ".@b.example", "a/b@b.example", "/@b.example", "a@..", "a@b/c",
          "@b.example", "a@", "ann", "a\nb@b.example", "a\x7f@b.example"}) {
        CAPTURE(address);
        CHECK_FALSE(maildir_folder("/var/mail/%d/%n", address).has_value());
    }
    CHECK_FALSE(maildir_folder("/var/mail/%d/%n", std::string{"a\0b@b.example", 13}).has_value());
    CHECK_FALSE(maildir_folder("/var/mail/%n", std::string(300, 'a') + "@b.example").has_value());
    // Harmless by itself, but not behind a dot of the pattern.
    CHECK_FALSE(maildir_folder("/var/mail/.%n", ".@b.example").has_value());
    CHECK(maildir_folder("/var/mail/%n", "...@b.example") == "/var/mail/...");
}

TEST_CASE("names are the same for every attempt, and have no separator of flags or folders")
{
    auto const at = from_microseconds(1'795'331'051'000'042);
    CHECK(maildir_name(at, "QABC", 3, "mail.b.example") == "1795331051.M42IQABCR3.mail.b.example");
    CHECK(maildir_name(at, "QABC", 3, "a/b:c,d") == "1795331051.M42IQABCR3.a_b_c_d");
}

TEST_CASE("a message gets Unix line ends, whatever the pieces")
{
    box b;
    for (bool piecemeal : {false, true}) {
        std::filesystem::remove_all(b.root / "a");
        std::string text = "Subject: x\r\n\r\none\r\n\r\n.\r\na\rb\r\r\nend\r";
        std::string expected = "Return-Path: <>\nSubject: x\n\none\n\n.\na\rb\r\nend\r";
        REQUIRE(deliver(b.letter(text, piecemeal)));
        CHECK(b.delivered() == expected);
        // A CR LF that two pieces share.
        for (std::size_t pad : {65'533u, 65'534u, 65'535u, 65'536u}) {
            std::filesystem::remove_all(b.root / "a");
            REQUIRE(deliver(b.letter(std::string(pad, 'x') + "\r\ny\r\n", piecemeal)));
            CHECK((b.delivered() == "Return-Path: <>\n" + std::string(pad, 'x') + "\ny\n"));
        }
    }
    std::filesystem::remove_all(b.root / "a");
    auto binary = b.letter(std::string{"\r\n\0\r\n", 5});
    binary.binary = true;
    REQUIRE(deliver(binary));
    CHECK(b.delivered() == "Return-Path: <>\n" + std::string{"\r\n\0\r\n", 5});
}

TEST_CASE("folders are made for us alone; an empty message is a message")
{
    box b;
    REQUIRE(deliver(b.letter("")));
    CHECK(b.delivered() == "Return-Path: <>\n");
    for (char const* part : {"a", "a/b", "a/b/tmp", "a/b/new", "a/b/cur"}) {
        struct stat s {};
        REQUIRE(::stat((b.root / part).c_str(), &s) == 0);
        CHECK((s.st_mode & 07777) == 0700);
    }
    struct stat s {};
    REQUIRE(::stat((b.root / "a/b/new/1.M2IQR0.host").c_str(), &s) == 0);
    CHECK((s.st_mode & 07777) == 0600);
    CHECK(std::filesystem::is_empty(b.root / "a/b/tmp"));
}

TEST_CASE("a second attempt after a crash makes no second copy")
{
    box b;
    REQUIRE(deliver(b.letter("once\r\n")));
    REQUIRE(deliver(b.letter("once\r\n")));
    CHECK(b.delivered() == "Return-Path: <>\nonce\n");
    CHECK(std::filesystem::is_empty(b.root / "a/b/tmp"));
    auto const folder = std::filesystem::directory_iterator{b.root / "a/b/new"};
    CHECK(std::distance(begin(folder), end(folder)) == 1);
}

TEST_CASE("failures name the file and the reason, and leave nothing behind")
{
    box b;
    std::ofstream{b.root / "a"} << "a file where a folder should be";
    auto const r = deliver(b.letter("x\r\n"));
    REQUIRE_FALSE(r);
    CHECK(r.error().code == status{4, 2, 0});
    CHECK(r.error().logged.find("Not a directory") != std::string::npos);
    CHECK(r.error().logged.find((b.root / "a").string()) != std::string::npos);
}

TEST_CASE("content that can't be read leaves nothing behind")
{
    box b;
    struct broken final : spool::content {
        std::uint64_t size() const noexcept override { return 10; }
        std::optional<std::string_view> in_memory() const noexcept override { return std::nullopt; }
        int file() const noexcept override { return -1; }
        result<std::string> read(std::uint64_t, std::size_t) const override
        {
            return error{{4, 3, 0}, "", "the disk does not answer"};
        }
    };
    auto l = b.letter("");
    l.body = std::make_shared<broken>();
    auto const r = deliver(l);
    REQUIRE_FALSE(r);
    CHECK(r.error().logged == "the disk does not answer");
    CHECK(std::filesystem::is_empty(b.root / "a/b/tmp"));
    CHECK(std::filesystem::is_empty(b.root / "a/b/new"));
}
