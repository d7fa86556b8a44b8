#include "login/prepare.hpp"

#include "net/awaiting.hpp"

namespace postern::login {

net::awaitable<directory::certainty> prepare(directory::directory& accounts, boost::asio::any_io_executor executor,
                                             std::string const& name, directory::freshness how)
{
    if (!accounts.asks_others()) co_return directory::certainty::sure;
    auto const found = co_await net::await_handler<directory::certainty>(
        executor, [&accounts, &name, how](auto handler) { accounts.prepare_login(name, how, std::move(handler)); });
    co_return found;
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
