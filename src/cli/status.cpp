// postern status: what the running server does
#include <memory>

#include <boost/json/array.hpp>

#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/certificate.hpp"
#include "cli/output.hpp"

namespace postern::cli {
namespace {

std::string state_of(boost::json::value const& v)
{
    return (flag_of(v, "up") ? "up: " : "down: ") + text_of(v, "detail");
}

int run(application const& app, bool as_json)
{
    auto done = perform(app, "status", {});
    if (!done) return done.error();
    if (as_json) {
        print_json(*done);
        return all_is_well;
    }
    print_line(text_of(*done, "hostname") + " runs since " + readable_time(text_of(*done, "started")) + ", process " +
               text_of(*done, "pid"));
    print_line("sessions   " + text_of(*done, "sessions"));
    print_line("queued     " + text_of(*done, "queued"));
    auto const* listeners = done->as_object().if_contains("listeners");
    if (listeners && listeners->is_array())
        for (auto const& l : listeners->as_array())
            print_line("listener   " + text_of(l, "address") + "  " + text_of(l, "role") + ", tls " +
                       text_of(l, "tls"));
    auto const* backends = done->as_object().if_contains("backends");
    if (backends && backends->is_array())
        for (auto const& b : backends->as_array())
            print_line("back end   " + text_of(b, "name") + "  " + text_of(b, "type") + ", " + state_of(b));
    auto const* issuers = done->as_object().if_contains("issuers");
    if (issuers && issuers->is_array())
        for (auto const& i : issuers->as_array()) print_line("issuer     " + text_of(i, "issuer") + "  " + state_of(i));
    auto const* kerberos = done->as_object().if_contains("kerberos");
    if (kerberos && kerberos->is_object())
        print_line("kerberos   " + text_of(*kerberos, "keytab") + "  " + state_of(*kerberos));
    auto const* certificates = done->as_object().if_contains("certificates");
    if (certificates && certificates->is_array())
        for (auto const& c : certificates->as_array()) print_line("certificate " + certificate_line(c));
    return all_is_well;
}

}  // namespace

void add_status(command commands, application& app)
{
    auto as_json = std::make_shared<bool>(false);
    auto const c = commands.add_subcommand("status", "What the running server does");
    c.add_flag("--json", *as_json, "For programs");
    c.does([&app, as_json] { return run(app, *as_json); });
}

}  // namespace postern::cli
