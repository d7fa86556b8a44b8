#include "mail/srs.hpp"

#include <algorithm>
#include <array>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "mail/tag_list.hpp"

namespace postern::mail {
namespace {

// One letter case, so that a server that changes it does no harm.
constexpr std::string_view digits = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::size_t hash_length = 6;  // 30 bits; each guess costs a session
constexpr std::size_t longest_local_part = 64;
constexpr std::int64_t day_span = 1024;  // two digits

std::int64_t day_of(wall_time t) { return std::chrono::floor<std::chrono::days>(t).time_since_epoch().count(); }

std::string day_text(wall_time now)
{
    auto const day = static_cast<std::size_t>(day_of(now) % day_span);
    return {digits[day / 32], digits[day % 32]};
}

std::optional<std::int64_t> age_of(std::string_view day, wall_time now)
{
    if (day.size() != 2) return std::nullopt;
    auto const high = digits.find(lower(day[0])), low = digits.find(lower(day[1]));
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    auto const then = static_cast<std::int64_t>(high * 32 + low);
    return ((day_of(now) - then) % day_span + day_span) % day_span;
}

// Of what the address holds, whatever its letter case.
std::string hash_of(secret const& key, std::string_view what)
{
    auto const code = hmac(hash::sha256, key.reveal(), to_lower(what));
    std::string out;
    unsigned bits = 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; out.size() < hash_length; ++i) {
        value = value << 8 | static_cast<unsigned char>(code[i]);
        for (bits += 8; bits >= 5 && out.size() < hash_length; bits -= 5) out += digits[value >> (bits - 5) & 31];
    }
    return out;
}

bool begins_as(std::string_view local_part, std::string_view tag) noexcept
{
    // Some forwarders have another separator behind the tag.
    return local_part.size() > 5 && equal_ignoring_case(local_part.substr(0, 4), tag) &&
           (local_part[4] == '=' || local_part[4] == '+' || local_part[4] == '-');
}

std::string_view take_part(std::string_view& text)
{
    auto const end = text.find('=');
    auto const part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return part;
}

bool is_known(std::vector<secret> const& keys, std::string_view hash, std::string_view what)
{
    auto const said = to_lower(hash);
    bool known = false;
    for (auto const& k : keys) known = equal_in_constant_time(hash_of(k, what), said) || known;
    return known;
}

std::optional<mailbox> checked(std::string local_part, std::string_view domain)
{
    auto const name = parse_domain(domain);
    if (!name || local_part.empty() || local_part.size() > longest_local_part) return std::nullopt;
    // By the one parser of addresses: what it would not take from a client is no address.
    return parse_mailbox(mailbox{std::move(local_part), *name}.to_string());
}

}  // namespace

bool is_srs(mailbox const& address) noexcept
{
    return begins_as(address.local_part, "SRS0") || begins_as(address.local_part, "SRS1");
}

std::optional<mailbox> srs_forward(mailbox const& sender, std::string const& domain, secret const& key, wall_time now)
{
    if (sender.is_literal()) return std::nullopt;
    std::string_view local = sender.local_part;
    std::string rest, tag = "SRS1=";
    if (begins_as(local, "SRS0")) {
        // Behind the first forwarder's name all is as it made it, its separator included.
        rest = sender.domain + '=' + std::string{local.substr(4)};
    } else if (begins_as(local, "SRS1")) {
        local.remove_prefix(5);
        take_part(local);  // the hash of the forwarder before us
        rest = local;
    } else {
        tag = "SRS0=";
        rest = day_text(now) + '=' + sender.domain + '=' + std::string{local};
    }
    mailbox out{tag + hash_of(key, rest) + '=' + rest, domain};
    if (out.local_part.size() > longest_local_part) return std::nullopt;
    return out;
}

srs_origin srs_reverse(mailbox const& address, std::vector<secret> const& keys, std::chrono::hours lifetime,
                       wall_time now)
{
    using state = srs_origin::state;
    srs_origin o;
    if (!is_srs(address)) return o;
    bool const direct = begins_as(address.local_part, "SRS0");
    std::string_view rest = std::string_view{address.local_part}.substr(5);
    auto const hash = take_part(rest);
    if (hash.size() != hash_length || rest.empty()) return o;
    if (!is_known(keys, hash, rest)) {
        o.what = state::forged;
        return o;
    }
    std::string_view day;
    if (direct) day = take_part(rest);
    auto const domain = take_part(rest);
    auto found = checked((direct ? "" : "SRS0") + std::string{rest}, domain);
    if (!found) return o;
    if (direct) {
        auto const age = age_of(day, now);
        if (!age) return o;
        if (std::chrono::days{*age} > lifetime) {
            o.what = state::expired;
            return o;
        }
    }
    o.what = state::good;
    o.address = std::move(*found);
    return o;
}

}  // namespace postern::mail
