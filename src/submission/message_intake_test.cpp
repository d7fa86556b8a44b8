#include "submission/message_intake.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::submission;
namespace rules = postern::catalogue::rules;

namespace {

struct memory_writer final : spool::content_writer {
    std::string& out;
    std::size_t room;
    memory_writer(std::string& o, std::size_t r) : out(o), room(r) {}
    result<> append(std::string_view octets) override
    {
        if (out.size() + octets.size() > room) return error{status{4, 3, 1}, "full", "no space left on device"};
        out += octets;
        return done{};
    }
    result<> replace_front(std::string_view octets) override
    {
        out.replace(0, octets.size(), octets);
        return done{};
    }
    std::uint64_t size() const noexcept override { return out.size(); }
    result<std::string> read(std::uint64_t offset, std::size_t limit) override
    {
        return offset < out.size() ? out.substr(static_cast<std::size_t>(offset), limit) : std::string{};
    }
};

struct intake {
    std::string out;
    mail::mailbox to{"bob", "example.net"};
    std::unique_ptr<message_intake> in;

    explicit intake(bool is_submission, message_intake::header_check check = {}, std::size_t room = 1 << 20,
                    std::string from = {}, std::shared_ptr<signing::keyring const> keys = {},
                    std::uint64_t header_size = 1000)
    {
        intake_options o;
        o.message_size = 2 * header_size;
        o.header_size = header_size;
        o.hops = 3;
        o.is_submission = is_submission;
        o.from_required = is_submission;
        o.from = std::move(from);
        o.keys = std::move(keys);
        o.trace.ehlo = "laptop.example";
        o.trace.client = *ip_address::parse("192.0.2.7");
        o.trace.hostname = "mail.example";
        o.trace.protocol = "ESMTPSA";
        o.trace.queue_id = "Q0123456789AB";
        o.trace.recipient = &to;
        o.trace.now = from_microseconds(1'800'000'000'000'000);
        in = std::make_unique<message_intake>(o, std::make_unique<memory_writer>(out, room), std::move(check));
    }
    catalogue::rule const* failure() const { return in->failure() ? in->failure()->why : nullptr; }
};

}  // namespace

TEST_CASE("A submitted message gets Received, Date and Message-ID, and loses Bcc, however it is cut")
{
    static constexpr std::string_view content =
        "From: <a@example.com>\r\nBcc: <secret@example.org>\r\nSubject: x\r\n\r\nbody\r\n";
    for (std::size_t cut = 0; cut <= content.size(); ++cut) {
        CAPTURE(cut);
        intake i{true};
        i.in->add(content.substr(0, cut));
        i.in->add(content.substr(cut));
        i.in->finish(false);
        REQUIRE(i.failure() == nullptr);
        CHECK(i.out.starts_with("Received: from"));
        CHECK(i.out.find("\r\nDate: ") != std::string::npos);
        CHECK(i.out.find("\r\nMessage-ID: <Q0123456789AB@mail.example>\r\n") != std::string::npos);
        CHECK(i.out.find("secret") == std::string::npos);
        CHECK(i.out.ends_with("From: <a@example.com>\r\nSubject: x\r\n\r\nbody\r\n"));
        CHECK(i.in->message_id() == "<Q0123456789AB@mail.example>");
    }
}

TEST_CASE("A message for the MX gets Received and nothing else")
{
    intake i{false};
    i.in->add("From: <a@example.com>\r\nBcc: <b@example.org>\r\n\r\nbody\r\n");
    i.in->finish(false);
    REQUIRE(i.failure() == nullptr);
    CHECK(i.out.find("Date:") == std::string::npos);
    CHECK(i.out.ends_with("From: <a@example.com>\r\nBcc: <b@example.org>\r\n\r\nbody\r\n"));
}

TEST_CASE("A submitted message without From gets the sender's address, and is refused when there is none")
{
    static constexpr std::string_view content = "Subject: x\r\n\r\nbody\r\n";
    SUBCASE("an address")
    {
        intake i{true, {}, 1 << 20, "alice@example.com"};
        i.in->add(content);
        i.in->finish(false);
        REQUIRE(i.failure() == nullptr);
        CHECK(i.out.find("\r\nFrom: <alice@example.com>\r\n") != std::string::npos);
        CHECK(i.out.ends_with(content));
    }
    SUBCASE("a read receipt, which has no sender")
    {
        intake i{true};
        i.in->add(content);
        i.in->finish(false);
        CHECK(i.failure() == &rules::from_missing);
        CHECK(i.out.empty());
    }
    SUBCASE("not even a header section")
    {
        intake i{true};
        i.in->add("\r\nFrom: <alice@example.com>\r\n");
        i.in->finish(false);
        CHECK(i.failure() == &rules::from_missing);
    }
    SUBCASE("mail of strangers stays as it is")
    {
        intake i{false, {}, 1 << 20, "alice@example.com"};
        i.in->add(content);
        i.in->finish(false);
        REQUIRE(i.failure() == nullptr);
        CHECK(i.out.find("From:") == std::string::npos);
    }
}

TEST_CASE("A body without header can't become the continuation of our own field")
{
    intake i{false};
    i.in->add(" folded?\r\nmore\r\n");
    i.in->finish(false);
    REQUIRE(i.failure() == nullptr);
    CHECK(i.out.find("\r\n\r\n folded?\r\nmore\r\n") != std::string::npos);
}

TEST_CASE("A header section has no bare line ends, in a binary message either")
{
    // Other readers would see a second From field here, which nobody checked.
    for (auto const* header : {"X-A: b\nFrom: <ceo@example.com>\r\nFrom: <a@example.com>\r\n\r\n\0\n",
                               "X-A: b\rFrom: <ceo@example.com>\r\nFrom: <a@example.com>\r\n\r\n"}) {
        CAPTURE(header);
        intake i{true};
        i.in->add(header);
        i.in->finish(false);
        CHECK(i.failure() == &rules::bare_newline_in_message);
        CHECK(i.out.empty());
    }
}

TEST_CASE("Limits of a message")
{
    SUBCASE("size")
    {
        intake i{true};
        i.in->add("Subject: x\r\n\r\n" + std::string(2000, 'x'));
        CHECK(i.failure() == &rules::message_too_big);
        i.in->add("more");
        CHECK(i.in->take() == nullptr);
    }
    SUBCASE("header")
    {
        intake i{true};
        i.in->add("Subject: " + std::string(1500, 'x') + "\r\n\r\n");
        CHECK(i.failure() == &rules::header_too_long);
    }
    SUBCASE("hops")
    {
        intake i{false};
        i.in->add("Received: a\r\nReceived: b\r\nReceived: c\r\nReceived: d\r\n\r\n");
        CHECK(i.failure() == &rules::too_many_hops);
    }
    SUBCASE("hops, one fewer")
    {
        intake i{false};
        i.in->add("Received: a\r\nReceived: b\r\nReceived: c\r\n\r\n");
        CHECK(i.failure() == nullptr);
    }
    SUBCASE("room")
    {
        intake i{true, {}, 100};
        i.in->add("From: <a@example.com>\r\n\r\nbody\r\n");
        CHECK(i.failure() == &rules::disk_full);
    }
}

TEST_CASE("The header's senders are judged once, before anything is stored")
{
    int asked = 0;
    intake i{true, [&](std::vector<mail::header_field> const& fields) {
                 ++asked;
                 CHECK(fields.size() == 1);
                 return catalogue::make_verdict(rules::header_from_not_owned, {{"sender", "eve@example.org"}});
             }};
    i.in->add("From: <eve@example.org>\r\n\r\nbody");
    i.in->add("more");
    i.in->finish(false);
    CHECK(asked == 1);
    CHECK(i.failure() == &rules::header_from_not_owned);
    CHECK(i.out.empty());
}

TEST_CASE("Text that came in chunks gets the last line end that it lacks")
{
    intake i{false};
    i.in->add("Subject: x\r\n\r\nbody");
    i.in->finish(true);
    CHECK(i.out.ends_with("\r\n\r\nbody\r\n"));
}

TEST_CASE("A message that streams by is signed in the place that was left for it")
{
    config::settings settings;
    auto ring = std::make_shared<signing::keyring>(settings);
    for (auto const kind : {signing_key::kind::ed25519, signing_key::kind::rsa}) {
        auto key = signing_key::generate(kind);
        REQUIRE(key);
        ring->add("example.com", {"s", std::move(*key)});
    }
    static constexpr std::string_view content =
        "From: <a@example.com>\r\nBcc: <secret@example.org>\r\nSubject: x\r\n\r\nbody  text\r\n \r\n\r\n";
    std::string expected;
    for (std::size_t cut = 0; cut <= content.size(); ++cut) {
        CAPTURE(cut);
        intake i{true, {}, 1 << 20, {}, ring};
        i.in->add(content.substr(0, cut));
        i.in->add(content.substr(cut));
        i.in->finish(false);
        REQUIRE(i.failure() == nullptr);
        auto const signing = i.in->take_signing();
        REQUIRE(signing);
        CHECK(signing->description() == "example.com/s,s");
        auto const writer = i.in->take();
        auto const before = i.out.size();
        CHECK(i.out.starts_with("X-DKIM-Omitted: "));
        auto const fields = signing->sign();
        REQUIRE(fields);
        REQUIRE(writer->replace_front(*fields));
        CHECK(i.out.size() == before);
        CHECK(i.out.substr(fields->size()).starts_with("Received: "));
        CHECK(i.out.ends_with("body  text\r\n \r\n\r\n"));
        // Nothing of how it was cut stands in the signature.
        if (expected.empty()) expected = i.out;
        CHECK(i.out == expected);
        // Signed as it goes out: without Bcc, with the Date and Message-ID that were added.
        CHECK(i.out.find("h=From:From:") != std::string::npos);
        CHECK(i.out.find("Date:Date:") != std::string::npos);
        auto const start = i.out.find("Received: ");
        auto const again = signing::signatures_for(ring, i.out.substr(start), from_microseconds(1'800'000'000'000'000));
        CHECK(again == i.out.substr(0, start));
    }
    // As many fields as are taken: those that we add are no reason to leave it unsigned.
    std::string many = "From: <a@example.com>\r\n";
    for (int n = 1; n < 1000; ++n) many += "X:\r\n";
    intake full{true, {}, 1 << 20, {}, ring, 10'000};
    full.in->add(many + "\r\nbody\r\n");
    full.in->finish(false);
    REQUIRE(full.failure() == nullptr);
    auto const signing = full.in->take_signing();
    REQUIRE(signing);
    CHECK(signing->sign());

    intake other{true, {}, 1 << 20, {}, ring};
    other.in->add("From: <a@example.org>\r\n\r\nbody\r\n");
    other.in->finish(false);
    CHECK(other.in->take_signing() == nullptr);
    CHECK(other.out.starts_with("Received: "));
}

TEST_CASE("TLS-Required: No is heard when it is said once, and stays")
{
    struct row {
        std::string_view header;
        bool optional;
    };
    for (auto const& [header, optional] : {row{"", false},
                                           {"TLS-Required: No\r\n", true},
                                           {"tls-required:  no \r\n", true},
                                           {"TLS-Required: Yes\r\n", false},
                                           {"TLS-Required: No\r\nTLS-Required: No\r\n", false}}) {
        CAPTURE(header);
        intake i{true};
        i.in->add("From: <a@example.com>\r\n" + std::string{header} + "\r\nbody\r\n");
        i.in->finish(false);
        REQUIRE(i.failure() == nullptr);
        CHECK(i.in->tls_optional() == optional);
        CHECK(i.out.find(header) != std::string::npos);
    }
}
