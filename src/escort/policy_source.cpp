#include "escort/policy_source.hpp"

#include "base/text.hpp"
#include "directory/web_client.hpp"

namespace postern::escort {
namespace {

constexpr std::string_view https_port = "443";
// RFC 8461 section 3.3 suggests a minute at most; mail waits for this.
constexpr std::chrono::seconds patience{20};
constexpr long ok = 200;

fetched failed(std::string_view result, std::string problem, bool answered = true)
{
    fetched f;
    f.answered = answered;
    f.result = result;
    f.problem = printable(problem, 200);
    return f;
}

bool is_plain_text(std::string_view type)
{
    return equal_ignoring_case(type.substr(0, type.find_first_of("; ")), "text/plain");
}

fetched fetch(std::string const& domain, std::string const& resolved, std::filesystem::path const& authorities,
              std::atomic<bool> const& stop)
{
    directory::web_client web;
    directory::web_client::request r;
    r.url = "https://mta-sts." + domain + "/.well-known/mta-sts.txt";
    r.authorities = authorities;
    r.timeout = patience;
    r.longest = mail::longest_sts_policy;
    r.resolved = resolved;
    auto const answer = web.ask(r, stop);
    if (!answer) {
        bool const untrusted = answer.error().code == status{4, 7, 5};
        return failed(untrusted ? "sts-webpki-invalid" : "sts-policy-fetch-error", answer.error().logged, untrusted);
    }
    // A redirection is none of them: RFC 8461 section 3.3 forbids to follow it.
    if (answer->status != ok)
        return failed("sts-policy-fetch-error",
                      r.url + ": the web server answered with " + std::to_string(answer->status));
    if (!is_plain_text(answer->type)) return failed("sts-policy-invalid", r.url + ": it is not text/plain");
    fetched f;
    f.answered = true;
    f.text = answer->body;
    f.policy = mail::parse_sts_policy(f.text, f.problem);
    if (!f.policy) return failed("sts-policy-invalid", r.url + ": " + f.problem);
    return f;
}

}  // namespace

std::string resolve_for_web(resolver_maker const& make_resolver, std::string const& host, std::atomic<bool> const& stop)
{
    auto const found = ask_for_addresses(make_resolver, host, stop);
    std::string out;
    for (auto const& a : found.v4) out += (out.empty() ? "" : ",") + a.to_string();
    for (auto const& a : found.v6) out += (out.empty() ? "[" : ",[") + a.to_string() + ']';
    if (out.empty()) return {};
    return host + ':' + std::string{https_port} + ':' + out;
}

policy_source make_web_source(resolver_maker make_resolver, std::filesystem::path authorities)
{
    return [make_resolver = std::move(make_resolver), authorities = std::move(authorities)](
               std::string const& domain, std::atomic<bool> const& stop) {
        auto const resolved = resolve_for_web(make_resolver, "mta-sts." + domain, stop);
        if (resolved.empty()) return failed("sts-policy-fetch-error", "mta-sts." + domain + " has no address", false);
        return fetch(domain, resolved, authorities, stop);
    };
}

}  // namespace postern::escort
