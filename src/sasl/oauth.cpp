#include "sasl/oauth.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "sasl/prepare.hpp"
#include "sasl/scram.hpp"

namespace postern::sasl::oauth {
namespace {

using reason = rejected::reason;

constexpr char separator = '\x01';
constexpr std::size_t longest = 12'288;  // what an exchange line may have (RFC 4954 section 4)

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// What "auth=" has: the scheme, blanks, the token. An empty value only asks (RFC 7628 section 4.3).
bool read_authorization(std::string_view value, secret& token, char const*& why)
{
    if (value.empty()) return true;
    constexpr std::string_view scheme = "bearer ";
    if (!starts_with_ignoring_case(value, scheme)) {
        why = "not a bearer token";
        return false;
    }
    value.remove_prefix(scheme.size());
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    if (value.empty()) return true;
    if (!is_token(value)) {
        why = "octets that no token has";
        return false;
    }
    token = secret{value};
    return true;
}

/// kvpair = key "=" value kvsep, any number, then one more kvsep at the very end. `known`
/// is called for each; false ends the reading.
template <class Known>
bool read_pairs(std::string_view text, Known&& known, char const*& why)
{
    for (;;) {
        auto const end = text.find(separator);
        if (end == std::string_view::npos) {
            why = "a pair that does not end";
            return false;
        }
        auto const pair = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (pair.empty()) {
            if (text.empty()) return true;
            why = "octets behind the end";
            return false;
        }
        auto const equals = pair.find('=');
        if (equals == std::string_view::npos || equals == 0 ||
            !std::all_of(pair.begin(), pair.begin() + static_cast<std::ptrdiff_t>(equals), is_letter)) {
            why = "a pair without a key";
            return false;
        }
        auto const value = pair.substr(equals + 1);
        // value = *(VCHAR / SP / HTAB / CR / LF)
        bool const fine = std::all_of(value.begin(), value.end(), [](char c) {
            return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\r' || c == '\n' ||
                   static_cast<unsigned char>(c) >= 0x80;
        });
        if (!fine) {
            why = "a control character";
            return false;
        }
        if (!known(pair.substr(0, equals), value)) return false;
    }
}

class server final : public server_mechanism {
public:
    explicit server(format f) : format_(f) {}

    std::string_view name() const noexcept override { return format_ == format::xoauth2 ? "XOAUTH2" : "OAUTHBEARER"; }
    std::string_view claimed() const noexcept override { return identity_; }
    bool refused() const noexcept override { return stage_ == stage::refused; }

    outcome step(std::optional<std::string_view> response) override
    {
        stage const now = stage_;
        stage_ = stage::end;
        switch (now) {
            case stage::begin:
                if (!response) {
                    stage_ = stage::first;
                    return challenge{};
                }
                return on_first(*response);
            case stage::first: return on_first(response.value_or(""));
            // "AQ==" by RFC 7628 section 3.2.3, nothing in Google's format; programs mix them up.
            case stage::refused: return rejected{reason::bad_credentials, "the token was refused"};
            case stage::token:
            case stage::end: break;
        }
        return rejected{reason::malformed, "a response where none belongs"};
    }

    outcome on_token_refused(std::string_view json) override
    {
        if (stage_ != stage::token) {
            stage_ = stage::end;
            return rejected{reason::malformed, "an answer that nobody asked for"};
        }
        stage_ = stage::refused;
        return challenge{std::string{json}};
    }

private:
    enum class stage { begin, first, token, refused, end };

    outcome on_first(std::string_view text)
    {
        char const* why = "";
        auto m = format_ == format::xoauth2 ? parse_xoauth2(text, why) : parse_oauthbearer(text, why);
        if (!m) return rejected{reason::malformed, why};
        identity_ = m->identity;
        stage_ = stage::token;
        return verify_token{identity_, std::move(m->token)};
    }

    format format_;
    stage stage_ = stage::begin;
    std::string identity_;
};

class client final : public client_mechanism {
public:
    client(format f, client_credentials c) : format_(f), credentials_(std::move(c)) {}

    std::string_view name() const noexcept override { return format_ == format::xoauth2 ? "XOAUTH2" : "OAUTHBEARER"; }
    // A server that says what is wrong with the token and then takes it says nothing that counts.
    bool finished() const noexcept override { return stage_ == stage::sent; }
    std::string_view server_error() const noexcept override { return error_; }

    client_action step(std::optional<std::string_view> challenge) override
    {
        stage const now = stage_;
        stage_ = stage::end;
        switch (now) {
            case stage::begin:
                if (challenge) break;
                stage_ = stage::sent;
                return respond{first_message()};
            case stage::sent:
                // RFC 7628 section 3.2.3: a dummy answer, for which the server says that it failed.
                error_ = challenge.value_or("");
                // Told to people and logs; some servers repeat what they got.
                if (error_.find(credentials_.token.reveal()) != std::string::npos) error_ = "(it has our token in it)";
                return respond{format_ == format::xoauth2 ? std::string{} : std::string{separator}};
            case stage::end: break;
        }
        return abandon{"more challenges than the mechanism has"};
    }

private:
    enum class stage { begin, sent, end };

    std::string first_message() const
    {
        std::string text;
        text.reserve(credentials_.token.size() + 512);
        if (format_ == format::xoauth2) {
            text += "user=" + credentials_.authcid + separator;
        } else {
            text += "n,a=" + scram::encode_name(credentials_.authcid) + ',' + separator;
            if (!credentials_.host.empty()) text += "host=" + credentials_.host + separator;
            if (credentials_.port != 0) text += "port=" + std::to_string(credentials_.port) + separator;
        }
        text += "auth=Bearer ";
        text += credentials_.token.reveal();
        text += separator;
        text += separator;
        return text;
    }

    format format_;
    client_credentials credentials_;
    stage stage_ = stage::begin;
    std::string error_;
};

}  // namespace

bool is_token(std::string_view text)
{
    auto const end = text.find_last_not_of('=') + 1;
    if (end == 0) return false;
    return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), [](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || std::string_view{"-._~+/"}.find(c) != std::string_view::npos;
    });
}

std::optional<message> parse_oauthbearer(std::string_view text, char const*& why)
{
    message m;
    if (text.size() > longest) {
        why = "too long";
        return std::nullopt;
    }
    // gs2-header = ("n" / "y") "," ["a=" saslname] ","; there is no channel binding here.
    if (!text.starts_with("n,") && !text.starts_with("y,")) {
        why = text.starts_with("p=") ? "a channel binding, which this mechanism does not have" : "no GS2 header";
        return std::nullopt;
    }
    text.remove_prefix(2);
    auto const comma = text.find(',');
    if (comma == std::string_view::npos) {
        why = "no GS2 header";
        return std::nullopt;
    }
    if (auto const a = text.substr(0, comma); !a.empty()) {
        auto identity = a.starts_with("a=") ? scram::decode_name(a.substr(2)) : std::nullopt;
        if (!identity) {
            why = "bad authorization identity";
            return std::nullopt;
        }
        m.identity = std::move(*identity);
    }
    text.remove_prefix(comma + 1);
    if (text.empty() || text.front() != separator) {
        why = "no pairs";
        return std::nullopt;
    }
    text.remove_prefix(1);
    bool seen = false;
    // Host, port and whatever else there is are for others to look at (RFC 7628 section 3.1).
    bool const read = read_pairs(
        text,
        [&](std::string_view key, std::string_view value) {
            if (key != "auth") return true;
            if (std::exchange(seen, true)) {
                why = "two tokens";
                return false;
            }
            return read_authorization(value, m.token, why);
        },
        why);
    if (!read) return std::nullopt;
    return m;
}

std::optional<message> parse_xoauth2(std::string_view text, char const*& why)
{
    message m;
    if (text.size() > longest) {
        why = "too long";
        return std::nullopt;
    }
    bool user = false;
    bool token = false;
    bool const read = read_pairs(
        text,
        [&](std::string_view key, std::string_view value) {
            if (key == "user") {
                if (std::exchange(user, true) || !is_acceptable_name(value)) {
                    why = "bad user name";
                    return false;
                }
                m.identity = value;
            } else if (key == "auth") {
                if (std::exchange(token, true)) {
                    why = "two tokens";
                    return false;
                }
                return read_authorization(value, m.token, why);
            }
            return true;
        },
        why);
    if (!read) return std::nullopt;
    if (!user) {
        why = "no user name";
        return std::nullopt;
    }
    return m;
}

std::unique_ptr<server_mechanism> make_server(format f) { return std::make_unique<server>(f); }

std::unique_ptr<client_mechanism> make_client(format f, client_credentials credentials)
{
    return std::make_unique<client>(f, std::move(credentials));
}

}  // namespace postern::sasl::oauth
