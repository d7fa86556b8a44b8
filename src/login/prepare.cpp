#include "login/prepare.hpp"

#include "net/awaiting.hpp"

namespace postern::login {

net::awaitable<void> prepare(directory::directory& accounts, boost::asio::any_io_executor executor,
                             std::string const& name, directory::freshness how)
{
    if (!accounts.asks_others()) co_return;
    [[maybe_unused]] bool const asked = co_await net::await_handler<bool>(
        executor,
        [&accounts, &name, how](auto handler) { accounts.prepare_login(name, how, [handler] { handler(true); }); });
}

net::awaitable<void> prepare_address(directory::directory& accounts, boost::asio::any_io_executor executor,
                                     mail::mailbox const& address)
{
    if (!accounts.asks_others()) co_return;
    [[maybe_unused]] bool const asked = co_await net::await_handler<bool>(
        executor,
        [&accounts, &address](auto handler) { accounts.prepare_address(address, [handler] { handler(true); }); });
}

}  // namespace postern::login
