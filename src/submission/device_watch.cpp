#include "submission/device_watch.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "directory/names.hpp"

namespace postern::submission {
namespace {

constexpr std::chrono::hours between_notices{24 * 7};
constexpr std::size_t longest_hello = 100;

}  // namespace

std::string text_for_owner(forgotten_device const& d, wall_time now)
{
    std::string t =
        "This is a message of the mail server.\n\nOne of your devices or programs keeps trying to send mail with a "
        "wrong\npassword. It was probably forgotten when the password was changed. This is\nwhat is known of it:\n\n";
    t += "    its address    " + d.address.to_string() + "\n";
    t +=
        "    calls itself   " + (d.hello.empty() ? std::string{"(nothing)"} : printable(d.hello, longest_hello)) + "\n";
    t += "    logs in as     " + printable(d.account, 320) + ", by " + printable(d.mechanism, 40) + "\n";
    t += "    last tried     " + to_rfc3339(now) + "\n\n";
    t += "The address is that of the network it is in, one from which your account was\nused lately. Look there for "
         "a phone, a printer or a second computer, and enter\nthe new password. Until then it sends nothing; your "
         "account is as safe as ever,\nand your other devices are not affected.\n";
    return t;
}

void device_watch::on_forgotten(forgotten_device d, std::string const& hostname, steady_time now)
{
    auto const key = directory::any_name_key(d.account);
    if (auto const last = told_.get(key); last && now - *last < between_notices) return;
    told_.put(key, now);
    desk_.later([this, d = std::move(d), hostname] {
        desk_.accounts().wait_for_login(d.account);
        auto const found = desk_.accounts().find_account(d.account);
        if (!found || !*found) return;
        log::event(log::level::info, "forgotten_device",
                   {{"account", (*found)->address},
                    {"client", d.address.to_string()},
                    {"hello", printable(d.hello, longest_hello)},
                    {"mechanism", d.mechanism},
                    {"same_secret_again", d.repeats}});
        desk_.tell((*found)->address, (*found)->address, "A device of yours has an old password",
                   text_for_owner(d, wall_clock::now()), hostname);
    });
}

}  // namespace postern::submission
