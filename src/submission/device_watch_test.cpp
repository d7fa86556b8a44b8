#include "submission/device_watch.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::submission;

TEST_CASE("The notice names the device, and nothing in it breaks a line")
{
    forgotten_device d{"ann@example.com", *ip_address::parse("192.0.2.7"), "phone\r\nBcc: eve@example.com", "PLAIN", 6};
    auto const text = text_for_owner(d, wall_time{});
    CHECK(text.find("its address    192.0.2.7\n") != std::string::npos);
    CHECK(text.find("logs in as     ann@example.com, by PLAIN\n") != std::string::npos);
    CHECK(text.find("\nBcc:") == std::string::npos);
    CHECK(text.find('\r') == std::string::npos);
    d.hello.clear();
    CHECK(text_for_owner(d, wall_time{}).find("calls itself   (nothing)\n") != std::string::npos);
}
