#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "base/text.hpp"
#include "cli/output.hpp"
#include "cli/send.hpp"
#include "discovery/discovery.hpp"
#include "dns/resolver.hpp"

namespace postern::cli {
namespace {

namespace asio = boost::asio;

client::tls_mode mode_of(providers::security s)
{
    switch (s) {
        case providers::security::implicit_tls: return client::tls_mode::implicit;
        case providers::security::none:
        case providers::security::starttls_optional:
        case providers::security::starttls: break;
    }
    // What was found may be forged: it does not take the encryption away.
    return client::tls_mode::starttls;
}

boost::asio::awaitable<void> find(std::string address, dns::resolver& names, discovery::findings& found)
{
    discovery::options o;
    found = co_await discovery::find_settings(std::move(address), names, std::move(o));
}

}  // namespace

result<std::vector<client::route>> find_routes(std::string const& address, bool quiet)
{
    asio::io_context io{1};
    dns::options o;
    o.limit = std::chrono::seconds{5};
    auto names = dns::make_resolver(io.get_executor(), o);
    if (!names) return std::move(names).error();
    discovery::findings found;
    asio::co_spawn(io, find(address, **names, found), [&io](std::exception_ptr failed) {
        io.stop();
        if (failed) std::rethrow_exception(failed);
    });
    io.run();
    std::vector<client::route> routes;
    std::string others;
    for (auto const& s : found.settings) {
        client::route const to{s.host, s.port, mode_of(s.how)};
        // What somebody on the way could have put there gets no password.
        if (s.trust != discovery::trust::proven) {
            others += (others.empty() ? "; it may be " : ", ") + to.to_string();
            continue;
        }
        if (!quiet)
            note("found " + to.to_string() + " (" + std::string{discovery::to_words(s.from)} + ", " +
                 printable(s.where, 200) + ")");
        routes.push_back(to);
    }
    if (!routes.empty()) return routes;
    std::string why = "no server for the mail of " + printable(address, 200) +
                      " was found that can be trusted: give --server HOST[:PORT]" + others;
    for (auto const& p : found.problems)
        if (p.why != nullptr) why += "; " + catalogue::make_verdict(*p.why, p.facts).text;
    return error{{5, 5, 4}, "", why};
}

}  // namespace postern::cli
