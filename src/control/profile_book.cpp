#include "control/profile_book.hpp"

#include <algorithm>

#include "base/crypto.hpp"
#include "base/hex.hpp"

namespace postern::control {

std::string profile_book::issue(order o, steady_time now)
{
    auto token = to_hex(random_octets(20));
    std::scoped_lock const hold{lock_};
    std::erase_if(entries_, [&](entry const& e) { return e.ends <= now; });
    auto const same = [&](entry const& e) { return e.what.address == o.address; };
    if (static_cast<std::size_t>(std::ranges::count_if(entries_, same)) >= most_of_account)
        entries_.erase(std::ranges::find_if(entries_, same));
    if (entries_.size() >= most) entries_.erase(entries_.begin());
    entries_.push_back({digest(hash::sha256, token), std::move(o), now + life});
    return token;
}

std::optional<profile_book::order> profile_book::take(std::string_view token, steady_time now)
{
    auto const wanted = digest(hash::sha256, token);
    std::scoped_lock const hold{lock_};
    auto const found = std::ranges::find(entries_, wanted, &entry::digest);
    if (found == entries_.end()) return std::nullopt;
    auto const e = std::move(*found);
    entries_.erase(found);
    if (e.ends <= now) return std::nullopt;
    return e.what;
}

}  // namespace postern::control
