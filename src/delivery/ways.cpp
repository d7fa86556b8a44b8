#include "delivery/ways.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "base/whole_file.hpp"
#include "delivery/service.hpp"

namespace postern::delivery {

result<smart_hosts> make_smart_hosts(config::settings const& s)
{
    smart_hosts hosts;
    for (auto const& row : s.smart_hosts) {
        auto made = make_smart_host(row);
        if (!made) return made.error();
        hosts.push_back(std::move(*made));
    }
    return hosts;
}

result<std::vector<way>> make_ways(config::settings const& s, smart_hosts const& hosts)
{
    constexpr std::string_view to_smart_host = "smart_host:";
    std::vector<way> ways;
    for (auto const& route : s.routes) {
        way w;
        std::string_view const to = route.to;
        if (to == "refuse") {
            w.what = way::kind::refuse;
        } else if (to == "hold") {
            w.what = way::kind::hold;
        } else if (to.starts_with(to_smart_host)) {
            w.what = way::kind::smart_host;
            auto const named = [&](auto const& h) { return h->settings.name == to.substr(to_smart_host.size()); };
            auto const at = std::find_if(hosts.begin(), hosts.end(), named);
            if (at == hosts.end())
                return error{{5, 3, 5}, "", "[[route]] to = \"" + route.to + "\": no such smart host"};
            w.via = *at;
        } else if (to != "mx") {
            w.what = way::kind::place;
            auto place = parse_local(to);
            if (!place) return place.error();
            w.to = std::move(*place);
        }
        ways.push_back(std::move(w));
    }
    return ways;
}

result<std::vector<std::string>> check_smart_hosts(config::settings const& s)
{
    auto const hosts = make_smart_hosts(s);
    if (!hosts) return hosts.error();
    std::vector<std::string> missing;
    auto const look = [&](identity const& who) {
        auto const add = [&](error const& e) { missing.push_back("smart host " + who.to_string() + ": " + e.logged); };
        if (auto const read = read_credentials(who); !read) add(read.error());
        for (auto const* const file : {&who.settings.client_secret_file, &who.settings.refresh_token_file}) {
            if (file->empty()) continue;
            if (auto const read = read_secret_line(*file); !read) add(read.error());
        }
    };
    for (auto const& host : *hosts) {
        look(*host->usual);
        for (auto const& other : host->others) look(*other);
    }
    return missing;
}

std::shared_ptr<smart_host const> find_smart_host(smart_hosts const& hosts, target const& at)
{
    auto const same = [&](auto const& h) { return equal_ignoring_case(h->at.host, at.host) && h->at.port == at.port; };
    auto const found = std::find_if(hosts.begin(), hosts.end(), same);
    return found == hosts.end() ? nullptr : *found;
}

}  // namespace postern::delivery
