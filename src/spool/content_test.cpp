#include <fstream>

#include "spool/fixture.hpp"

namespace postern::spool {
namespace {

using namespace postern::testing;
using namespace testing;

TEST_CASE("the front of content can be replaced, in memory, in a file, and between")
{
    throw_away_folder folder;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    std::string const front(2000, 'a'), other(2000, 'b');
    for (std::size_t const size : {std::size_t{0}, std::size_t{10}, std::size_t{140'000}, std::size_t{3'000'000}}) {
        CAPTURE(size);
        std::string const rest = big_text(size);
        auto body = (*s)->new_content();
        REQUIRE(body->append(front));
        for (std::size_t at = 0; at < rest.size(); at += 10'000)
            REQUIRE(body->append(std::string_view{rest}.substr(at, 10'000)));
        REQUIRE(body->replace_front(other));
        CHECK(body->size() == front.size() + rest.size());
        answer a;
        (*s)->accept(some_message(make_queue_id()), std::move(body), a.handler());
        REQUIRE(a.wait());
        auto const m = got.next();
        REQUIRE(m.what != nullptr);
        CHECK(all_of(*m.body) == other + rest);
    }
    auto body = (*s)->new_content();
    REQUIRE(body->append("ab"));
    CHECK_FALSE(body->replace_front("abc"));
}

TEST_CASE("big content lives in a file as long as the message does")
{
    throw_away_folder folder;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    std::string const text = big_text(3'000'000);
    {
        auto aborted = (*s)->new_content();
        for (std::size_t at = 0; at < text.size(); at += 10'000)
            REQUIRE(aborted->append(std::string_view{text}.substr(at, 10'000)));
        CHECK(aborted->size() == text.size());
        CHECK(content_files_in(folder.path()) == 1);
    }
    CHECK(content_files_in(folder.path()) == 0);
    REQUIRE(accept(**s, some_message("Q000000000001"), text));
    auto const m = got.next();
    REQUIRE(m.what != nullptr);
    CHECK_FALSE(m.body->in_memory());
    CHECK(m.body->file() >= 0);
    CHECK(all_of(*m.body) == text);
    CHECK(content_files_in(folder.path()) == 1);
    REQUIRE(settle(**s, fate_of("Q000000000001", 0, recipient_state::delivered)));
    s = error{};
    CHECK(content_files_in(folder.path()) == 0);
}

TEST_CASE("content of every size around the limits is read back as it came")
{
    throw_away_folder folder;
    options o = options_in(folder.path());
    o.memory_limit = 5000;
    arrivals got;
    auto s = open(o);
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    int number = 0;
    for (std::size_t size : {0u, 1u, 4999u, 5000u, 5001u, 65'535u, 65'536u, 65'537u, 70'000u, 200'000u}) {
        std::string const text = big_text(size).substr(0, size);
        std::string const id = "Q00000000000" + std::to_string(number++);
        REQUIRE(accept(**s, some_message(id), text));
        auto const m = got.next();
        REQUIRE(m.what != nullptr);
        CHECK(m.body->size() == size);
        CHECK(all_of(*m.body) == text);
        CHECK((m.body->file() >= 0) == (size > 5000));
        CHECK(all_of(*(*s)->find(id)->body) == text);
        CHECK(m.body->read(size, 10)->empty());
    }
}

TEST_CASE("files that no message names are swept at the start; files of others stay")
{
    throw_away_folder folder;
    {
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        REQUIRE(accept(**s, some_message("Q000000000001"), big_text(200'000)));
    }
    std::filesystem::create_directories(folder.path() / "content/00");
    std::ofstream{folder.path() / "content/00/00ffffffffffffff"} << "left over";
    std::ofstream{folder.path() / "content/00/README"} << "not ours";
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "content/00/00ffffffffffffff"));
    CHECK(std::filesystem::exists(folder.path() / "content/00/README"));
    REQUIRE((*s)->take_due(wall_clock::now(), 10)->size() == 1);
}

}  // namespace
}  // namespace postern::spool
