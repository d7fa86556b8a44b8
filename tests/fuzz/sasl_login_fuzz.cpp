// LOGIN: the input's lines are the client's responses; an empty first line means that
// AUTH came without one.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "sasl/mechanism.hpp"
#include "sasl/prepare.hpp"

namespace {

using namespace postern;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    std::string_view rest{reinterpret_cast<char const*>(octets), size};
    auto const server = sasl::make_server_mechanism("LOGIN", {});
    bool ended = false;
    bool prompted = false;
    std::string name;
    for (int turn = 0; turn < 5; ++turn) {
        auto const end = rest.find('\n');
        std::string_view const line = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        std::optional<std::string_view> response{line};
        if (turn == 0 && line.empty()) response.reset();

        auto const outcome = server->step(response);
        if (ended) {
            require(std::holds_alternative<sasl::rejected>(outcome));
        } else if (auto const* c = std::get_if<sasl::challenge>(&outcome)) {
            require(c->octets == (response ? "Password:" : "Username:"));
            require(!(prompted && response == std::nullopt));
            prompted = true;
            if (response) name = line;
        } else if (auto const* v = std::get_if<sasl::verify_password>(&outcome)) {
            require(is_utf8(server->claimed()));
            require(v->authcid == name && sasl::is_acceptable_old_name(name) && v->authzid.empty());
            require(v->password.reveal() == line && sasl::is_acceptable_password(line));
            ended = true;
        } else {
            require(std::holds_alternative<sasl::rejected>(outcome));
            ended = true;
        }
    }
    return 0;
}
