// What a stranger sends to the web pages: the head is looked over, read by Beast, and the body after it. What comes out
// leads nowhere else than into the house, and is what was looked at.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "web/assets.hpp"
#include "web/incoming.hpp"
#include "web/request_head.hpp"

namespace {

using namespace postern;

constexpr std::size_t longest_body = 100;

void examine(http::request const& r)
{
    if (!r.path.starts_with('/') || (r.path.size() > 1 && r.path.ends_with('/'))) std::abort();
    if (r.path.find("//") != std::string::npos || (r.path + '/').find("/../") != std::string::npos ||
        (r.path + '/').find("/./") != std::string::npos || r.path.find('\\') != std::string::npos)
        std::abort();
    if (std::any_of(r.path.begin(), r.path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
        std::abort();
    auto const hosts = std::count_if(r.fields.begin(), r.fields.end(), [](auto& f) { return f.first == "host"; });
    auto const lengths = std::count_if(r.fields.begin(), r.fields.end(), [](auto& f) {
        return f.first == "content-length" || f.first == "transfer-encoding";
    });
    if (hosts > 1 || lengths > 1 || r.fields.size() > web::most_fields) std::abort();
    for (auto const& [name, value] : r.fields)
        if (name.empty() || value.find_first_of("\r\n") != std::string::npos) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    std::string_view const text{reinterpret_cast<char const*>(octets), size};
    web::preferred_coding(text, true, true);
    web::is_known(text, "\"tag\"");

    auto const look = web::look_at_head(text);
    // What is malformed stays so, whatever comes after it.
    if (look.state == web::head_state::malformed &&
        web::look_at_head(std::string{text} + "\r\n\r\n").state == web::head_state::complete)
        std::abort();
    if (look.state != web::head_state::complete) return 0;
    web::incoming in;
    if (!in.read_head(text.substr(0, look.size))) return 0;
    examine(in.request());
    std::size_t taken = 0;
    auto const rest = text.substr(look.size);
    auto const state = in.read_body(rest, longest_body, taken);
    if (taken > rest.size()) std::abort();
    if (state != web::body_state::complete) return 0;
    if (in.take_body().size() > longest_body) std::abort();
    examine(in.request());
    return 0;
}
