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

std::vector<profile_book::entry>::iterator profile_book::place_of(std::string_view token, steady_time now)
{
    std::erase_if(entries_, [&](entry const& e) { return e.ends <= now; });
    return std::ranges::find(entries_, digest(hash::sha256, token), &entry::digest);
}

std::optional<profile_book::order> profile_book::find(std::string_view token, steady_time now)
{
    std::scoped_lock const hold{lock_};
    auto const found = place_of(token, now);
    if (found == entries_.end()) return std::nullopt;
    return found->what;
}

std::optional<profile_book::order> profile_book::take(std::string_view token, steady_time now)
{
    std::scoped_lock const hold{lock_};
    auto const found = place_of(token, now);
    if (found == entries_.end()) return std::nullopt;
    auto what = std::move(found->what);
    entries_.erase(found);
    return what;
}

void profile_book::forget(std::string_view address)
{
    std::scoped_lock const hold{lock_};
    std::erase_if(entries_, [&](entry const& e) { return e.what.address == address; });
}

}  // namespace postern::control
