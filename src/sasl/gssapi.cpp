#include "sasl/gssapi.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "sasl/prepare.hpp"

namespace postern::sasl {
namespace {

using reason = rejected::reason;
using kind = context_step::kind;
using state = context_answer::state;

// RFC 4752 section 3.3: a bit mask of security layers, then the most octets that the other side
// can take in one token. "No security layer", and so none.
constexpr char no_layer = 1;
constexpr std::string_view offer{"\x01\x00\x00\x00", 4};
// Kerberos takes one token of the client, or two; a library that wants ever more is not let.
constexpr unsigned most_tokens = 4;

class gssapi_server final : public server_mechanism {
public:
    std::string_view name() const noexcept override { return gssapi; }
    std::string_view claimed() const noexcept override { return account_.empty() ? principal_ : account_; }

    outcome step(std::optional<std::string_view> response) override
    {
        stage const now = std::exchange(stage_, stage::end);
        switch (now) {
            case stage::begin:
                if (!response) {
                    stage_ = stage::first;
                    return challenge{};
                }
                return take_token(kind::begin, *response);
            case stage::first: return take_token(kind::begin, response.value_or(""));
            case stage::more: return take_token(kind::go_on, response.value_or(""));
            case stage::last_token:
                // The context stands; nothing is left to say about it.
                if (!response.value_or("").empty())
                    return rejected{reason::malformed, "a token behind the end of the context"};
                return make_offer();
            case stage::offered:
                stage_ = stage::unwrapping;
                return context_step{kind::unwrap, std::string{response.value_or("")}};
            case stage::context:
            case stage::wrapping:
            case stage::unwrapping:
            case stage::end: break;
        }
        return rejected{reason::malformed, "a response where none belongs"};
    }

    outcome on_context(context_answer const& answer) override
    {
        stage const now = std::exchange(stage_, stage::end);
        if (answer.what == state::defective) return rejected{reason::malformed, answer.note};
        if (answer.what == state::refused) return rejected{reason::bad_credentials, answer.note};
        if (now == stage::context && answer.what == state::more) {
            stage_ = stage::more;
            return challenge{answer.octets};
        }
        if (now == stage::context && answer.what == state::established) return on_established(answer);
        if (now == stage::wrapping && answer.what == state::done) {
            stage_ = stage::offered;
            return challenge{answer.octets};
        }
        if (now == stage::unwrapping && answer.what == state::done) return on_choice(answer.octets);
        return rejected{reason::malformed, "an answer that nobody asked for"};
    }

private:
    enum class stage {
        begin,
        first,       // our empty challenge asks for the first token
        context,     // the library has a token of the client's
        more,        // the client has one of the library's
        last_token,  // the client has the last one, and answers with nothing
        wrapping,    // the library protects our offer
        offered,     // the client has it
        unwrapping,  // the library looks at the client's choice
        end
    };

    outcome take_token(kind what, std::string_view token)
    {
        if (token.empty()) return rejected{reason::malformed, "an empty token"};
        if (++tokens_ > most_tokens) return rejected{reason::malformed, "more tokens than Kerberos has"};
        stage_ = stage::context;
        return context_step{what, std::string{token}};
    }

    outcome on_established(context_answer const& answer)
    {
        principal_ = answer.principal;
        account_ = answer.account;
        names_ = answer.names;
        note_ = answer.note;
        if (answer.octets.empty()) return make_offer();
        stage_ = stage::last_token;
        return challenge{answer.octets};
    }

    outcome make_offer()
    {
        stage_ = stage::wrapping;
        return context_step{kind::wrap, std::string{offer}};
    }

    /// The layer that the client chose, its largest token, whom it wants to be.
    outcome on_choice(std::string_view text)
    {
        if (text.size() < offer.size()) return rejected{reason::malformed, "no choice of a security layer"};
        if (text[0] != no_layer) return rejected{reason::malformed, "a security layer that was not offered"};
        if (text.substr(1, 3) != offer.substr(1)) return rejected{reason::malformed, "a size without a security layer"};
        auto const wanted = text.substr(offer.size());
        if (!wanted.empty() && !is_acceptable_name(wanted))
            return rejected{reason::malformed, "unacceptable authorization identity"};
        if (account_.empty()) return rejected{reason::bad_credentials, note_};
        bool const own = std::any_of(names_.begin(), names_.end(),
                                     [&](std::string const& name) { return equal_ignoring_case(name, wanted); });
        return accepted{account_, own ? std::string{} : std::string{wanted}, {}, true};
    }

    stage stage_ = stage::begin;
    unsigned tokens_ = 0;
    std::string principal_;
    std::string account_;
    std::vector<std::string> names_;
    char const* note_ = "";
};

}  // namespace

std::unique_ptr<server_mechanism> make_gssapi_server() { return std::make_unique<gssapi_server>(); }

}  // namespace postern::sasl
