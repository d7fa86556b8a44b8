// SCRAM, both halves, each hash. The first octet chooses: the server (with or without -PLUS, offered
// or not), whose last message is signed with the right password or comes as it is; or the
// client. The lines that follow are the other side's messages.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/base64.hpp"
#include "fuzz/require.hpp"
#include "sasl/prepare.hpp"
#include "sasl/scram.hpp"

namespace {

using namespace postern;
using namespace postern::sasl;

constexpr char const* salt = "0123456789abcdef";

std::string_view take_line(std::string_view& rest)
{
    auto const end = rest.find('\n');
    std::string_view const line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return line;
}

secret const& salted(hash h)
{
    static secret const all[] = {scram::salted_password(hash::sha1, "pencil", salt, 4096),
                                 scram::salted_password(hash::sha256, "pencil", salt, 4096),
                                 scram::salted_password(hash::sha512, "pencil", salt, 4096)};
    return all[static_cast<std::size_t>(h)];
}

channel_bindings const& bindings()
{
    static channel_bindings const b{std::string(32, 'e'), std::string(32, 's'), std::string(12, 'u')};
    return b;
}

void run_server(hash h, bool plus, bool offered, bool sign, std::string_view rest)
{
    server_options const o{bindings(), offered};
    auto const s = scram::make_server(h, plus, o, "SERVER");
    std::string const first{take_line(rest)};
    auto outcome = s->step(first);
    auto const* wanted = std::get_if<fetch_scram>(&outcome);
    if (wanted == nullptr) {
        require(std::holds_alternative<rejected>(outcome));
        require(std::holds_alternative<rejected>(s->step(first)));
        return;
    }
    require(is_acceptable_name(wanted->authcid));
    require(scram::decode_name(scram::encode_name(wanted->authcid)) == wanted->authcid);
    outcome = s->on_scram(scram::derive_keys(h, salted(h), salt, 4096));
    std::string const server_first = std::get<challenge>(outcome).octets;

    std::string final{take_line(rest)};
    if (sign) {
        char const* why = "";
        auto const parsed = scram::parse_client_first(first, why);
        std::string const auth_message = parsed->bare + "," + server_first + "," + final;
        final += ",p=" + base64_encode(scram::client_proof(h, salted(h), auth_message));
    }
    outcome = s->step(final);
    if (auto const* signature = std::get_if<challenge>(&outcome)) {
        require(sign && signature->octets.starts_with("v="));
        std::string_view const last = take_line(rest);
        outcome = s->step(last);
        require(std::holds_alternative<accepted>(outcome) == last.empty());
        return;
    }
    require(std::holds_alternative<rejected>(outcome));
    require(std::holds_alternative<rejected>(s->step("")));
}

void run_client(hash h, bool plus, std::string_view rest)
{
    client_options const o{plus ? bindings() : channel_bindings{}, plus};
    auto const c = scram::make_client(h, plus, {"user", "", secret{"pencil"}}, o, "CLIENT");
    require(std::holds_alternative<respond>(c->step(std::nullopt)));
    std::string_view const first = take_line(rest);
    char const* why = "";
    auto const parsed = scram::parse_server_first(first, why);
    // A higher count is only slower.
    if (parsed && parsed->iterations > 4200) return;
    auto const answer = c->step(first);
    require(!c->finished());
    if (std::holds_alternative<abandon>(answer)) return;
    require(parsed && parsed->nonce.starts_with("CLIENT"));
    auto const last = c->step(take_line(rest));
    require(std::holds_alternative<respond>(last) == c->finished());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    if (size == 0) return 0;
    unsigned const choice = octets[0];
    std::string_view const rest{reinterpret_cast<char const*>(octets) + 1, size - 1};
    char const* why = "";
    static_cast<void>(scram::parse_client_final(rest, why).has_value());
    static_cast<void>(scram::parse_server_final(rest, why).has_value());
    // Bits that older inputs have clear: they stay tests of SHA-256.
    hash const h = (choice & 16) != 0 ? hash::sha1 : (choice & 32) != 0 ? hash::sha512 : hash::sha256;
    if ((choice & 8) != 0)
        run_client(h, (choice & 1) != 0, rest);
    else
        run_server(h, (choice & 1) != 0, (choice & 2) != 0, (choice & 4) != 0, rest);
    return 0;
}
