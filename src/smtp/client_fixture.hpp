// For the tests of the client session: what it sends, and a server that has said what it can.
#pragma once

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "smtp/client_session.hpp"

namespace postern::smtp::testing {

inline mail::mailbox box(std::string_view text)
{
    std::size_t const at = text.rfind('@');
    return {std::string{text.substr(0, at)}, std::string{text.substr(at + 1)}};
}

// A message of a dialog: recipients are to0@b.example, to1@b.example ...
struct letter {
    mail::envelope env;
    std::vector<mail::recipient> recipients;
    std::vector<mail::recipient const*> pointers;
    std::uint64_t size = 9;
    bool utf8 = false;

    explicit letter(std::size_t count = 1)
    {
        env.reverse_path.address = box("from@a.example");
        for (std::size_t i = 0; i < count; ++i) {
            recipients.push_back({box("to" + std::to_string(i) + "@b.example"), {}, {}});
        }
    }
    outgoing view()
    {
        pointers.clear();
        for (auto const& r : recipients) pointers.push_back(&r);
        return {&env, pointers, size, utf8};
    }
};

// A session that is ready, its server announcing `extensions`.
inline client_session ready_session(std::vector<std::string> const& keywords, tls_wish tls = tls_wish::never)
{
    client_session s{{"us.example", dialect::smtp, tls}};
    std::string hello = "220 mx\r\n250-mx\r\n";
    for (auto const& k : keywords) hello += "250-" + k + "\r\n";
    s.on_input(hello + "250 HELP\r\n");
    s.output().clear();
    REQUIRE(std::holds_alternative<ready>(s.next()));
    return s;
}

}  // namespace postern::smtp::testing
