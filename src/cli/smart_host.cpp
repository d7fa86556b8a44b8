// postern smart-host ...: a person signs in at a provider, once
#include <algorithm>
#include <chrono>
#include <memory>

#include <boost/json/object.hpp>

#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/declaring.hpp"
#include "cli/landing.hpp"
#include "cli/output.hpp"
#include "cli/privileges.hpp"

#include "base/whole_file.hpp"
#include "delivery/sign_in.hpp"
#include "delivery/smart_host.hpp"

namespace postern::cli {
namespace {

using namespace std::chrono_literals;

// A person looks for the password, and for the telephone.
constexpr auto patience = 15min;

struct options {
    std::string name;
    std::string user;
    std::string device_url;
    std::string page_url;
    bool browser = false;
    bool json = false;
};

error wrong(std::string why) { return {{5, 3, 5}, "", std::move(why)}; }

// The login that is meant.
result<std::shared_ptr<delivery::identity const>> find_login(config::settings const& s, options const& o)
{
    auto const row =
        std::find_if(s.smart_hosts.begin(), s.smart_hosts.end(), [&](auto const& h) { return h.name == o.name; });
    if (row == s.smart_hosts.end()) return wrong("there is no [[smart_host]] with the name " + o.name);
    auto const host = delivery::make_smart_host(*row);
    if (!host) return host.error();
    std::shared_ptr<delivery::identity const> found;
    for (std::size_t place = 0; auto who = (*host)->identity_at(place); ++place) {
        bool const meant = o.user.empty() ? !who->settings.refresh_token_file.empty() : who->settings.user == o.user;
        if (!meant) continue;
        if (found) return wrong("there are several log-ins at " + o.name + ": say which one with --user");
        found = std::move(who);
    }
    if (!found && !o.user.empty()) return wrong(o.name + " has no log-in with the user " + o.user);
    if (!found || found->settings.refresh_token_file.empty())
        return wrong("the log-in at " + o.name + " has no refresh_token_file: that is where the token would go");
    return found;
}

result<secret> by_device(delivery::sign_in& desk, std::string const& url)
{
    auto const offer = desk.ask_for_device(url);
    if (!offer) return offer.error();
    print_aside("Open this page in a browser, on whatever device:\n\n    " + offer->where +
                "\n\nenter this code there, and sign in as the mailbox:\n\n    " + offer->shown + "\n\nWaiting ...\n");
    return desk.wait_for_device(*offer);
}

result<secret> by_page(delivery::sign_in& desk, delivery::identity const& who, std::string const& page)
{
    auto door = landing::open();
    if (!door) return door.error();
    // Microsoft takes any port of "localhost" without registration, but not of 127.0.0.1.
    delivery::page_visit const visit{"http://localhost:" + std::to_string(door->port()) + "/"};
    print_aside("Open this page in a browser, and sign in as the mailbox:\n\n" + visit.url(who, page) +
                "\n\nWhere the browser is on another machine, it ends at a page that can't be shown: paste its address "
                "here.\n\nWaiting ...\n");
    auto const code = door->wait(visit, steady_clock::now() + patience);
    if (!code) return code.error();
    return desk.redeem(visit, *code);
}

result<secret> get_token(options const& o, std::shared_ptr<delivery::identity const> const& who)
{
    auto places = delivery::find_sign_in(who->settings.token_url);
    if (!o.device_url.empty()) places = {o.device_url, {}};
    if (!o.page_url.empty()) places = {{}, o.page_url};
    delivery::sign_in desk{who};
    if (!places.device.empty() && !o.browser) return by_device(desk, places.device);
    if (!places.page.empty()) return by_page(desk, *who, places.page);
    return wrong("where to sign in is not known for " + who->settings.token_url +
                 ": name it with --device-url or --page-url");
}

int sign_in(application const& app, options const& o)
{
    auto const s = load_settings(app);
    if (!s) return call_was_wrong;
    auto const who = find_login(*s, o);
    if (!who) {
        complain(who.error().logged);
        return call_was_wrong;
    }
    auto const token = get_token(o, *who);
    if (!token) {
        complain(token.error().logged);
        return problem_found;
    }
    auto const& file = (*who)->settings.refresh_token_file;
    if (auto kept = keep_for_service(*s, file, *token); !kept) {
        complain(kept.error().logged);
        return problem_found;
    }
    if (o.json) {
        print_json({{"smart_host", (*who)->smart_host}, {"user", (*who)->settings.user}, {"file", file.string()}});
        return all_is_well;
    }
    print_line("The refresh token is in " + file.string() +
               ". The server takes it for the next log-in; `postern queue retry --all` tries at once.");
    return all_is_well;
}

}  // namespace

void add_smart_host(command commands, application& app)
{
    auto o = std::make_shared<options>();
    declaring const declare{commands.add_subcommand("smart-host", "Smart hosts: to sign in at a provider"), app, o};
    auto const c = declare("sign-in", "Gets the refresh token of a smart host: a person signs in", sign_in);
    c.add_option("NAME", o->name, "The name of the [[smart_host]]").required();
    c.add_option("--user", o->user, "The login, where it has several").type_name("USER");
    c.add_flag("--browser", o->browser, "By a page that leads back here, though the provider has codes to enter");
    auto const device =
        c.add_option("--device-url", o->device_url, "The provider's device authorization endpoint").type_name("URL");
    c.add_option("--page-url", o->page_url, "The provider's authorization endpoint").type_name("URL").excludes(device);
}

}  // namespace postern::cli
