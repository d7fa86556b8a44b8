// One connection of a part of Dovecot that asks which users there are, and whose a log-in
// was: performs what dovecot::master_session asks for, one question after the other.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "auth/connection.hpp"
#include "dovecot/login_register.hpp"
#include "dovecot/master_session.hpp"

namespace postern::auth {

class master_connection final : public connection {
public:
    master_connection(services s, door const& at, dovecot::login_register& logins, std::unique_ptr<net::stream> peer);

    net::awaitable<void> run(std::shared_ptr<connection> self) override;
    void drain() override { cut(); }
    void cut() override { peer_->close(); }

private:
    net::awaitable<void> answer(dovecot::lookup asked);
    net::awaitable<result<std::optional<std::string>>> find(std::string name) const;

    services services_;
    std::string const listener_;
    dovecot::login_register& logins_;
    std::unique_ptr<net::stream> peer_;
    dovecot::master_session session_;
};

}  // namespace postern::auth
