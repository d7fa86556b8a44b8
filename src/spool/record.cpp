#include "spool/record.hpp"

#include <bit>
#include <cstring>

namespace postern::spool {
namespace {

constexpr char version = 1;
// More recipients than any configuration allows; a bound for the decoder.
constexpr std::uint64_t most_recipients = 1'000'000;

enum flag : std::uint8_t {
    null_path = 1,
    utf8_path = 2,
    smtputf8 = 4,
    require_tls = 8,
    leading_dot = 16,
    tls_optional = 32,
    timed = 64
};
enum timing_flag : std::uint8_t { by_give_back = 1, by_notify = 2, by_trace = 4, released_later = 8 };
enum notify_flag : std::uint8_t { specified = 1, never = 2, success = 4, failure = 8, delay = 16, stays = 32 };

class packer {
public:
    void octet(std::uint8_t n) { out_ += static_cast<char>(n); }
    void number(std::uint64_t n)
    {
        for (; n >= 0x80; n >>= 7) out_ += static_cast<char>(n | 0x80);
        out_ += static_cast<char>(n);
    }
    void fixed(std::uint64_t n)
    {
        for (int i = 0; i < 8; ++i, n >>= 8) out_ += static_cast<char>(n);
    }
    void text(std::string_view t)
    {
        number(t.size());
        out_ += t;
    }
    std::string& out() noexcept { return out_; }

private:
    std::string out_;
};

// Reads what packer wrote; after the first thing that is missing or too long, ok() is
// false and everything else is empty.
class unpacker {
public:
    explicit unpacker(std::string_view in) : in_(in) {}

    bool ok() const noexcept { return ok_; }
    bool at_end() const noexcept { return in_.empty(); }
    std::uint8_t octet()
    {
        if (!take(1)) return 0;
        return static_cast<std::uint8_t>(taken_[0]);
    }
    std::uint64_t number()
    {
        std::uint64_t n = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            std::uint8_t const o = octet();
            if (shift == 63 && o > 1) break;
            n |= static_cast<std::uint64_t>(o & 0x7f) << shift;
            if (o < 0x80) return ok_ ? n : 0;
        }
        ok_ = false;
        return 0;
    }
    std::uint64_t fixed()
    {
        if (!take(8)) return 0;
        std::uint64_t n = 0;
        for (std::size_t i = 8; i-- > 0;) n = n << 8 | static_cast<std::uint8_t>(taken_[i]);
        return n;
    }
    std::string text()
    {
        std::uint64_t const size = number();
        if (!take(size)) return {};
        return std::string{taken_};
    }

private:
    bool take(std::uint64_t size)
    {
        if (!ok_ || size > in_.size()) {
            ok_ = false;
            return false;
        }
        taken_ = in_.substr(0, size);
        in_.remove_prefix(size);
        return true;
    }

    std::string_view in_, taken_;
    bool ok_ = true;
};

std::uint8_t pack(mail::dsn_notify n)
{
    int bits = 0;
    if (n.specified) bits |= specified;
    if (n.never) bits |= never;
    if (n.success) bits |= success;
    if (n.failure) bits |= failure;
    if (n.delay) bits |= delay;
    return static_cast<std::uint8_t>(bits);
}

mail::dsn_notify unpack(std::uint8_t bits)
{
    mail::dsn_notify n;
    n.specified = (bits & specified) != 0;
    n.never = (bits & never) != 0;
    n.success = (bits & success) != 0;
    n.failure = (bits & failure) != 0;
    n.delay = (bits & delay) != 0;
    return n;
}

bool has_timing(mail::envelope const& e)
{
    return e.priority != 0 || e.by.mode != mail::by_mode::none || e.release_at.has_value();
}

void pack_timing(mail::envelope const& e, packer& p)
{
    int bits = 0;
    if (e.by.mode == mail::by_mode::give_back) bits |= by_give_back;
    if (e.by.mode == mail::by_mode::notify) bits |= by_notify;
    if (e.by.trace) bits |= by_trace;
    if (e.release_at) bits |= released_later;
    p.octet(static_cast<std::uint8_t>(bits));
    p.octet(static_cast<std::uint8_t>(e.priority + 9));
    p.fixed(static_cast<std::uint64_t>(to_microseconds(e.by.until)));
    p.fixed(static_cast<std::uint64_t>(e.release_at ? to_microseconds(*e.release_at) : 0));
}

bool unpack_timing(unpacker& u, mail::envelope& e)
{
    std::uint8_t const bits = u.octet();
    std::uint8_t const priority = u.octet();
    auto const until = from_microseconds(static_cast<std::int64_t>(u.fixed()));
    auto const release = from_microseconds(static_cast<std::int64_t>(u.fixed()));
    bool const both = (bits & by_give_back) != 0 && (bits & by_notify) != 0;
    if (!u.ok() || bits > 15 || both || priority > 18) return false;
    e.priority = static_cast<std::int8_t>(priority - 9);
    e.by.mode = mail::by_mode::none;
    if ((bits & by_give_back) != 0) e.by.mode = mail::by_mode::give_back;
    if ((bits & by_notify) != 0) e.by.mode = mail::by_mode::notify;
    e.by.trace = (bits & by_trace) != 0;
    e.by.until = until;
    if ((bits & released_later) != 0) e.release_at = release;
    return true;
}

std::uint64_t seed_of(message const& m) noexcept
{
    return checksum(m.queue_id, m.size ^ static_cast<std::uint64_t>(to_microseconds(m.accepted_at)));
}

}  // namespace

std::uint64_t checksum(std::string_view octets, std::uint64_t seed) noexcept
{
    // Each step maps states one to one, so two texts that differ in one word end differently.
    constexpr std::uint64_t odd = 0x9e37'79b9'7f4a'7c15;
    std::uint64_t lanes[4] = {seed ^ octets.size(), seed + odd, ~seed, seed * odd};
    auto const word_at = [](char const* p) {
        std::uint64_t w = 0;
        std::memcpy(&w, p, sizeof w);
        return w;
    };
    char const* p = octets.data();
    std::size_t left = octets.size();
    for (; left >= 32; left -= 32, p += 32)
        for (std::size_t i = 0; i < 4; ++i) lanes[i] = std::rotl((lanes[i] ^ word_at(p + 8 * i)) * odd, 29);
    std::uint64_t h = 0;
    for (std::uint64_t lane : lanes) h = std::rotl((h ^ lane) * odd, 31);
    for (; left >= 8; left -= 8, p += 8) h = std::rotl((h ^ word_at(p)) * odd, 29);
    std::uint64_t last = 0;
    if (left > 0) std::memcpy(&last, p, left);
    h = (h ^ last) * odd;
    return h ^ h >> 32;
}

std::string encode(message const& m, std::uint64_t content_checksum)
{
    packer p;
    p.out().reserve(192 + m.recipients.size() * 64);
    mail::envelope const& e = m.env;
    int flags = 0;
    if (e.reverse_path.null) flags |= null_path;
    if (e.reverse_path.utf8) flags |= utf8_path;
    if (e.smtputf8) flags |= smtputf8;
    if (e.require_tls) flags |= require_tls;
    if (e.tls_optional) flags |= tls_optional;
    if (m.lines_begin_with_dot) flags |= leading_dot;
    if (has_timing(e)) flags |= timed;
    p.octet(version);
    p.octet(static_cast<std::uint8_t>(flags));
    p.octet(static_cast<std::uint8_t>(e.body));
    p.octet(static_cast<std::uint8_t>(e.ret));
    p.number(e.declared_size);
    p.text(e.reverse_path.address.local_part);
    p.text(e.reverse_path.address.domain);
    p.text(e.envelope_id);
    p.text(e.auth);
    p.text(m.session);
    p.text(m.account);
    p.text(m.client);
    if (has_timing(e)) pack_timing(e, p);
    p.number(m.recipients.size());
    for (stored_recipient const& r : m.recipients) {
        p.text(r.to.forward_path.local_part);
        p.text(r.to.forward_path.domain);
        p.octet(static_cast<std::uint8_t>(pack(r.to.notify) | (r.to.stays ? stays : 0)));
        p.text(r.to.original);
    }
    p.fixed(content_checksum);
    p.fixed(checksum(p.out(), seed_of(m)));
    return std::move(p.out());
}

bool decode(std::string_view octets, message& m, std::uint64_t& content_checksum)
{
    if (octets.size() < 16) return false;
    unpacker tail{octets.substr(octets.size() - 8)};
    octets.remove_suffix(8);
    // Of what is damaged, too, people may want to know what it says.
    bool const intact = tail.fixed() == checksum(octets, seed_of(m));

    unpacker u{octets};
    if (u.octet() != static_cast<std::uint8_t>(version)) return false;
    std::uint8_t const flags = u.octet();
    mail::envelope& e = m.env;
    e.reverse_path.null = (flags & null_path) != 0;
    e.reverse_path.utf8 = (flags & utf8_path) != 0;
    e.smtputf8 = (flags & smtputf8) != 0;
    e.require_tls = (flags & require_tls) != 0;
    e.tls_optional = (flags & tls_optional) != 0;
    m.lines_begin_with_dot = (flags & leading_dot) != 0;
    std::uint8_t const body = u.octet();
    std::uint8_t const ret = u.octet();
    if (body > static_cast<std::uint8_t>(mail::body_type::binary_mime)) return false;
    if (ret > static_cast<std::uint8_t>(mail::dsn_return::headers)) return false;
    e.body = static_cast<mail::body_type>(body);
    e.ret = static_cast<mail::dsn_return>(ret);
    e.declared_size = u.number();
    e.reverse_path.address.local_part = u.text();
    e.reverse_path.address.domain = u.text();
    e.envelope_id = u.text();
    e.auth = u.text();
    m.session = u.text();
    m.account = u.text();
    m.client = u.text();
    if ((flags & timed) != 0 && !unpack_timing(u, e)) return false;
    std::uint64_t const count = u.number();
    if (!u.ok() || count > most_recipients) return false;
    m.recipients.clear();
    for (std::uint64_t i = 0; i < count && u.ok(); ++i) {
        stored_recipient r;
        r.number = static_cast<std::uint32_t>(i);
        r.to.forward_path.local_part = u.text();
        r.to.forward_path.domain = u.text();
        std::uint8_t const bits = u.octet();
        r.to.notify = unpack(bits);
        r.to.stays = (bits & stays) != 0;
        r.to.original = u.text();
        r.next_attempt = e.release_at.value_or(m.accepted_at);
        if (u.ok()) m.recipients.push_back(std::move(r));
    }
    content_checksum = u.fixed();
    return intact && u.ok() && u.at_end();
}

}  // namespace postern::spool
