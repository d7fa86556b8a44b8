#include "base/base64.hpp"
#include "sasl/scram.hpp"

namespace postern::sasl::scram {
namespace {

using reason = rejected::reason;

/// Each stage has one way on; whatever else comes ends the exchange.
class server final : public server_mechanism {
public:
    server(hash h, bool plus, server_options const& options, std::string nonce)
        : hash_(h), plus_(plus), options_(options), nonce_(std::move(nonce))
    {
    }

    std::string_view name() const noexcept override { return mechanism_name(hash_, plus_); }
    std::string_view claimed() const noexcept override { return first_.authcid; }

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
            case stage::final: return on_final(response.value_or(""));
            case stage::proven:
                // RFC 4954 section 4: success carries no data, so the signature went in a
                // challenge, and the client answers it with nothing.
                if (!response.value_or("").empty()) break;
                return accepted{first_.authcid, first_.authzid, proven_with_, false};
            case stage::keys:
            case stage::end: break;
        }
        return rejected{reason::malformed, "a response where none belongs"};
    }

    outcome on_scram(scram_keys const& keys) override
    {
        if (stage_ != stage::keys) {
            stage_ = stage::end;
            return rejected{reason::malformed, "keys that nobody asked for"};
        }
        keys_ = keys;
        stage_ = stage::final;
        server_first_ =
            "r=" + first_.nonce + nonce_ + ",s=" + base64_encode(keys_.salt) + ",i=" + std::to_string(keys_.iterations);
        return challenge{server_first_};
    }

private:
    enum class stage { begin, first, keys, final, proven, end };

    outcome on_first(std::string_view message)
    {
        char const* why = "";
        auto parsed = parse_client_first(message, why);
        if (!parsed) return rejected{reason::malformed, why};
        first_ = std::move(*parsed);
        // RFC 5802 section 6: who sends "y" was told that we have no -PLUS. Someone in
        // between may have said so.
        if (first_.flag == 'y' && options_.plus_offered)
            return rejected{reason::channel_binding, "downgrade: the client did not see the -PLUS variant"};
        if (plus_ != (first_.flag == 'p'))
            return rejected{reason::channel_binding,
                            plus_ ? "-PLUS without a channel binding" : "a channel binding without -PLUS"};
        if (plus_ && find_binding(options_.bindings, first_.binding) == nullptr)
            return rejected{reason::channel_binding, "a channel binding that this connection does not have"};
        stage_ = stage::keys;
        return fetch_scram{first_.authcid, hash_};
    }

    outcome on_final(std::string_view message)
    {
        char const* why = "";
        auto const final = parse_client_final(message, why);
        if (!final) return rejected{reason::malformed, why};
        // Compared whatever the flag: the header is part of it.
        std::string expected = first_.gs2_header;
        if (plus_) expected += *find_binding(options_.bindings, first_.binding);
        if (!equal_in_constant_time(final->binding, expected))
            return rejected{reason::channel_binding, "the channel bindings differ"};
        if (!equal_in_constant_time(final->nonce, first_.nonce + nonce_))
            return rejected{reason::bad_credentials, "the nonce differs"};

        std::string const auth_message = first_.bare + "," + server_first_ + "," + final->without_proof;
        // The same work for keys that were made up; `real` only says why it failed.
        bool const own = proof_matches(hash_, keys_.stored_key, auth_message, final->proof) && keys_.real;
        auto const* const other = own || !keys_.companions ? nullptr : find_companion(auth_message, final->proof);
        if (!own && other == nullptr && keys_.unsure) return rejected{reason::unsure, unsure_proof};
        if (!own && other == nullptr)
            return rejected{reason::bad_credentials, keys_.real ? "wrong password" : keys_.note};
        proven_with_ = own ? keys_.stored_key : other->stored_key;
        stage_ = stage::proven;
        return challenge{"v=" + base64_encode(hmac(hash_, own ? keys_.server_key : other->server_key, auth_message))};
    }

    /// All of them, also behind the one that fits.
    scram_companion const* find_companion(std::string_view auth_message, std::string_view proof) const
    {
        scram_companion const* found = nullptr;
        for (auto const& c : *keys_.companions)
            if (proof_matches(hash_, c.stored_key, auth_message, proof)) found = &c;
        return found;
    }

    hash hash_;
    bool plus_;
    server_options options_;
    std::string nonce_;
    stage stage_ = stage::begin;
    client_first first_;
    std::string server_first_;
    scram_keys keys_;
    std::string proven_with_;
};

}  // namespace

std::unique_ptr<server_mechanism> make_server(hash h, bool plus, server_options const& options)
{
    return make_server(h, plus, options, make_nonce());
}

std::unique_ptr<server_mechanism> make_server(hash h, bool plus, server_options const& options, std::string nonce)
{
    return std::make_unique<server>(h, plus, options, std::move(nonce));
}

}  // namespace postern::sasl::scram
