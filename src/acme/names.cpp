#include "acme/names.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "acme/answers.hpp"
#include "base/ip.hpp"
#include "base/text.hpp"

namespace postern::acme {
namespace {

constexpr std::array<std::string_view, 4> below{"autoconfig.", "autodiscover.", "ua-auto-config.", "mta-sts."};

bool is_plain(std::string_view name)
{
    return name.size() <= 253 && name.find('.') != std::string_view::npos && name.front() != '.' &&
           name.back() != '.' && !ip_address::parse(name) && std::ranges::all_of(name, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
           });
}

void add(group& to, std::string const& name)
{
    if (is_plain(name) && to.names.size() < most_names && std::ranges::find(to.names, name) == to.names.end())
        to.names.push_back(name);
}

group& group_of(std::vector<group>& all, std::string id, bool for_mail, bool ours)
{
    auto const there = std::ranges::find(all, id, &group::id);
    if (there != all.end()) return *there;
    all.push_back({std::move(id), for_mail, {}, ours});
    return all.back();
}

}  // namespace

std::vector<std::string> kinds_of_proof(config::settings const& s)
{
    std::vector<std::string> kinds;
    bool const any = s.acme.challenge == config::acme_challenge::any;
    if (!s.web.http_address.empty() && (any || s.acme.challenge == config::acme_challenge::http_01))
        kinds.emplace_back("http-01");
    if (!s.web.address.empty() && (any || s.acme.challenge == config::acme_challenge::tls_alpn_01))
        kinds.emplace_back("tls-alpn-01");
    return kinds;
}

bool is_web_name(std::string_view name)
{
    return std::ranges::any_of(below, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::string public_host(config::settings const& s)
{
    std::string_view url = s.web.public_url;
    auto const slashes = url.find("//");
    if (slashes == std::string_view::npos) return to_lower(s.hostname);
    url.remove_prefix(slashes + 2);
    url = url.substr(0, url.find_first_of("/?#"));
    if (!url.starts_with('[')) url = url.substr(0, url.find(':'));
    return to_lower(url);
}

std::vector<group> groups_of(config::settings const& s, std::vector<std::string> const& local_domains)
{
    std::vector<group> all;
    if (s.acme.directory.empty()) return all;
    auto const host = to_lower(s.hostname);
    auto const page = public_host(s);
    // Files that the operator gave come first.
    bool const mail = s.tls.certificate.empty();
    bool const web = !s.web.address.empty();
    bool const pages = web && s.web.certificate.empty();
    auto const& listed = s.acme.names;
    auto const wanted = [&](std::string const& name) {
        return listed.empty() ||
               std::ranges::any_of(listed, [&](auto const& one) { return equal_ignoring_case(one, name); });
    };
    if (mail && wanted(host)) add(group_of(all, "mail", true, true), host);
    if (pages && wanted(page)) add(group_of(all, "web", false, true), page);
    for (auto const& one : listed) {
        auto const name = to_lower(one);
        if (is_web_name(name)) {
            if (web) add(group_of(all, "web-" + name.substr(name.find('.') + 1), false, false), name);
        } else if (mail && name != host && name != page) {
            add(group_of(all, "mail-" + name, true, false), name);
        }
    }
    if (listed.empty() && web) {
        for (auto const& domain : local_domains) {
            auto const name = to_lower(domain);
            for (auto const prefix : below)
                if (is_plain(name)) add(group_of(all, "web-" + name, false, false), std::string{prefix} + name);
        }
    }
    std::erase_if(all, [](group const& g) { return g.names.empty(); });
    if (all.size() > most_groups) all.resize(most_groups);
    return all;
}

}  // namespace postern::acme
