#include "sasl/cram_md5.hpp"

#include "base/crypto.hpp"
#include "base/hex.hpp"
#include "base/hmac_md5.hpp"
#include "sasl/prepare.hpp"

namespace postern::sasl {
namespace {

using reason = rejected::reason;

constexpr std::size_t digits_of_code = 32;

class cram_md5_server final : public server_mechanism {
public:
    explicit cram_md5_server(std::string challenge) : challenge_(std::move(challenge)) {}

    std::string_view name() const noexcept override { return "CRAM-MD5"; }
    std::string_view claimed() const noexcept override { return authcid_; }

    outcome step(std::optional<std::string_view> response) override
    {
        stage const now = stage_;
        stage_ = stage::end;
        if (now == stage::begin && !response) {
            stage_ = stage::asked;
            return challenge{challenge_};
        }
        if (now == stage::asked && response) return on_response(*response);
        return rejected{reason::malformed, "a response where none belongs"};
    }

    outcome on_cram(cram_keys const& keys) override
    {
        bool const asked = stage_ == stage::keys;
        stage_ = stage::end;
        if (!asked || keys.state.size() != hmac_md5_key_size)
            return rejected{reason::malformed, "keys that nobody asked for"};
        // The same work for keys that were made up; `real` only says why it failed.
        bool const matches = equal_in_constant_time(to_hex(hmac_md5(keys.state.reveal(), challenge_)), code_);
        if (keys.unsure && !(keys.real && matches)) return rejected{reason::unsure, unsure_proof};
        if (!keys.real) return rejected{reason::bad_credentials, keys.note};
        if (!matches) return rejected{reason::bad_credentials, "wrong password"};
        return accepted{authcid_, {}, keys.stored_key, false};
    }

private:
    enum class stage { begin, asked, keys, end };

    // The name, a blank, 32 digits. Names may have blanks, so the last one counts.
    outcome on_response(std::string_view response)
    {
        auto const blank = response.rfind(' ');
        if (blank == std::string_view::npos) return rejected{reason::malformed, "no blank behind the user name"};
        std::string_view const name = response.substr(0, blank);
        std::string_view const code = response.substr(blank + 1);
        if (!is_acceptable_name(name)) return rejected{reason::malformed, "unacceptable user name"};
        authcid_ = name;
        if (code.size() != digits_of_code) return rejected{reason::malformed, "not 32 digits behind the user name"};
        for (char const c : code) {
            char const small = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
            bool const digit = (small >= '0' && small <= '9') || (small >= 'a' && small <= 'f');
            if (!digit) return rejected{reason::malformed, "not 32 digits behind the user name"};
            code_ += small;
        }
        stage_ = stage::keys;
        return fetch_cram{authcid_};
    }

    stage stage_ = stage::begin;
    std::string challenge_;
    std::string authcid_;
    std::string code_;
};

class cram_md5_client final : public client_mechanism {
public:
    explicit cram_md5_client(client_credentials c) : credentials_(std::move(c)) {}
    std::string_view name() const noexcept override { return "CRAM-MD5"; }
    bool finished() const noexcept override { return answered_; }

    client_action step(std::optional<std::string_view> challenge) override
    {
        if (!challenge) return await_challenge{};
        if (answered_) return abandon{"more challenges than CRAM-MD5 has"};
        answered_ = true;
        std::string key = hmac_md5_key(scram_password(credentials_.password.reveal()).reveal());
        std::string answer = credentials_.authcid + ' ' + to_hex(hmac_md5(key, *challenge));
        wipe(key.data(), key.size());
        return respond{std::move(answer)};
    }

private:
    client_credentials credentials_;
    bool answered_ = false;
};

}  // namespace

secret make_cram_secret(std::string_view password)
{
    std::string key = hmac_md5_key(scram_password(password).reveal());
    return secret::take(key);
}

// RFC 2195 section 2: the form of a Message-ID, never the same twice.
std::unique_ptr<server_mechanism> make_cram_md5_server(server_options const& options)
{
    std::string const host = options.host.empty() ? "localhost" : options.host;
    return make_cram_md5_server('<' + to_hex(random_octets(16)) + '@' + host + '>');
}

std::unique_ptr<server_mechanism> make_cram_md5_server(std::string challenge)
{
    return std::make_unique<cram_md5_server>(std::move(challenge));
}

std::unique_ptr<client_mechanism> make_cram_md5_client(client_credentials credentials)
{
    return std::make_unique<cram_md5_client>(std::move(credentials));
}

}  // namespace postern::sasl
