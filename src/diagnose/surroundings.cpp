// What stands around the server and us: names of its certificate, a hotel's sign-in page, the
// cloud that this machine runs in.
#include <fstream>

#include "base/text.hpp"
#include "diagnose/examination.hpp"
#include "domains/organization.hpp"

namespace postern::diagnose {
namespace {

constexpr std::size_t most_names = 4, longest_answer = 8 << 10;
constexpr std::chrono::seconds page_limit{4};

awaitable<void> look_up_name(examination_ptr x, std::string name, ip_address here)
{
    auto const answer = co_await x->with.resolver->addresses(to_lower(name));
    certificate_name_seen seen;
    seen.name = std::move(name);
    seen.exists = answer.what == dns::finding::found;
    for (auto const* all : {&answer.v4, &answer.v6})
        for (auto const& a : *all) seen.leads_here = seen.leads_here || a == here;
    x->seen.certificate_names.push_back(std::move(seen));
}

/// The value of a field of HTTP, or nothing.
std::string field_of(std::string const& answer, std::string_view name)
{
    for (std::size_t at = answer.find('\n'); at != std::string::npos; at = answer.find('\n', at + 1)) {
        auto const line = std::string_view{answer}.substr(at + 1);
        if (!starts_with_ignoring_case(line, name)) continue;
        auto value = line.substr(name.size());
        value = value.substr(0, value.find_first_of("\r\n"));
        auto const begin = value.find_first_not_of(" \t");
        return begin == std::string_view::npos ? std::string{} : std::string{value.substr(begin)};
    }
    return {};
}

std::string host_of(std::string_view url)
{
    auto const begin = url.find("://");
    if (begin == std::string_view::npos) return {};
    url.remove_prefix(begin + 3);
    return to_lower(url.substr(0, url.find_first_of(":/?#")));
}

}  // namespace

awaitable<void> look_up_certificate_names(examination_ptr x, talk_seen of)
{
    if (of.certificates.chain.empty() || of.certificates.name_fits) co_return;
    gathering all{x->with.executor};
    std::size_t asked = 0;
    for (auto const& name : of.certificates.chain.front().names) {
        if (name.find('*') != std::string::npos || ip_address::parse(name)) continue;
        if (++asked > most_names) break;
        all.add(look_up_name(x, name, of.at.address));
    }
    co_await all.wait();
}

awaitable<void> look_for_portal(examination_ptr x, endpoint at)
{
    x->seen.portal.looked = true;
    auto made = co_await net::connect(x->with.executor, at, x->left(page_limit));
    if (!made) co_return;
    auto const host = x->seen.person.host;
    // A page that is nowhere: who has one for it has one for all.
    std::string const request = "GET /postern-check HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
    auto const sent = co_await (*made)->write(request, x->left(page_limit));
    std::string answer;
    while (sent && answer.size() < longest_answer && answer.find("\r\n\r\n") == std::string::npos) {
        auto const got = co_await (*made)->read(x->left(page_limit));
        if (!got) break;
        answer.append(*got);
    }
    (*made)->close();
    auto const to = field_of(answer, "Location:");
    auto const other = host_of(to);
    if (!answer.starts_with("HTTP/1.") || other.empty() || other == to_lower(host)) co_return;
    // The web site of the same people: "smtp.example.com" leads to "www.example.com" at many.
    if (domains::organization_of(other) == domains::organization_of(to_lower(host))) co_return;
    x->seen.portal.redirected = true;
    x->seen.portal.evidence = "http://" + host + "/ leads to " + printable(to, 200);
}

std::string name_of_cloud()
{
    std::ifstream in{"/sys/class/dmi/id/sys_vendor"};
    std::string vendor;
    std::getline(in, vendor);
    for (std::string_view const known : {"Amazon EC2", "Google", "DigitalOcean", "Hetzner", "Vultr", "Linode",
                                         "OVHcloud", "Scaleway", "Alibaba Cloud", "OracleCloud"})
        if (vendor == known) return vendor;
    return {};
}

}  // namespace postern::diagnose
