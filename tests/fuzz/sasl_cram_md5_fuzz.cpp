// CRAM-MD5: the input is the client's response, or (first octet odd) the challenge that our
// client half answers to a server that expects exactly this.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.hpp"
#include "sasl/cram_md5.hpp"
#include "sasl/prepare.hpp"

using namespace postern;
using namespace postern::sasl;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    if (size == 0) return 0;
    std::string_view const text{reinterpret_cast<char const*>(octets) + 1, size - 1};
    bool const client = (octets[0] & 1) != 0;
    std::string const asked = client ? std::string{text} : "<1896.697170952@postoffice.reston.mci.net>";
    auto const s = make_cram_md5_server(asked);
    auto o = s->step(std::nullopt);
    require(std::get<challenge>(o).octets == asked);
    std::string response{text};
    if (client) {
        auto const c = make_cram_md5_client({"tim", "", secret{"tanstaaftanstaaf"}});
        response = std::get<respond>(c->step(asked)).octets;
    }
    o = s->step(response);
    if (auto const* wanted = std::get_if<fetch_cram>(&o)) {
        require(is_acceptable_name(wanted->authcid));
        o = s->on_cram({.state = make_cram_secret("tanstaaftanstaaf"), .real = true});
        bool const right = response.size() == 36 && response.starts_with("tim ");
        require(std::holds_alternative<accepted>(o) ? !client || right : !client);
    } else {
        require(std::holds_alternative<rejected>(o) && !client);
    }
    require(std::holds_alternative<rejected>(s->step(response)));
    return 0;
}
