#include "base/base64.hpp"
#include "sasl/prepare.hpp"
#include "sasl/scram.hpp"

namespace postern::sasl::scram {
namespace {

class client final : public client_mechanism {
public:
    client(hash h, bool plus, client_credentials c, client_options const& options, std::string nonce)
        : hash_(h), plus_(plus), credentials_(std::move(c)), options_(options), nonce_(std::move(nonce))
    {
    }

    std::string_view name() const noexcept override { return mechanism_name(hash_, plus_); }
    bool finished() const noexcept override { return stage_ == stage::verified; }
    bool works_long() const noexcept override { return stage_ == stage::final; }

    client_action step(std::optional<std::string_view> challenge) override
    {
        stage const now = stage_;
        stage_ = stage::failed;
        switch (now) {
            case stage::first:
                // An empty challenge only asks for the first message.
                if (challenge && !challenge->empty()) return abandon{"a challenge before the first message"};
                return send_first();
            case stage::final: return send_final(challenge.value_or(""));
            case stage::signature: return verify(challenge.value_or(""));
            case stage::verified:
            case stage::failed: break;
        }
        return abandon{"more challenges than SCRAM has"};
    }

private:
    enum class stage { first, final, signature, verified, failed };

    client_action send_first()
    {
        // tls-exporter where there is one (RFC 9266), else the certificate's hash.
        if (plus_) {
            bool const exporter = !options_.bindings.tls_exporter.empty();
            binding_ = exporter ? options_.bindings.tls_exporter : options_.bindings.tls_server_end_point;
            gs2_header_ = exporter ? "p=tls-exporter," : "p=tls-server-end-point,";
        } else {
            // "y": we could bind, but the server's list has no -PLUS (RFC 5802 section 6).
            bool const could =
                !options_.bindings.tls_exporter.empty() || !options_.bindings.tls_server_end_point.empty();
            gs2_header_ = could && !options_.plus_offered ? "y," : "n,";
        }
        if (!credentials_.authzid.empty()) gs2_header_ += "a=" + encode_name(credentials_.authzid);
        gs2_header_ += ',';
        bare_ = "n=" + encode_name(credentials_.authcid) + ",r=" + nonce_;
        stage_ = stage::final;
        return respond{gs2_header_ + bare_};
    }

    client_action send_final(std::string_view message)
    {
        char const* why = "";
        auto const first = parse_server_first(message, why);
        if (!first) return abandon{why};
        // The server's part must be there, behind ours.
        if (first->nonce.size() <= nonce_.size() || !first->nonce.starts_with(nonce_))
            return abandon{"the nonce differs"};

        secret const password = scram_password(credentials_.password.reveal());
        secret const salted = salted_password(hash_, password.reveal(), first->salt, first->iterations);
        std::string final = "c=" + base64_encode(gs2_header_ + binding_) + ",r=" + first->nonce;
        std::string const auth_message = bare_ + "," + std::string{message} + "," + final;
        server_signature_ = hmac(hash_, hmac(hash_, salted.reveal(), "Server Key"), auth_message);
        final += ",p=" + base64_encode(client_proof(hash_, salted, auth_message));
        stage_ = stage::signature;
        return respond{std::move(final)};
    }

    client_action verify(std::string_view message)
    {
        char const* why = "";
        auto const signature = parse_server_final(message, why);
        if (!signature) return abandon{why};
        if (!equal_in_constant_time(*signature, server_signature_)) return abandon{server_unproven};
        stage_ = stage::verified;
        return respond{};
    }

    hash hash_;
    bool plus_;
    client_credentials credentials_;
    client_options options_;
    std::string nonce_;
    stage stage_ = stage::first;
    std::string gs2_header_;
    std::string binding_;
    std::string bare_;
    std::string server_signature_;
};

}  // namespace

std::unique_ptr<client_mechanism> make_client(hash h, bool plus, client_credentials credentials,
                                              client_options const& options)
{
    return make_client(h, plus, std::move(credentials), options, make_nonce());
}

std::unique_ptr<client_mechanism> make_client(hash h, bool plus, client_credentials credentials,
                                              client_options const& options, std::string nonce)
{
    return std::make_unique<client>(h, plus, std::move(credentials), options, std::move(nonce));
}

}  // namespace postern::sasl::scram
