#include "acme/file_watch.hpp"

#include <algorithm>

#include <sys/stat.h>

#include "base/log.hpp"

namespace postern::acme {
namespace {

directory::file_mark look_at(std::filesystem::path const& file)
{
    struct stat s {};
    return ::stat(file.c_str(), &s) == 0 ? directory::mark_of(s) : directory::file_mark{};
}

enum class dates : bool { any, good };

std::string problem_with(net::certificate_files const& files, dates wanted)
{
    net::server_tls_options o;
    o.certificates.push_back(files);
    if (auto const made = net::make_server_tls(o); !made) return made.error().logged;
    auto const facts = net::summarize(files.chain);
    if (!facts) return facts.error().logged;
    return wanted == dates::good && facts->days_left < 0 ? "the certificate " + files.chain.string() + " has expired"
                                                         : "";
}

}  // namespace

std::vector<operator_files> files_of_operator(config::settings const& s)
{
    std::vector<operator_files> all;
    if (!s.tls.certificate.empty()) all.push_back({{s.tls.certificate, s.tls.private_key}, true});
    for (auto const& c : s.tls.more) all.push_back({{c.chain, c.private_key}, true});
    if (!s.web.certificate.empty()) all.push_back({{s.web.certificate, s.web.private_key}, false});
    return all;
}

file_watch::news file_watch::look(config::settings const& s)
{
    std::vector<pair> now;
    news found;
    for (auto const& [files, for_mail] : files_of_operator(s)) {
        pair p{files, look_at(files.chain), look_at(files.private_key)};
        auto const before = std::ranges::find_if(pairs_, [&](pair const& one) {
            return one.files.chain == files.chain && one.files.private_key == files.private_key;
        });
        bool const first = before == pairs_.end();
        bool const other = first || before->chain != p.chain || before->key != p.key;
        bool const waited = !first && before->waits;
        p.told = !other && before->told;
        // What was in force from the start may have expired; it takes nobody's place.
        if (other || waited) p.problem = problem_with(files, first ? dates::any : dates::good);
        p.waits = !p.problem.empty();
        if (!first && (other || waited) && !p.waits) {
            found.any = true;
            found.mail = found.mail || for_mail;
            log::event(log::level::info, "certificate_file_changed", {{"file", files.chain.string()}});
        }
        // Told at the second look: whoever writes two files needs a moment.
        if (p.waits && !other && !p.told) {
            p.told = true;
            log::event(log::level::warning, "certificate_file_not_taken",
                       {{"file", files.chain.string()},
                        {"problem", p.problem},
                        {"remedy", "the old one stays in force until certificate and key fit"}});
        }
        now.push_back(std::move(p));
    }
    pairs_ = std::move(now);
    return found;
}

std::string file_watch::problem_of(std::filesystem::path const& chain) const
{
    auto const found = std::ranges::find_if(pairs_, [&](pair const& p) { return p.files.chain == chain; });
    return found == pairs_.end() ? std::string{} : found->problem;
}

}  // namespace postern::acme
