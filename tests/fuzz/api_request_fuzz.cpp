// Bodies and queries of the API: the first line is the query, the rest the body. What is taken has the form that was
// asked for, and nothing else in it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>

#include "web/api_call.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    using namespace postern;
    using web::api::type;
    static constexpr web::api::field fields[] = {{"label", type::text, true, 20},
                                                 {"on", type::flag},
                                                 {"limit", type::number, false, 1000},
                                                 {"networks", type::texts, false, 3}};
    static constexpr web::api::field of_query[] = {
        {"limit", type::number, false, 1000}, {"event", type::list, false, 50}, {"rule", type::text, false, 10}};
    std::string_view const text{reinterpret_cast<char const*>(octets), size};
    auto const end = text.find('\n');
    http::request r;
    r.query = text.substr(0, end);
    if (end != std::string_view::npos) r.body = secret{text.substr(end + 1)};
    r.fields = {{"content-type", "application/json"}};
    if (auto const body = web::api::read_body(r, fields)) {
        if (!body->contains("label") || body->size() > 4 || body->at("label").as_string().size() > 20) std::abort();
        if (auto const* const n = body->if_contains("networks"); n && n->as_array().size() > 3) std::abort();
    }
    boost::json::object arguments;
    if (!web::api::read_query(r, of_query, arguments)) {
        if (arguments.size() > 3) std::abort();
        if (auto const* const n = arguments.if_contains("limit"); n && n->as_uint64() > 1000) std::abort();
    }
    return 0;
}
