#include "spool/record.hpp"

#include <doctest/doctest.h>

namespace postern::spool {
namespace {

message full_message()
{
    message m;
    m.queue_id = "Q0123456789AB";
    m.accepted_at = from_microseconds(1'795'330'000'123'456);
    m.size = 4711;
    m.env.reverse_path.address = {"odd \"local\" part", "example.com"};
    m.env.reverse_path.utf8 = true;
    m.env.body = mail::body_type::binary_mime;
    m.env.smtputf8 = true;
    m.env.require_tls = true;
    m.env.tls_optional = true;
    m.env.ret = mail::dsn_return::headers;
    m.env.envelope_id = "id with\r\nline break";
    m.env.auth = "anna@example.com";
    m.env.declared_size = 1ull << 40;
    m.session = "0123456789AB";
    m.account = "anna@example.com";
    m.client = "2001:db8::7";
    m.lines_begin_with_dot = true;
    for (int i = 0; i < 3; ++i) {
        stored_recipient r;
        r.number = static_cast<std::uint32_t>(i);
        r.to.forward_path = {"user" + std::to_string(i), "example.net"};
        r.to.notify.specified = i == 1;
        r.to.notify.delay = i == 1;
        r.to.notify.failure = i == 1;
        r.to.original = i == 2 ? "rfc822;user+2B2@example.net" : "";
        m.recipients.push_back(r);
    }
    return m;
}

message row_of(message const& m)
{
    message row;
    row.queue_id = m.queue_id;
    row.accepted_at = m.accepted_at;
    row.size = m.size;
    return row;
}

TEST_CASE("an envelope is read back as it was written")
{
    message const m = full_message();
    message back = row_of(m);
    std::uint64_t sum = 0;
    REQUIRE(decode(encode(m, 0x1122334455667788), back, sum));
    CHECK(sum == 0x1122334455667788);
    CHECK(back.env.reverse_path.address == m.env.reverse_path.address);
    CHECK(back.env.reverse_path.utf8);
    CHECK_FALSE(back.env.reverse_path.null);
    CHECK(back.env.body == mail::body_type::binary_mime);
    CHECK(back.env.smtputf8);
    CHECK(back.env.require_tls);
    CHECK(back.env.tls_optional);
    CHECK(back.env.ret == mail::dsn_return::headers);
    CHECK(back.env.envelope_id == m.env.envelope_id);
    CHECK(back.env.auth == m.env.auth);
    CHECK(back.env.declared_size == m.env.declared_size);
    CHECK(back.session == m.session);
    CHECK(back.account == m.account);
    CHECK(back.client == m.client);
    CHECK(back.lines_begin_with_dot);
    REQUIRE(back.recipients.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(back.recipients[i].number == i);
        CHECK(back.recipients[i].to.forward_path == m.recipients[i].to.forward_path);
        CHECK(back.recipients[i].to.notify == m.recipients[i].to.notify);
        CHECK(back.recipients[i].to.original == m.recipients[i].to.original);
        CHECK(back.recipients[i].next_attempt == m.accepted_at);
    }
}

TEST_CASE("an envelope with any bit flipped is not read")
{
    message const m = full_message();
    std::string const good = encode(m, 1);
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        std::string bad = good;
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
        message back = row_of(m);
        std::uint64_t sum = 0;
        CHECK_FALSE(decode(bad, back, sum));
    }
}

TEST_CASE("an envelope that was cut off or lengthened is not read")
{
    message const m = full_message();
    std::string const good = encode(m, 1);
    for (std::size_t n = 0; n < good.size(); ++n) {
        message back = row_of(m);
        std::uint64_t sum = 0;
        CHECK_FALSE(decode(std::string_view{good}.substr(0, n), back, sum));
    }
    message back = row_of(m);
    std::uint64_t sum = 0;
    CHECK_FALSE(decode(good + '\0', back, sum));
}

TEST_CASE("an envelope in another message's row is not read")
{
    message const m = full_message();
    std::uint64_t sum = 0;
    message other = row_of(m);
    other.queue_id.back() = 'C';
    CHECK_FALSE(decode(encode(m, 1), other, sum));
    other = row_of(m);
    ++other.size;
    CHECK_FALSE(decode(encode(m, 1), other, sum));
}

TEST_CASE("the checksum sees every flipped bit at every length")
{
    for (std::size_t length = 0; length < 80; ++length) {
        std::string text(length, 'x');
        auto const sum = checksum(text);
        CHECK(checksum(text, 1) != sum);
        CHECK(checksum(text + '\0') != sum);
        for (std::size_t bit = 0; bit < length * 8; ++bit) {
            auto& c = text[bit / 8];
            auto const mask = static_cast<char>(1 << (bit % 8));
            c = static_cast<char>(c ^ mask);
            CHECK(checksum(text) != sum);
            c = static_cast<char>(c ^ mask);
        }
    }
}

}  // namespace
}  // namespace postern::spool
