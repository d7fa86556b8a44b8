#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "smtp/client_session.hpp"

using namespace postern;
using namespace postern::smtp;

TEST_CASE("dot-stuffing is the same whatever the pieces, and content never ends the data by itself")
{
    struct row {
        std::string in, out;
    };
    for (row const& r : std::vector<row>{
             {"", ".\r\n"},
             {"a\r\n", "a\r\n.\r\n"},
             {"a", "a\r\n.\r\n"},
             {".\r\n", "..\r\n.\r\n"},
             {"..a\r\n.b\r\nc.d\r\n\r\n.\r\n", "...a\r\n..b\r\nc.d\r\n\r\n..\r\n.\r\n"},
             {"a\r\n.", "a\r\n..\r\n.\r\n"},
             {"a\r", "a\r\n.\r\n"},
         }) {
        for (std::size_t cut = 0; cut <= r.in.size(); ++cut) {
            dot_stuffer d;
            std::string out;
            d.add(std::string_view{r.in}.substr(0, cut), out);
            d.add(std::string_view{r.in}.substr(cut), out);
            d.finish(out);
            CHECK(out == r.out);
        }
    }
}
