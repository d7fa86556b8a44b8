#include "delivery/smart_host.hpp"

#include <algorithm>
#include <utility>

#include "base/whole_file.hpp"

namespace postern::delivery {

namespace {

result<std::shared_ptr<identity const>> make_identity(config::smart_host const& host,
                                                      config::smart_host_login const& login, std::size_t place)
{
    auto made = std::make_shared<identity>();
    made->settings = login;
    made->smart_host = host.name;
    made->place = place;
    made->authorities = host.authorities;
    made->plaintext = host.plaintext;
    auto tls = net::make_client_tls(host.authorities, {login.certificate, login.client_key});
    if (!tls) {
        auto e = tls.error();
        e.logged = "smart host " + host.name + ": " + e.logged;
        return e;
    }
    made->tls = std::move(*tls);
    return std::shared_ptr<identity const>{std::move(made)};
}

}  // namespace

std::string identity::to_string() const
{
    return settings.user.empty() ? smart_host : smart_host + " as " + settings.user;
}

std::shared_ptr<identity const> smart_host::identity_for(mail::path const& sender) const
{
    if (others.empty()) return usual;
    std::string const key = sender.null ? "<>" : sender.address.key();
    auto const has = [&](std::string_view pattern) {
        return std::find_if(others.begin(), others.end(), [&](auto const& who) {
            auto const& senders = who->settings.senders;
            return std::find(senders.begin(), senders.end(), pattern) != senders.end();
        });
    };
    if (auto const exact = has(key); exact != others.end()) return *exact;
    auto const behind = key.rfind('@');
    if (behind == std::string::npos) return usual;
    auto const domain = has(std::string_view{key}.substr(behind));
    return domain != others.end() ? *domain : usual;
}

std::shared_ptr<identity const> smart_host::identity_at(std::size_t place) const
{
    if (place == 0) return usual;
    return place <= others.size() ? others[place - 1] : nullptr;
}

result<std::shared_ptr<smart_host const>> make_smart_host(config::smart_host const& s)
{
    auto made = std::make_shared<smart_host>();
    made->settings = s;
    auto at = parse_smart_host(s.address);
    if (!at) return at.error();
    made->at = std::move(*at);
    auto usual = make_identity(s, s, 0);
    if (!usual) return usual.error();
    made->usual = std::move(*usual);
    for (auto const& login : s.logins) {
        auto other = make_identity(s, login, made->others.size() + 1);
        if (!other) return other.error();
        made->others.push_back(std::move(*other));
    }
    return std::shared_ptr<smart_host const>{std::move(made)};
}

result<sasl::client_credentials> read_credentials(identity const& who)
{
    auto const& s = who.settings;
    sasl::client_credentials c;
    c.authcid = s.user;
    c.password = s.password;
    c.certificate = !s.certificate.empty();
    if (!s.password_file.empty()) {
        auto password = read_secret_line(s.password_file);
        if (!password) return password.error();
        c.password = std::move(*password);
    }
    if (!s.token_file.empty()) {
        auto token = read_secret_line(s.token_file);
        if (!token) return token.error();
        c.token = std::move(*token);
    }
    return c;
}

}  // namespace postern::delivery
