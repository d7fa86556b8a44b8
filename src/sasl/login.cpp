#include "sasl/login.hpp"

#include "sasl/prepare.hpp"

namespace postern::sasl {
namespace {

rejected malformed(char const* detail) { return {rejected::reason::malformed, detail}; }

class login_server final : public server_mechanism {
public:
    std::string_view name() const noexcept override { return "LOGIN"; }
    std::string_view claimed() const noexcept override { return claimed_; }

    outcome step(std::optional<std::string_view> response) override
    {
        switch (next_) {
            case stage::begin:
                next_ = stage::user_name;
                // Clients compare the prompts octet by octet (Outlook, Thunderbird), and some
                // send the user name with the command, server-first or not.
                if (!response) return challenge{"Username:"};
                return step(response);
            case stage::user_name:
                next_ = stage::end;
                if (!response || !is_acceptable_old_name(*response)) return malformed("unacceptable user name");
                authcid_ = *response;
                claimed_ = shown_name(authcid_);
                next_ = stage::password;
                return challenge{"Password:"};
            case stage::password:
                next_ = stage::end;
                if (!response || !is_acceptable_password(*response)) return malformed("password empty or too long");
                return verify_password{authcid_, {}, secret{*response}};
            case stage::end: break;
        }
        return malformed("a response after the end of the exchange");
    }

private:
    enum class stage { begin, user_name, password, end };
    stage next_ = stage::begin;
    std::string authcid_;
    std::string claimed_;
};

class login_client final : public client_mechanism {
public:
    explicit login_client(client_credentials c) : credentials_(std::move(c)) {}
    std::string_view name() const noexcept override { return "LOGIN"; }
    bool finished() const noexcept override { return answers_ == 2; }

    // The prompts' texts differ between servers; only their order counts.
    client_action step(std::optional<std::string_view> challenge) override
    {
        if (!challenge) return await_challenge{};
        switch (answers_) {
            case 0: ++answers_; return respond{credentials_.authcid};
            case 1: ++answers_; return respond{std::string{credentials_.password.reveal()}};
            default: return abandon{"more challenges than LOGIN has"};
        }
    }

private:
    client_credentials credentials_;
    int answers_ = 0;
};

}  // namespace

std::unique_ptr<server_mechanism> make_login_server() { return std::make_unique<login_server>(); }

std::unique_ptr<client_mechanism> make_login_client(client_credentials credentials)
{
    return std::make_unique<login_client>(std::move(credentials));
}

}  // namespace postern::sasl
