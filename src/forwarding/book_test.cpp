#include "forwarding/book.hpp"

#include <fstream>

#include <doctest/doctest.h>

#include "support/throw_away_folder.hpp"

using namespace postern;
using namespace postern::forwarding;

namespace {

wall_time const now = from_microseconds(1'800'000'000'000'000);

mail::mailbox at(char const* text) { return *mail::parse_mailbox(text); }

std::unique_ptr<book> opened(std::filesystem::path const& folder, wall_time when = now)
{
    auto made = book::open(folder, when);
    REQUIRE(made);
    (*made)->configure("mail.example", std::chrono::hours{21 * 24});
    return std::move(*made);
}

}  // namespace

TEST_CASE("Forwards outlive the process")
{
    testing::throw_away_folder const folder;
    {
        auto b = opened(folder.path());
        CHECK(b->add(at("Anna@Example.com"), at("anna@remote.test"), std::nullopt));
        CHECK(b->add(at("anna@example.com"), at("second@remote.test"), true));
        CHECK(b->add(at("anna@example.com"), at("second@remote.test"), std::nullopt));
        CHECK_FALSE(b->add({"tab\there", "example.com"}, at("x@remote.test"), std::nullopt));
        CHECK(b->add({"two words", "example.com"}, at("x@remote.test"), std::nullopt));
    }
    auto b = opened(folder.path());
    auto const f = b->find(at("ANNA@example.com"));
    REQUIRE(f);
    CHECK(f->keep);
    CHECK(f->targets.size() == 2);
    CHECK(b->find({"two words", "example.com"}));
    CHECK_FALSE(b->find(at("bob@example.com")));
    CHECK(*b->remove(at("anna@example.com"), at("anna@remote.test")));
    CHECK_FALSE(*b->remove(at("anna@example.com"), at("anna@remote.test")));
    CHECK(*b->remove(at("anna@example.com"), std::nullopt));
    CHECK_FALSE(opened(folder.path())->find(at("anna@example.com")));
}

TEST_CASE("A file that somebody damaged stops the start, with the line")
{
    testing::throw_away_folder const folder;
    std::ofstream{folder.path() / "forwards"} << "a@example.com\tmove\tb@example.com\nnonsense\n";
    auto const made = book::open(folder.path(), now);
    REQUIRE_FALSE(made);
    CHECK(made.error().logged.find("forwards:2:") != std::string::npos);
}

TEST_CASE("Keys change with time, and old ones still know what they signed")
{
    testing::throw_away_folder const folder;
    auto const sender = at("anna@remote.test");
    auto const day = std::chrono::hours{24};
    mail::mailbox old;
    {
        auto b = opened(folder.path());
        old = b->rewritten(sender, now);
        CHECK(b->is_return_address(old));
        CHECK_FALSE(b->is_return_address({old.local_part, "other.example"}));
        CHECK(b->rewritten(sender, now) == old);
        auto const later = b->rewritten(sender, now + 29 * day);
        CHECK(b->origin(later, now + 29 * day).address == sender);
        auto const renewed = b->rewritten(sender, now + 31 * day);
        CHECK(b->origin(renewed, now + 31 * day).address == sender);
        CHECK(b->origin(later, now + 31 * day).address == sender);
        CHECK(b->origin(old, now + 31 * day).what == mail::srs_origin::state::expired);
    }
    auto b = opened(folder.path(), now + 40 * day);
    CHECK(b->origin(old, now + 20 * day).address == sender);
    std::string file;
    std::ifstream in{folder.path() / "srs.keys"};
    int lines = 0;
    while (std::getline(in, file)) ++lines;
    CHECK(lines == 2);
}
