#include "smtp/wanted_wait.hpp"

#include <doctest/doctest.h>

namespace postern::smtp {
namespace {

using namespace std::chrono_literals;

struct row {
    int code;
    char const* text;
    std::optional<std::chrono::seconds> wait;
};

// What servers say, as their authors wrote it.
row const rows[] = {
    {450, "4.7.1 Greylisted, see http://postgrey.schweikert.ch/help/example.com.html", 5min},
    {450, "4.2.0 <a@b.example>: Recipient address rejected: Greylisted for 300 seconds", 300s},
    {451, "4.7.1 Please try again later (greylisting in effect), retry in 5 minutes", 5min},
    {451, "4.7.1 Greylisting in action, please come back in 00:04:32", 4min + 32s},
    {421, "4.7.0 Try again after 2 hours", 1h},
    {450, "4.3.2 please wait 1 sec", 10s},
    {451, "4.3.0 Temporary lookup failure", std::nullopt},
    {452, "4.2.2 Mailbox full for 3 users", std::nullopt},
    {450, "4.1.1 in 99999999999999 seconds", std::nullopt},
    {550, "5.7.1 try again in 300 seconds", std::nullopt},
};

TEST_CASE("a server that names a time is taken at its word, within bounds")
{
    for (auto const& r : rows) {
        reply said;
        said.code = r.code;
        said.text = r.text;
        INFO(r.text);
        CHECK(wanted_wait(said) == r.wait);
    }
}

}  // namespace
}  // namespace postern::smtp
