#include "auth/master_connection.hpp"

#include <unistd.h>

#include "base/log.hpp"
#include "login/prepare.hpp"
#include "mail/address.hpp"

namespace postern::auth {

master_connection::master_connection(services s, door const& at, dovecot::login_register& logins,
                                     std::unique_ptr<net::stream> peer)
    : services_(std::move(s)),
      listener_(at.name),
      logins_(logins),
      peer_(std::move(peer)),
      session_(static_cast<std::uint32_t>(::getpid()))
{
}

net::awaitable<void> master_connection::run(std::shared_ptr<connection>)
{
    std::string input;
    session_.on_connect();
    while (session_.broken().empty()) {
        std::string_view in{input};
        dovecot::lookup const asked = session_.on_input(in);
        input.erase(0, input.size() - in.size());
        if (asked.what != dovecot::lookup::kind::none) co_await answer(asked);
        if (!session_.output().empty()) {
            std::string out;
            out.swap(session_.output());
            auto const sent = co_await peer_->write(out, write_deadline);
            if (!sent) break;
        }
        if (asked.what != dovecot::lookup::kind::none || !session_.broken().empty()) continue;
        std::chrono::seconds const limit =
            session_.greeted() ? services_.in_force()->settings.timeouts.session : handshake_deadline;
        auto const read = co_await peer_->read(limit);
        if (!read) break;
        input.append(*read);
    }
    if (!session_.broken().empty())
        log::event(log::level::warning, "auth_socket_misused",
                   {{"listener", listener_}, {"problem", session_.broken()}});
    peer_->close();
}

net::awaitable<void> master_connection::answer(dovecot::lookup asked)
{
    using kind = dovecot::lookup::kind;
    auto const failed = [&](error const& e) {
        log::event(log::level::warning, "auth_socket_lookup_failed",
                   {{"listener", listener_}, {"account", asked.name}, {"problem", e.logged}});
        session_.answer_unavailable(asked);
    };
    if (asked.what == kind::login) {
        auto const account = logins_.take(asked.process, asked.login_id, asked.cookie, steady_clock::now());
        if (account) {
            session_.answer(asked, account);
        } else {
            failed({{4, 7, 0}, "", "no such log-in waits to be fetched"});
        }
        co_return;
    }
    if (asked.what == kind::list) {
        auto const accounts = services_.logins.accounts.list_accounts();
        if (!accounts) {
            failed(accounts.error());
            co_return;
        }
        std::vector<std::string> names;
        names.reserve(accounts->size());
        for (auto const& a : *accounts) names.push_back(a.address);
        session_.answer_list(asked, names);
        co_return;
    }
    auto const found = co_await find(asked.name);
    if (found) {
        session_.answer(asked, *found);
    } else {
        failed(found.error());
    }
}

/// By the name of the account, or by any address that its mail comes to.
net::awaitable<result<std::optional<std::string>>> master_connection::find(std::string name) const
{
    auto& accounts = services_.logins.accounts;
    co_await login::prepare(accounts, peer_->executor(), name, directory::freshness::remembered);
    auto who = accounts.find_account(name);
    if (!who) co_return std::move(who).error();
    if (*who) co_return std::optional<std::string>{(*who)->address};
    auto const address = mail::parse_mailbox(name);
    if (!address) co_return std::optional<std::string>{};
    auto const local = accounts.is_local(address->domain);
    if (!local) co_return local.error();
    if (!*local) co_return std::optional<std::string>{};
    co_await login::prepare_address(accounts, peer_->executor(), *address);
    who = accounts.find_recipient(*address);
    if (!who) co_return std::move(who).error();
    if (!*who) co_return std::optional<std::string>{};
    co_return std::optional<std::string>{(*who)->address};
}

}  // namespace postern::auth
