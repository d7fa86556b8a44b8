#include "dovecot/login_register.hpp"

#include <algorithm>

#include "base/crypto.hpp"

namespace postern::dovecot {

void login_register::add(login l, steady_time now)
{
    while (!waiting_.empty() && (waiting_.front().until <= now || waiting_.size() >= most)) waiting_.pop_front();
    waiting_.push_back({std::move(l), now + fetch_within});
}

std::optional<std::string> login_register::take(std::uint32_t process, std::uint32_t id, std::string_view cookie,
                                                steady_time now)
{
    // The newest first: numbers are used again.
    auto const found = std::find_if(waiting_.rbegin(), waiting_.rend(), [&](entry const& e) {
        return e.what.process == process && e.what.id == id && equal_in_constant_time(e.what.cookie, cookie);
    });
    if (found == waiting_.rend() || found->until <= now) return std::nullopt;
    std::string account = std::move(found->what.account);
    waiting_.erase(std::next(found).base());
    return account;
}

}  // namespace postern::dovecot
