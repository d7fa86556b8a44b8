#include "acme/good_pairs.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/whole_file.hpp"

namespace postern::acme {
namespace {

constexpr std::size_t longest_file = 256u << 10;

/// Of a file that may hold the key, too.
std::string certificates_in(std::string_view pem)
{
    constexpr std::string_view first = "-----BEGIN CERTIFICATE-----", last = "-----END CERTIFICATE-----";
    std::string out;
    for (auto at = pem.find(first); at != std::string_view::npos; at = pem.find(first, at + 1)) {
        auto const end = pem.find(last, at);
        if (end == std::string_view::npos) break;
        out.append(pem.substr(at, end + last.size() - at)) += '\n';
    }
    return out;
}

result<good_pair> read_pair(net::certificate_files const& files)
{
    net::server_tls_options o;
    o.certificates.push_back(files);
    if (auto const made = net::make_server_tls(o); !made) return made.error();
    auto facts = net::summarize(files.chain);
    if (!facts) return std::move(facts).error();
    auto const chain = read_whole_file(files.chain, longest_file);
    if (!chain) return chain.error();
    auto key = read_whole_file(files.private_key, longest_file);
    if (!key) return std::move(key).error();
    if (!*chain || !*key) return error{{4, 3, 0}, "", files.chain.string() + " is gone"};
    return good_pair{files, {certificates_in((*chain)->reveal()), std::move(**key)}, std::move(*facts)};
}

}  // namespace

result<good_pair const*> good_pairs::take(net::certificate_files const& files)
{
    std::pair const place{files.chain, files.private_key};
    auto const before = pairs_.find(place);
    auto now = read_pair(files);
    if (before == pairs_.end()) {
        if (!now) return std::move(now).error();
        return &pairs_.emplace(place, std::move(*now)).first->second;
    }
    auto& good = before->second;
    if (now && (now->facts.days_left >= 0 || now->text.chain == good.text.chain)) {
        good = std::move(*now);
    } else {
        log::event(log::level::warning, "certificate_unusable",
                   {{"file", files.chain.string()},
                    {"problem", now ? "it has expired" : now.error().logged},
                    {"remedy", "the one before stays in force until certificate and key fit"}});
    }
    return &good;
}

void good_pairs::keep_only(std::vector<net::certificate_files> const& files)
{
    std::erase_if(pairs_, [&](auto const& one) {
        return std::ranges::none_of(files, [&](net::certificate_files const& f) {
            return f.chain == one.first.first && f.private_key == one.first.second;
        });
    });
}

}  // namespace postern::acme
