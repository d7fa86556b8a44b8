// Whole questions to the porter: a line each of method, host, path, query, Authorization; then the body. Whatever comes, the
// answer is one of few, and nothing confidential is noted.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <boost/json/serialize.hpp>

#include "porter/answer.hpp"
#include "porter/fixture.hpp"

using namespace postern;

namespace {

std::string_view line(std::string_view& text)
{
    auto const end = std::min(text.find('\n'), text.size());
    auto const one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return one;
}

bool is_expected(unsigned status)
{
    return status == 200 || status == 204 || status == 302 || status == 400 || status == 404 || status == 405;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    static auto const facts = porter::example_facts();
    std::string_view const whole{reinterpret_cast<char const*>(octets), size};
    auto text = whole;
    http::request r;
    auto const how = line(text);
    r.method = how.starts_with("GET")    ? http::method::get
               : how.starts_with("POST") ? http::method::post
               : how.starts_with("HEAD") ? http::method::head
               : how.starts_with("OPT")  ? http::method::options
                                         : http::method::other;
    r.secure = how.ends_with('s');
    r.host = line(text);
    r.path = "/";
    r.path += line(text);
    r.query = line(text);
    if (auto const password = line(text); !password.empty())
        r.fields.emplace_back("authorization", "Basic Zk9!Zk9!" + std::string{password});
    r.body = secret{text};
    auto const said = porter::answer(facts, r, {});
    if (!said) return 0;
    if (!is_expected(said->response.status) || said->response.body.size() > (16u << 10)) std::abort();
    // A probe without an address is no bad request.
    if (said->response.status == 400 && r.query.find('@') == std::string::npos &&
        r.query.find("%40") == std::string::npos && r.path.find('@') == std::string::npos)
        std::abort();
    // Not even a part of it may stand elsewhere in what was asked.
    bool const elsewhere = whole.find("k9!") != std::string_view::npos;
    if (!elsewhere && boost::json::serialize(porter::to_json(said->note, {})).find("k9!Zk9!") != std::string::npos)
        std::abort();
    return 0;
}
