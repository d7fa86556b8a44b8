#include "delivery/waiting_line.hpp"

#include <doctest/doctest.h>

#include <map>

namespace postern::delivery {
namespace {

using namespace std::chrono_literals;

job letter_of(std::string const& account, int priority = 0, steady_time since = {})
{
    auto m = std::make_shared<spool::message>();
    m->account = account;
    m->env.priority = static_cast<std::int8_t>(priority);
    spool::queued_message q;
    q.what = m;
    return {std::make_shared<letter const>(q), {0}, {}, since, 0};
}

std::string sender(job const& j) { return j.of->what->account; }

TEST_CASE("senders have their turns, however many messages one of them has")
{
    waiting_line line;
    for (int i = 0; i < 1000; ++i) line.add(letter_of("mailing"));
    line.add(letter_of("anna"));
    line.add(letter_of("anna"));
    line.add(letter_of("carl"));
    CHECK(line.size() == 1003);
    std::map<std::string, int> first;
    for (int i = 0; i < 6; ++i) ++first[sender(line.take())];
    CHECK(first["anna"] == 2);
    CHECK(first["carl"] == 1);
    CHECK(first["mailing"] == 3);
    CHECK(line.size() == 997);
}

TEST_CASE("what is too much for a line is counted, whatever way it goes")
{
    waiting_line line;
    std::size_t beyond = 0;
    for (std::size_t i = 0; i < waiting_line::long_line; ++i) line.add(letter_of("mailing"));
    line.count_beyond(beyond);
    CHECK(beyond == 0);
    auto mailing = letter_of("anna");
    mailing.recipients = {0, 1, 2};
    line.add(mailing);
    line.count_beyond(beyond);
    CHECK(beyond == 3);
    line.put_back(line.take());
    CHECK(beyond == 3);
    line.remove_if([](job const& j) { return sender(j) == "anna"; });
    CHECK(beyond == 0);
    for (int i = 0; i < 5; ++i) line.add(letter_of("mailing"));
    CHECK(beyond == 5);
    CHECK(line.take_all().size() == waiting_line::long_line + 5);
    CHECK(beyond == 0);
    CHECK(line.empty());
}

TEST_CASE("what was given back is next")
{
    waiting_line line;
    line.add(letter_of("anna"));
    line.put_back(letter_of("carl"));
    CHECK(sender(line.take()) == "carl");
    CHECK(sender(line.take()) == "anna");
    CHECK(line.empty());
}

TEST_CASE("a higher priority goes first, and none waits for ever")
{
    waiting_line line;
    auto const long_ago = steady_time{} + 1s, lately = steady_time{} + 100s;
    for (int i = 0; i < 100; ++i) line.add(letter_of("urgent", 5, lately));
    for (int i = 0; i < 3; ++i) line.add(letter_of("bulk", -4, long_ago));
    std::string order;
    for (int i = 0; i < 24; ++i) order += sender(line.take()).front();
    CHECK(order == "uuuuuuubuuuuuuubuuuuuuub");
}

TEST_CASE("messages can be taken out of the middle, and all at once")
{
    waiting_line line;
    for (int i = 0; i < 6; ++i) line.add(letter_of(i % 2 == 0 ? "anna" : "carl", i % 3));
    line.put_back(letter_of("carl"));
    line.remove_if([](job const& j) { return sender(j) == "carl"; });
    CHECK(line.size() == 3);
    auto const rest = line.take_all();
    CHECK(rest.size() == 3);
    for (auto const& j : rest) CHECK(sender(j) == "anna");
    CHECK(line.empty());
    line.add(letter_of("anna"));
    CHECK(sender(line.take()) == "anna");
}

}  // namespace
}  // namespace postern::delivery
