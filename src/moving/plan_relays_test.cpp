#include <doctest/doctest.h>

#include <algorithm>

#include "config/settings.hpp"
#include "moving/fake_files.hpp"
#include "moving/plan.hpp"

namespace postern::moving {
namespace {

struct planned {
    draft made;
    config::settings settings;
    std::string text;
};

planned plan_of(std::string const& main, std::string const& passwords = {}, std::string const& transports = {},
                std::string const& senders = {})
{
    fake_files disk;
    disk.all["/etc/postfix/main.cf"] = main;
    disk.all["/etc/postfix/master.cf"] = "smtp inet n - y - - smtpd\n";
    disk.all["/etc/postfix/sasl_passwd"] = passwords;
    disk.all["/etc/postfix/transport"] = transports;
    disk.all["/etc/postfix/senders"] = senders;
    sources from;
    auto read = read_postfix(disk, "/etc/postfix", "mail.example.com");
    REQUIRE(read);
    from.postfix = std::move(*read);
    planned p;
    p.made = plan(from, disk, {});
    p.text = to_toml(p.made, "a test");
    std::vector<config::problem> problems;
    auto const s = config::parse(p.text, "postern.toml", problems);
    REQUIRE_MESSAGE(s.has_value(), p.text);
    p.settings = *s;
    return p;
}

bool says(planned const& p, std::string_view name, std::string_view words)
{
    return std::any_of(p.made.findings.begin(), p.made.findings.end(), [&](auto const& f) {
        return f.name == name && (f.why.find(words) != std::string::npos || f.value.find(words) != std::string::npos);
    });
}

constexpr char const* login =
    "relayhost = [smtp.example.net]:587\nsmtp_sasl_auth_enable = yes\n"
    "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n";

}  // namespace

TEST_CASE("a relayhost with a login becomes a smart host, and the password is not copied")
{
    auto const p = plan_of(login, "[smtp.example.net]:587 office@example.com:open:sesame\n");
    REQUIRE(p.settings.smart_hosts.size() == 1);
    auto const& host = p.settings.smart_hosts[0];
    CHECK(host.address == "smtp.example.net:587");
    CHECK(host.tls == config::tls_mode::starttls);
    CHECK(host.user == "office@example.com");
    CHECK(host.password_file == "/etc/postern/relay.password");
    CHECK(p.settings.delivery.smart_host == "smtp.example.net:587");
    CHECK(p.text.find("sesame") == std::string::npos);
    CHECK(to_report(p.made).find("sesame") == std::string::npos);
    auto const script = to_script(p.made);
    CHECK(script.find("sesame") == std::string::npos);
    CHECK(script.find("(umask 077; postmap -q '[smtp.example.net]:587' hash:/etc/postfix/sasl_passwd | cut -d: -f2- "
                      ">/etc/postern/relay.password) && chown postern /etc/postern/relay.password") !=
          std::string::npos);
}

TEST_CASE("the login is found by the host's name, too; TLS from the start is taken over")
{
    auto const p = plan_of(std::string{login} + "smtp_tls_wrappermode = yes\n", "smtp.example.net me:x\n");
    REQUIRE(p.settings.smart_hosts.size() == 1);
    CHECK(p.settings.smart_hosts[0].tls == config::tls_mode::implicit);
    CHECK(p.settings.smart_hosts[0].user == "me");
    CHECK(plan_of(login, "[other.example]:587 me:x\n").settings.smart_hosts.empty());
}

TEST_CASE("log-ins by sender")
{
    auto const p = plan_of(std::string{login} + "smtp_sender_dependent_authentication = yes\n",
                           "[smtp.example.net]:587 office:x\nann@example.com ann:y\n@shop.example shop:z\n");
    REQUIRE(p.settings.smart_hosts.size() == 1);
    auto const& logins = p.settings.smart_hosts[0].logins;
    REQUIRE(logins.size() == 2);
    CHECK(logins[0].senders == std::vector<std::string>{"ann@example.com"});
    CHECK(logins[0].user == "ann");
    CHECK(logins[1].senders == std::vector<std::string>{"@shop.example"});
    CHECK(p.made.commands.size() == 3);
}

TEST_CASE("transports become routes, in the order in which Postfix looks them up")
{
    auto const p = plan_of(std::string{login} + "transport_maps = hash:/etc/postfix/transport\n",
                           "[smtp.example.net]:587 office:x\n[special.example.net] special:y\n",
                           "*                 relay:[all.example.net]\n"
                           ".b.example        smtp:[special.example.net]\n"
                           ".deep.b.example   lmtp:unix:/run/other/lmtp\n"
                           "c.example         lmtp:inet:10.0.0.8\n"
                           "d.example         error:550 No mail to this one\n"
                           "e.example         smtp:\n"
                           "f.example         :\n"
                           "g.example         mailman:\n"
                           "h.example         smtp:relay.example.net:2525\n"
                           "ann@d.example     smtp:[10.0.0.9]:26\n");
    struct choice {
        char const* recipient;
        char const* to;
    };
    choice const wanted[] = {{"ann@d.example", "smtp:10.0.0.9:26"},
                             {"c.example", "lmtp:10.0.0.8:24"},
                             {"d.example", "refuse"},
                             {"e.example", "mx"},
                             {"f.example", "smart_host:relay2"},
                             {"h.example", "smtp:relay.example.net:2525"},
                             {".deep.b.example", "lmtp:unix:/run/other/lmtp"},
                             {".b.example", "smart_host:relay"},
                             {"", "smtp:all.example.net:25"}};
    auto const& routes = p.settings.routes;
    REQUIRE_MESSAGE(routes.size() == std::size(wanted), p.text);
    for (std::size_t i = 0; i < routes.size(); ++i) {
        CAPTURE(i);
        std::string const recipient = routes[i].recipients.empty() ? "" : routes[i].recipients[0];
        CHECK(recipient == wanted[i].recipient);
        std::string const to = routes[i].to;
        // Which of the two log-ins got which name is of no matter.
        bool const named = to.starts_with("smart_host:") && std::string_view{wanted[i].to}.starts_with("smart_host:");
        CHECK((named || to == wanted[i].to));
    }
    CHECK(routes[2].text == "No mail to this one");
    CHECK(p.settings.smart_hosts.size() == 2);
    CHECK(says(p, "transport_maps", "g.example mailman:"));
    CHECK(says(p, "transport_maps", "asks for the MX of relay.example.net"));
}

TEST_CASE("relays by sender become routes by sender")
{
    auto const p = plan_of(std::string{login} + "sender_dependent_relayhost_maps = hash:/etc/postfix/senders\n",
                           "[smtp.example.net]:587 office:x\n", {},
                           "@b.example [smtp.b.example]:587\nann@b.example [smtp.example.net]:587\n");
    REQUIRE(p.settings.routes.size() == 2);
    CHECK(p.settings.routes[0].senders == std::vector<std::string>{"ann@b.example"});
    CHECK(p.settings.routes[0].to == "smart_host:relay");
    CHECK(p.settings.routes[1].to == "smtp:smtp.b.example:587");
}

}  // namespace postern::moving
