#include "directory/issuer_metadata.hpp"

#include <boost/json.hpp>

#include "base/json.hpp"
#include "base/log.hpp"
#include "base/url.hpp"
#include "directory/token_claims.hpp"
#include "directory/web_client.hpp"

namespace postern::directory {
namespace {

constexpr std::size_t longest_document = 256 << 10;
constexpr std::size_t longest_url = 2048;
constexpr std::chrono::hours usable_for{24};
// So long after a failure nobody asks again: many wait for the same answer.
constexpr std::chrono::seconds rest_after_failure{1};

error failed(std::string what) { return {{4, 3, 0}, "Tokens can't be checked now", std::move(what)}; }

std::string_view without_slashes(std::string_view issuer)
{
    while (issuer.ends_with('/')) issuer.remove_suffix(1);
    return issuer;
}

}  // namespace

result<issuer_metadata> parse_metadata(std::string_view text, std::string_view issuer)
{
    if (text.size() > longest_document) return failed("the issuer's metadata is larger than 256 KiB");
    auto const o = parse_object(text);
    if (!o) return failed("the issuer's metadata is no JSON object");
    if (text_in(*o, "issuer") != issuer) return failed("the metadata is about another issuer than oauth.issuer");
    issuer_metadata m{std::string{text_in(*o, "jwks_uri")}, std::string{text_in(*o, "introspection_endpoint")}};
    for (auto const& url : {m.keys, m.introspection}) {
        if (url.empty()) continue;
        if (url.size() > longest_url || !is_confidential_url(url) || (is_loopback_url(url) && !is_loopback_url(issuer)))
            return failed("the issuer's metadata leads to a URL that is not https");
    }
    return m;
}

std::array<std::string, 2> metadata_urls(std::string_view issuer)
{
    auto const base = without_slashes(issuer);
    auto const host = base.find("://");
    auto const path = std::min(host == std::string_view::npos ? base.size() : base.find('/', host + 3), base.size());
    return {
        std::string{base} + "/.well-known/openid-configuration",
        std::string{base.substr(0, path)} + "/.well-known/oauth-authorization-server" + std::string{base.substr(path)}};
}

discovery::discovery(std::string issuer, std::filesystem::path authorities, std::chrono::milliseconds timeout)
    : issuer_(std::move(issuer)),
      authorities_(std::move(authorities)),
      timeout_(timeout),
      place_(metadata_urls(issuer_)[0])
{
}

result<issuer_metadata> discovery::find(web_client& client, std::chrono::seconds age, std::atomic<bool> const& stop)
{
    std::lock_guard lock{fetching_};
    auto const began = steady_clock::now();
    if (found_ && began - found_at_ < age) return *found_;
    if (!failure_ || began - failed_at_ >= rest_after_failure) {
        auto fetched = fetch(client, stop);
        auto const now = steady_clock::now();
        if (fetched) {
            found_ = std::move(*fetched);
            found_at_ = now;
            failure_.reset();
            log::event(log::level::info, "issuer_found", {{"document", document()}});
        } else {
            failure_ = std::move(fetched).error();
            failed_at_ = now;
        }
    }
    if (found_ && steady_clock::now() - found_at_ < usable_for) return *found_;
    return *failure_;
}

result<issuer_metadata> discovery::fetch(web_client& client, std::atomic<bool> const& stop)
{
    std::string why;
    for (auto const& url : metadata_urls(issuer_)) {
        web_client::request r;
        r.url = url;
        r.authorities = authorities_;
        r.timeout = timeout_;
        r.longest = longest_document;
        auto answer = client.ask(r, stop);
        // Who does not answer at one place does not at the other.
        if (!answer) return std::move(answer).error();
        if (answer->status != 200) {
            why += (why.empty() ? "" : "; ") + url + ": status " + std::to_string(answer->status);
            continue;
        }
        auto parsed = parse_metadata(answer->body, issuer_);
        if (!parsed) return failed(url + ": " + parsed.error().logged);
        std::lock_guard lock{place_lock_};
        place_ = url;
        return parsed;
    }
    return failed(std::move(why));
}

std::string discovery::document() const
{
    std::lock_guard lock{place_lock_};
    return place_;
}

}  // namespace postern::directory
