#include "sasl/external.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "sasl/prepare.hpp"

namespace postern::sasl {
namespace {

using reason = rejected::reason;

class external_server final : public server_mechanism {
public:
    external_server(std::vector<std::string> identities, bool unsure)
        : identities_(std::move(identities)), unsure_(unsure)
    {
    }

    std::string_view name() const noexcept override { return "EXTERNAL"; }
    std::string_view claimed() const noexcept override { return claimed_; }

    outcome step(std::optional<std::string_view> response) override
    {
        stage const now = stage_;
        stage_ = stage::end;
        if (now == stage::begin && !response) {
            stage_ = stage::asked;
            return challenge{};
        }
        if (now == stage::end) return rejected{reason::malformed, "a response after the end of the exchange"};
        return decide(response.value_or(""));
    }

private:
    enum class stage { begin, asked, end };

    outcome decide(std::string_view wanted)
    {
        if (identities_.empty() && !unsure_)
            return rejected{reason::bad_credentials, "no certificate that says who this is"};
        if (wanted.empty()) {
            if (unsure_) return rejected{reason::unsure, unsure_proof};
            if (identities_.size() != 1)
                return rejected{reason::bad_credentials, "the certificate is for several accounts, and none was named"};
            claimed_ = identities_.front();
            return accepted{claimed_, {}, {}, true};
        }
        if (!is_acceptable_name(wanted)) return rejected{reason::malformed, "unacceptable authorization identity"};
        claimed_ = wanted;
        auto const found = std::find_if(identities_.begin(), identities_.end(),
                                        [&](std::string const& i) { return equal_ignoring_case(i, wanted); });
        if (found == identities_.end() && unsure_) return rejected{reason::unsure, unsure_proof};
        if (found == identities_.end()) return rejected{reason::bad_credentials, "the certificate is someone else's"};
        return accepted{*found, {}, {}, true};
    }

    stage stage_ = stage::begin;
    std::vector<std::string> identities_;
    bool unsure_;
    std::string claimed_;
};

class external_client final : public client_mechanism {
public:
    explicit external_client(client_credentials c) : identity_(std::move(c.authcid)) {}

    std::string_view name() const noexcept override { return "EXTERNAL"; }
    bool finished() const noexcept override { return sent_; }

    client_action step(std::optional<std::string_view> challenge) override
    {
        if (sent_ || challenge) return abandon{"a challenge that EXTERNAL does not have"};
        sent_ = true;
        return respond{identity_};
    }

private:
    std::string identity_;
    bool sent_ = false;
};

}  // namespace

std::unique_ptr<server_mechanism> make_external_server(server_options const& options)
{
    return std::make_unique<external_server>(options.external, options.external_unsure);
}

std::unique_ptr<client_mechanism> make_external_client(client_credentials credentials)
{
    return std::make_unique<external_client>(std::move(credentials));
}

}  // namespace postern::sasl
