#include "sasl/plain.hpp"

#include "sasl/prepare.hpp"

namespace postern::sasl {
namespace {

rejected malformed(char const* detail) { return {rejected::reason::malformed, detail}; }

class plain_server final : public server_mechanism {
public:
    std::string_view name() const noexcept override { return "PLAIN"; }
    std::string_view claimed() const noexcept override { return claimed_; }

    outcome step(std::optional<std::string_view> response) override
    {
        if (ended_) return malformed("a response after the end of the exchange");
        if (!response) {
            if (asked_) return malformed("no response");
            asked_ = true;
            return challenge{};  // RFC 4954 section 4: an empty challenge asks for the initial response
        }
        ended_ = true;
        return parse(*response);
    }

private:
    // message = [authzid] UTF8NUL authcid UTF8NUL passwd. Some servers skip a third NUL
    // or what follows it; then two programs disagree on who logged in.
    outcome parse(std::string_view message)
    {
        auto const first = message.find('\0');
        if (first == std::string_view::npos) return malformed("no NUL in the message");
        auto const second = message.find('\0', first + 1);
        if (second == std::string_view::npos) return malformed("only one NUL in the message");
        std::string_view const authzid = message.substr(0, first);
        std::string_view const authcid = message.substr(first + 1, second - first - 1);
        std::string_view const password = message.substr(second + 1);
        if (is_acceptable_old_name(authcid)) claimed_ = shown_name(authcid);
        if (password.find('\0') != std::string_view::npos) return malformed("more than two NULs in the message");
        if (!authzid.empty() && !is_acceptable_old_name(authzid))
            return malformed("unacceptable authorization identity");
        if (!is_acceptable_old_name(authcid)) return malformed("unacceptable user name");
        if (!is_acceptable_password(password)) return malformed("password empty or too long");
        return verify_password{std::string{authcid}, std::string{authzid}, secret{password}};
    }

    std::string claimed_;
    bool asked_ = false;
    bool ended_ = false;
};

class plain_client final : public client_mechanism {
public:
    explicit plain_client(client_credentials c) : credentials_(std::move(c)) {}
    std::string_view name() const noexcept override { return "PLAIN"; }
    bool finished() const noexcept override { return sent_; }

    client_action step(std::optional<std::string_view> challenge) override
    {
        if (sent_ || challenge) return abandon{"a challenge that PLAIN does not have"};
        sent_ = true;
        std::string message;
        message.reserve(credentials_.authzid.size() + credentials_.authcid.size() + credentials_.password.size() + 2);
        message += credentials_.authzid;
        message += '\0';
        message += credentials_.authcid;
        message += '\0';
        message += credentials_.password.reveal();
        return respond{std::move(message)};
    }

private:
    client_credentials credentials_;
    bool sent_ = false;
};

}  // namespace

std::unique_ptr<server_mechanism> make_plain_server() { return std::make_unique<plain_server>(); }

std::unique_ptr<client_mechanism> make_plain_client(client_credentials credentials)
{
    return std::make_unique<plain_client>(std::move(credentials));
}

}  // namespace postern::sasl
