// PLAIN's one message, and what a password may mean: whatever is taken is whole, and the
// client half writes the same message for it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "sasl/client_mechanism.hpp"
#include "sasl/prepare.hpp"

namespace {

using namespace postern;

void check_password(std::string_view password)
{
    auto const list = sasl::password_candidates(password);
    require(list.empty() == password.empty() && list.size() <= 3);
    for (auto const& c : list) require(!c.octets.empty());
    if (auto const prepared = sasl::prepare_password(password)) {
        require(is_utf8(prepared->reveal()));
        auto const again = sasl::prepare_password(prepared->reveal());
        require(again && again->reveal() == prepared->reveal());
    }
    require(sasl::scram_password(password).empty() == password.empty());
    if (auto const name = sasl::normalise(password)) require(sasl::normalise(*name) == name);
    if (auto const name = sasl::prepare_username(password)) require(is_utf8(*name));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    std::string_view const message{reinterpret_cast<char const*>(octets), size};
    check_password(message);

    auto const server = sasl::make_server_mechanism("PLAIN", {});
    auto const outcome = server->step(message);
    require(is_utf8(server->claimed()));
    auto const* v = std::get_if<sasl::verify_password>(&outcome);
    if (v == nullptr) {
        require(std::holds_alternative<sasl::rejected>(outcome));
        return 0;
    }
    require(sasl::is_acceptable_old_name(v->authcid) && sasl::is_acceptable_password(v->password.reveal()));
    require(v->authzid.empty() || sasl::is_acceptable_old_name(v->authzid));
    // Our own half sends UTF-8.
    if (is_utf8(v->authcid) && is_utf8(v->authzid)) {
        auto const client = sasl::make_client_mechanism("PLAIN", {v->authcid, v->authzid, v->password}, {});
        auto const written = client->step(std::nullopt);
        require(std::get<sasl::respond>(written).octets == message);
    }
    require(std::holds_alternative<sasl::rejected>(server->step(message)));
    return 0;
}
