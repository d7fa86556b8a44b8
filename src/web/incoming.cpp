#include "web/incoming.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include "base/text.hpp"
#include "web/request_head.hpp"
#include "web/target.hpp"

namespace postern::web {
namespace {

namespace beast = boost::beast;
using beast::string_view;
using error_code = beast::error_code;

http::method method_of(beast::http::verb v) noexcept
{
    switch (v) {
        case beast::http::verb::get: return http::method::get;
        case beast::http::verb::head: return http::method::head;
        case beast::http::verb::post: return http::method::post;
        case beast::http::verb::put: return http::method::put;
        case beast::http::verb::patch: return http::method::patch;
        case beast::http::verb::delete_: return http::method::remove;
        case beast::http::verb::options: return http::method::options;
        default: return http::method::other;
    }
}

// How much room a body gets at once. A body in chunks gets all that it may have, so that it is never copied to a larger
// place: it may hold a password.
constexpr std::size_t first_room = 64u << 10;

class parser final : public beast::http::basic_parser<true> {
public:
    parser()
    {
        header_limit(longest_head);
        body_limit(boost::none);  // ours to judge, when the route is known
        eager(false);
    }

    http::request request;
    std::string body;
    std::size_t most = 0;
    bool old = false;
    bool clear = true;  // about where it goes
    bool too_large = false;

    ~parser() { wipe(body.data(), body.size()); }
    parser(parser const&) = delete;
    parser& operator=(parser const&) = delete;

private:
    void on_request_impl(beast::http::verb method, string_view, string_view target, int version, error_code&) override
    {
        old = version < 11;
        request.method = method_of(method);
        auto where = web::parse_target({target.data(), target.size()});
        clear = where.has_value();
        if (!clear) return;
        request.host = std::move(where->host);
        request.path = std::move(where->path);
        request.query = std::move(where->query);
    }

    void on_field_impl(beast::http::field, string_view name, string_view value, error_code&) override
    {
        if (is_header_done()) return;  // behind the last chunk; nothing of ours asks for these
        auto key = to_lower({name.data(), name.size()});
        std::string_view const text{value.data(), value.size()};
        if (key == "host") {
            auto host = parse_host(text);
            // RFC 9112 section 3.2.2: the host of a whole URL counts, but the field has to be well-formed.
            if (!host)
                clear = false;
            else if (request.host.empty())
                request.host = std::move(*host);
        }
        request.fields.emplace_back(std::move(key), text);
    }

    void on_header_impl(error_code&) override {}
    void on_response_impl(int, string_view, int, error_code&) override {}

    void on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code& ec) override
    {
        too_large = length && *length > most;
        if (too_large)
            ec = beast::http::error::body_limit;
        else
            body.reserve(length ? static_cast<std::size_t>(*length) : std::min(most, first_room));
    }

    std::size_t add(string_view octets, error_code& ec)
    {
        too_large = octets.size() > most - body.size();
        if (too_large) {
            ec = beast::http::error::body_limit;
            return 0;
        }
        if (body.capacity() - body.size() < octets.size()) {
            std::string larger;
            larger.reserve(most);
            larger = body;
            wipe(body.data(), body.size());
            body = std::move(larger);
        }
        body.append(octets.data(), octets.size());
        return octets.size();
    }
    std::size_t on_body_impl(string_view octets, error_code& ec) override { return add(octets, ec); }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view octets, error_code& ec) override
    {
        return add(octets, ec);
    }
    void on_finish_impl(error_code&) override {}
};

}  // namespace

struct incoming::state {
    parser p;
};

incoming::incoming() : state_(std::make_unique<state>()) {}
incoming::~incoming() = default;

bool incoming::read_head(std::string_view head)
{
    auto& p = state_->p;
    error_code ec;
    p.put(boost::asio::buffer(head.data(), head.size()), ec);
    return !ec && p.is_header_done() && p.clear;
}

http::request& incoming::request() noexcept { return state_->p.request; }
bool incoming::stays_open() const noexcept { return state_->p.keep_alive(); }

bool incoming::is_old() const noexcept { return state_->p.old; }

bool incoming::wants_continue() const noexcept
{
    return equal_ignoring_case(http::find(state_->p.request.fields, "expect"), "100-continue");
}

body_state incoming::read_body(std::string_view octets, std::size_t limit, std::size_t& taken)
{
    auto& p = state_->p;
    p.most = limit;
    p.eager(true);
    taken = 0;
    while (!p.is_done()) {
        error_code ec;
        auto const rest = octets.substr(taken);
        auto const n = p.put(boost::asio::buffer(rest.data(), rest.size()), ec);
        taken += n;
        if (p.too_large) return body_state::too_large;
        if (ec == beast::http::error::need_more || (!ec && n == 0 && !p.is_done())) return body_state::incomplete;
        if (ec) return body_state::malformed;
        if (taken == octets.size() && !p.is_done()) return body_state::incomplete;
    }
    return body_state::complete;
}

secret incoming::take_body() { return secret::take(state_->p.body); }

}  // namespace postern::web
