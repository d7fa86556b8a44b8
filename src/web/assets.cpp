#include "web/assets.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"

namespace postern::web {
namespace {

std::string_view trimmed(std::string_view text) noexcept
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::string_view take_until(std::string_view& text, char separator) noexcept
{
    auto const part = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return trimmed(part);
}

/// Of "gzip;q=0.5" the weight in thousandths; what is no weight counts as none.
int weight_of(std::string_view parameters) noexcept
{
    if (parameters.empty()) return 1000;
    if (!starts_with_ignoring_case(parameters, "q=")) return 0;
    auto const value = parameters.substr(2);
    if (value.starts_with('1')) return 1000;
    if (!value.starts_with("0")) return 0;
    int weight = 0;
    for (std::size_t i = 2; i < 5; ++i)
        weight = weight * 10 + (i < value.size() && value[i] >= '0' && value[i] <= '9' ? value[i] - '0' : 0);
    return weight;
}

http::response serve(embedded_file const& file, http::request const& r)
{
    auto const coding =
        preferred_coding(http::find(r.fields, "accept-encoding"), !file.gzip.empty(), !file.brotli.empty());
    // Each form is a thing of its own to a cache (RFC 9110 section 8.8.3.3).
    std::string tag = "\"" + std::string{file.tag};
    if (!coding.empty()) tag += '-' + std::string{coding};
    tag += '"';
    http::response out;
    if (is_known(http::find(r.fields, "if-none-match"), tag)) {
        out.status = 304;
    } else {
        out.fields.emplace_back("content-type", file.media_type);
        if (!coding.empty()) out.fields.emplace_back("content-encoding", coding);
        out.body = coding == "br" ? file.brotli : coding == "gzip" ? file.gzip : file.plain;
    }
    out.fields.emplace_back("etag", std::move(tag));
    out.fields.emplace_back("vary", "accept-encoding");
    out.fields.emplace_back("cache-control",
                            file.immutable ? "public, max-age=31536000, immutable" : "public, max-age=300");
    return out;
}

}  // namespace

std::string_view preferred_coding(std::string_view accept, bool has_gzip, bool has_brotli) noexcept
{
    int any = -1, gzip = -1, brotli = -1;
    while (!accept.empty()) {
        auto one = take_until(accept, ',');
        auto const name = take_until(one, ';');
        auto const weight = weight_of(one);
        if (name == "*") any = weight;
        if (equal_ignoring_case(name, "gzip") || equal_ignoring_case(name, "x-gzip")) gzip = weight;
        if (equal_ignoring_case(name, "br")) brotli = weight;
    }
    if (gzip < 0) gzip = any;
    if (brotli < 0) brotli = any;
    if (!has_gzip) gzip = 0;
    if (!has_brotli) brotli = 0;
    if (brotli > 0 && brotli >= gzip) return "br";
    return gzip > 0 ? "gzip" : "";
}

bool is_known(std::string_view if_none_match, std::string_view quoted_tag) noexcept
{
    while (!if_none_match.empty()) {
        auto one = take_until(if_none_match, ',');
        if (one == "*") return true;
        if (one.starts_with("W/")) one.remove_prefix(2);
        if (one == quoted_tag) return true;
    }
    return false;
}

void add_assets(router& table, std::span<embedded_file const> files)
{
    for (auto const& file : files)
        table.add(http::method::get, std::string{file.path}, [&file](call const& c) { return serve(file, c.request); });
}

}  // namespace postern::web
