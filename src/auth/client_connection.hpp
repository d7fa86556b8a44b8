// One connection of a mail server that asks about its clients' log-ins: performs what
// dovecot::server_session asks for. Lives on one thread. The protocol is the session's, what
// is right and wrong the desk's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "auth/connection.hpp"
#include "dovecot/login_register.hpp"
#include "dovecot/server_session.hpp"
#include "login/desk.hpp"

namespace postern::auth {

class client_connection final : public connection, public std::enable_shared_from_this<client_connection> {
public:
    client_connection(services s, door const& at, std::uint32_t number, dovecot::login_register& logins,
                      std::unique_ptr<net::stream> peer);

    net::awaitable<void> run(std::shared_ptr<connection> self) override;
    void sweep() override;
    void drain() override;
    void cut() override;

private:
    /// One exchange: the settings that it began with, and where it is judged.
    struct attempt {
        attempt(services const& s, std::shared_ptr<state const> rt, dovecot::request_facts const& f,
                std::string session, boost::asio::any_io_executor executor);

        std::shared_ptr<state const> in_force;
        std::string session;  // id, in the log
        std::string client;
        ip_address address;
        login::desk desk;
        std::optional<catalogue::verdict> put_off;
        steady_time began = steady_clock::now();
    };

    net::awaitable<net::error_code> fill();
    net::awaitable<void> flush();
    net::awaitable<void> serve(std::shared_ptr<client_connection> self, dovecot::event e);
    net::awaitable<dovecot::event> answer(std::shared_ptr<attempt> a, dovecot::question q);
    net::awaitable<void> refuse(std::shared_ptr<attempt> a, dovecot::failure f);
    dovecot::event on_judged(attempt& a, std::uint64_t ticket, login::answer const& judged);
    dovecot::event on_no_keys(attempt& a, std::uint64_t ticket, login::answer const& judged);
    std::shared_ptr<attempt> attempt_of(std::uint64_t ticket);
    void log_login(attempt const& a, dovecot::server_session::request const& r, std::string const& account) const;
    void log_refusal(attempt const& a, dovecot::server_session::request const& r, catalogue::verdict const& v,
                     std::string_view id, std::string_view detail) const;
    bool has_too_much() const;

    services services_;
    std::string const listener_;
    dovecot::login_register& logins_;
    std::unique_ptr<net::stream> peer_;
    std::string const cookie_;
    dovecot::server_session session_;
    std::map<std::uint64_t, std::shared_ptr<attempt>> attempts_;
    std::string input_;
    std::size_t taken_ = 0;              // octets at its front that are done with, and wiped
    boost::asio::steady_timer written_;  // cancelled when there may be room for more
    std::size_t busy_ = 0;               // exchanges that wait for an answer of ours
    bool writing_ = false;
    bool draining_ = false;
    bool closed_ = false;
};

}  // namespace postern::auth
