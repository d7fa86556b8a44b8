#include "discovery/discovery.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/base64.hpp"
#include "base/crypto.hpp"
#include "catalogue/rules.hpp"
#include "discovery/lookalike.hpp"
#include "discovery/web.hpp"
#include "support/fake_resolver.hpp"

namespace postern::discovery {
namespace {

namespace rules = catalogue::rules;
using providers::security;

constexpr auto query = "?emailaddress=anna@example.com";

struct recorded_web final : web {
    std::map<std::string, page> pages;
    std::map<std::string, std::string> redirects;
    std::vector<std::string> asked;
    bool silent = false;

    boost::asio::awaitable<page> ask(std::string url, std::string) override
    {
        asked.push_back(url);
        if (silent) {
            boost::asio::steady_timer never{co_await boost::asio::this_coro::executor, std::chrono::hours{1}};
            co_await never.async_wait(boost::asio::use_awaitable);
        }
        if (auto const leads = redirects.find(url); leads != redirects.end()) url = leads->second;
        auto const found = pages.find(url);
        page p;
        p.url = url;
        p.problem = "no such host";
        if (found != pages.end()) p = found->second;
        p.url = url;
        co_return p;
    }
    void add(std::string const& url, std::string body, std::string type = "text/xml")
    {
        page p;
        p.status = 200;
        p.body = std::move(body);
        p.type = std::move(type);
        pages[url] = p;
    }
};

struct world {
    std::shared_ptr<testing::names> names = std::make_shared<testing::names>();
    std::shared_ptr<recorded_web> pages = std::make_shared<recorded_web>();
    options o;

    world() { names->exchanger("example.com", 10, "mx.example.com"); }

    void srv(std::string const& name, std::uint16_t port, std::string const& host, bool secure = false)
    {
        auto& a = names->srv[name];
        a.what = dns::finding::found;
        a.secure = secure;
        a.records.push_back({0, 1, port, host});
    }

    findings find(std::string address = "anna@example.com")
    {
        boost::asio::io_context context;
        testing::fake_resolver resolver{names};
        std::optional<findings> found;
        boost::asio::co_spawn(context, find_settings(std::move(address), resolver, pages, o),
                              [&](std::exception_ptr failed, findings f) {
                                  REQUIRE_FALSE(failed);
                                  found = std::move(f);
                                  context.stop();
                              });
        context.run();
        REQUIRE(found.has_value());
        return *found;
    }
};

std::string autoconfig(std::string_view host, int port, std::string_view socket)
{
    return "<clientConfig><emailProvider id=\"x\"><displayName>Example</displayName><outgoingServer type=\"smtp\">"
           "<hostname>" +
           std::string{host} + "</hostname><port>" + std::to_string(port) + "</port><socketType>" +
           std::string{socket} +
           "</socketType><username>%EMAILLOCALPART%</username></outgoingServer></emailProvider></clientConfig>";
}

bool has(findings const& f, catalogue::rule const& why)
{
    return std::any_of(f.problems.begin(), f.problems.end(), [&](auto const& p) { return p.why == &why; });
}

std::string fact(findings const& f, catalogue::rule const& why, std::string_view key)
{
    for (auto const& p : f.problems) {
        if (p.why != &why) continue;
        for (auto const& e : p.facts)
            if (e.key == key) return e.value;
    }
    return {};
}

std::string first(findings const& f)
{
    if (f.settings.empty()) return "nothing";
    auto const& s = f.settings.front();
    return s.host + ':' + std::to_string(s.port) + ' ' + std::string{to_words(s.how)};
}

TEST_CASE("addresses that are none say what is wrong")
{
    struct row {
        std::string_view address, problem;
    };
    constexpr row rows[] = {
        {"", "nothing was given"},
        {"anna", "it has no @"},
        {"anna@@example.com", "more than one @"},
        {"@example.com", "before the @"},
        {"anna@", "behind the @"},
        {"an na@example.com", "blank"},
        {"\"anna@example.com", "quotes"},
        {"anna@exa_mple..com", "no domain"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.address);
        auto const f = examine_address(r.address);
        CHECK(f.domain.empty());
        REQUIRE(has(f, rules::address_malformed));
        CHECK(fact(f, rules::address_malformed, "problem").find(r.problem) != std::string::npos);
    }
}

TEST_CASE("slips are corrected, and told")
{
    constexpr std::string_view slips[] = {"anna@example.com.", " anna@example.com ", "anna@example,com",
                                          "anna@example.con",  "anna＠example．com", "anna@example.com;"};
    for (auto const address : slips) {
        CAPTURE(address);
        auto const f = examine_address(address);
        CHECK(f.address == "anna@example.com");
        CHECK(f.domain == "example.com");
        CHECK(fact(f, rules::address_slip, "suggestion") == "anna@example.com");
    }
    CHECK(examine_address("anna@example.com").problems.empty());
    CHECK(examine_address("Anna@b\xc3\xbc"
                          "cher.example")
              .domain == "xn--bcher-kva.example");
}

TEST_CASE("a domain one letter away from a known one is noticed")
{
    CHECK(find_lookalike("gmial.com") == "gmail.com");
    CHECK(find_lookalike("gmaill.com") == "gmail.com");
    CHECK(find_lookalike("hotmal.com") == "hotmail.com");
    CHECK(find_lookalike("outlok.com") == "outlook.com");
    CHECK(find_lookalike("gmail.com").empty());
    CHECK(find_lookalike("example.com").empty());
}

TEST_CASE("a known provider's settings are at hand")
{
    world w;
    w.names->exchanger("gmail.com", 5, "gmail-smtp-in.l.google.com");
    auto const f = w.find("anna@gmail.com");
    CHECK(first(f) == "smtp.gmail.com:465 SSL/TLS");
    CHECK(f.settings.front().from == source::provider_list);
    CHECK(f.settings.front().user_name == "anna@gmail.com");
    REQUIRE(f.provider != nullptr);
    CHECK(f.provider->id == "gmail");
    CHECK(f.problems.empty());
}

TEST_CASE("a provider without SMTP is named")
{
    world w;
    w.names->exchanger("tuta.com", 5, "mail.tutanota.de");
    auto const f = w.find("anna@tuta.com");
    CHECK(f.settings.empty());
    CHECK(has(f, rules::provider_without_smtp));
    CHECK_FALSE(has(f, rules::settings_not_found));
}

TEST_CASE("autoconfig at the domain, with the user name as it wants it")
{
    world w;
    w.pages->add(std::string{"https://autoconfig.example.com/mail/config-v1.1.xml"} + query,
                 autoconfig("smtp.example.com", 465, "SSL"));
    auto const f = w.find();
    CHECK(first(f) == "smtp.example.com:465 SSL/TLS");
    CHECK(f.settings.front().from == source::autoconfig);
    CHECK(f.settings.front().trust == trust::proven);
    CHECK(f.settings.front().user == providers::user_form::local_part);
    CHECK(f.settings.front().user_name == "anna");
    CHECK(f.display_name == "Example");
    CHECK(f.problems.empty());
    // Nobody else learns the domain unless asked to tell.
    for (auto const& url : w.pages->asked) CHECK(url.find("example.com/") != std::string::npos);
}

TEST_CASE("autoconfig over http only could be forged")
{
    world w;
    auto const url = std::string{"http://autoconfig.example.com/mail/config-v1.1.xml"} + query;
    w.pages->add(url, autoconfig("smtp.evil.test", 465, "SSL"));
    auto const f = w.find();
    CHECK(first(f) == "smtp.evil.test:465 SSL/TLS");
    CHECK(f.settings.front().trust == trust::forgeable);
    CHECK(has(f, rules::settings_forgeable));

    // The copy over https is the one that counts.
    w.pages->add(std::string{"https://autoconfig.example.com/mail/config-v1.1.xml"} + query,
                 autoconfig("smtp.example.com", 465, "SSL"));
    auto const better = w.find();
    CHECK(first(better) == "smtp.example.com:465 SSL/TLS");
    CHECK(better.settings.size() == 1);
    CHECK_FALSE(has(better, rules::settings_forgeable));

    w.o.http = false;
    w.pages->asked.clear();
    w.find();
    for (auto const& asked : w.pages->asked) CHECK(asked.starts_with("https://"));
}

TEST_CASE("a broken file is told, and used as far as it can be")
{
    auto const url = std::string{"https://autoconfig.example.com/mail/config-v1.1.xml"} + query;
    world w;
    w.pages->add(url, autoconfig("smtp.example.com", 465, "SSL"), "text/plain; charset=utf-8");
    auto f = w.find();
    CHECK(first(f) == "smtp.example.com:465 SSL/TLS");
    CHECK(fact(f, rules::settings_file_broken, "problem").find("text/plain") != std::string::npos);

    w.pages->add(url, "<!DOCTYPE html><html></html>", "text/html");
    f = w.find();
    CHECK(fact(f, rules::settings_file_broken, "problem") == "it is a web page");

    w.pages->add(url, "<clientConfig>");
    CHECK(has(w.find(), rules::settings_file_broken));

    // A web site that has a page for everything is no fault.
    world other;
    other.pages->add(std::string{"https://example.com/.well-known/autoconfig/mail/config-v1.1.xml"} + query,
                     "<html></html>", "text/html");
    CHECK_FALSE(has(other.find(), rules::settings_file_broken));
}

TEST_CASE("SRV records: implicit TLS and STARTTLS, switched off, of another domain")
{
    world w;
    w.srv("_submissions._tcp.example.com", 465, "smtp.example.com");
    w.srv("_submission._tcp.example.com", 587, "smtp.example.com");
    auto f = w.find();
    REQUIRE(f.settings.size() == 2);
    CHECK(first(f) == "smtp.example.com:465 SSL/TLS");
    CHECK(f.settings[1].how == security::starttls);
    CHECK(f.settings[0].trust == trust::proven);
    CHECK(f.problems.empty());

    world off;
    off.srv("_submissions._tcp.example.com", 0, "");
    off.srv("_submission._tcp.example.com", 587, "smtp.example.com");
    f = off.find();
    CHECK(f.settings.size() == 1);
    CHECK(has(f, rules::service_switched_off));

    world foreign;
    foreign.srv("_submissions._tcp.example.com", 465, "smtp.hoster.test");
    f = foreign.find();
    CHECK(f.settings.front().trust == trust::forgeable);
    CHECK(fact(f, rules::settings_forgeable, "server") == "smtp.hoster.test");

    world signed_one;
    signed_one.srv("_submissions._tcp.example.com", 465, "smtp.hoster.test", true);
    CHECK(signed_one.find().settings.front().trust == trust::proven);
}

TEST_CASE("sources that disagree are told, with both")
{
    world w;
    w.pages->add(std::string{"https://autoconfig.example.com/mail/config-v1.1.xml"} + query,
                 autoconfig("smtp.example.com", 587, "STARTTLS"));
    w.srv("_submissions._tcp.example.com", 465, "mail.example.com");
    auto const f = w.find();
    CHECK(f.settings.size() == 2);
    auto const said = fact(f, rules::settings_disagree, "said");
    CHECK(said.find("smtp.example.com:587 STARTTLS") != std::string::npos);
    CHECK(said.find("mail.example.com:465 SSL/TLS") != std::string::npos);

    // One that both have is enough.
    w.srv("_submission._tcp.example.com", 587, "smtp.example.com");
    CHECK_FALSE(has(w.find(), rules::settings_disagree));
}

TEST_CASE("PACC counts when its digest is in the DNS")
{
    std::string const body = R"({"protocols":{"smtp":{"host":"smtp.example.com"}},"authentication":{"password":true}})";
    world w;
    w.pages->add("https://ua-auto-config.example.com/.well-known/user-agent-configuration.json", body,
                 "application/json");
    CHECK(w.find().settings.empty());
    auto& txt = w.names->txt["_ua-auto-config.example.com"];
    txt.what = dns::finding::found;
    txt.records = {"v=UAAC1; a=sha256; d=" + base64_encode(digest(hash::sha256, "another"))};
    auto f = w.find();
    CHECK(f.settings.empty());
    CHECK(has(f, rules::settings_digest_mismatch));
    txt.records.push_back("v=UAAC1; a=sha256; d=" + base64_encode(digest(hash::sha256, body)));
    f = w.find();
    CHECK(first(f) == "smtp.example.com:465 SSL/TLS");
    CHECK(f.settings.front().from == source::pacc);
}

TEST_CASE("the list of Thunderbird is asked where that was said, and then it counts")
{
    world w;
    std::string const list = "https://ispdb.example/v1.1/";
    w.pages->add(list + "example.com", autoconfig("smtp.example.com", 587, "STARTTLS"));
    CHECK(w.find().settings.empty());
    w.o.ispdb = list;
    auto const f = w.find();
    CHECK(first(f) == "smtp.example.com:587 STARTTLS");
    CHECK(f.settings.front().from == source::ispdb);
    CHECK(f.settings.front().trust == trust::proven);
    // It learns the domain, and not whose mail it is.
    for (auto const& url : w.pages->asked)
        if (url.starts_with(list)) CHECK(url == list + "example.com");
}

TEST_CASE("Autodiscover over http is a pointer, and what it leads to is trusted where it is the domain's own")
{
    auto const answer =
        "<Autodiscover><Response><Account><AccountType>email</AccountType><Protocol><Type>SMTP</Type>"
        "<Server>smtp.hoster.test</Server><Port>587</Port><SSL>on</SSL></Protocol></Account></Response></Autodiscover>";
    auto const pointer = "http://autodiscover.example.com/autodiscover/autodiscover.xml";
    for (bool const own : {true, false}) {
        world w;
        std::string const to = own ? "https://mail.example.com/autodiscover/autodiscover.xml"
                                   : "https://autodiscover.hoster.test/autodiscover/autodiscover.xml";
        w.pages->redirects[pointer] = to;
        w.pages->add(to, answer);
        auto const f = w.find();
        REQUIRE(f.settings.size() == 1);
        CHECK(f.settings.front().from == source::autodiscover);
        CHECK(f.settings.front().trust == (own ? trust::proven : trust::forgeable));
        CHECK(has(f, rules::settings_forgeable) != own);
        w.o.http = false;
        CHECK(w.find().settings.empty());
    }
    // A page over http is no pointer.
    world w;
    w.pages->add(pointer, answer);
    CHECK(w.find().settings.empty());
}

TEST_CASE("autoconfig of an exchanger's organization, and never of a public suffix")
{
    for (auto const& [exchanger, asked, never] :
         {std::tuple{"mx00.hoster.net", "autoconfig.hoster.net", "autoconfig.net"},
          std::tuple{"mx.shop.co.uk", "autoconfig.shop.co.uk", "autoconfig.co.uk"},
          std::tuple{"mx.somebody.github.io", "autoconfig.somebody.github.io", "autoconfig.github.io"}}) {
        CAPTURE(exchanger);
        world w;
        w.names->mx.clear();
        w.names->exchanger("example.com", 10, exchanger);
        w.find();
        auto const is_asked = [&](std::string const& host) {
            return std::any_of(w.pages->asked.begin(), w.pages->asked.end(),
                               [&](auto const& url) { return url.starts_with("https://" + host + "/"); });
        };
        CHECK(is_asked(asked));
        CHECK_FALSE(is_asked(never));
    }
}

TEST_CASE("Autodiscover is asked without a password, and a redirection followed once")
{
    auto const answer = [](std::string_view account) {
        return "<Autodiscover><Response><Account>" + std::string{account} + "</Account></Response></Autodiscover>";
    };
    auto const smtp = answer(
        "<Protocol><Type>SMTP</Type><Server>smtp.example.com</Server><Port>587</Port>"
        "<Encryption>TLS</Encryption></Protocol>");
    world w;
    w.pages->add("https://autodiscover.example.com/autodiscover/autodiscover.xml",
                 answer("<RedirectAddr>anna@hoster.test</RedirectAddr>"));
    w.pages->add("https://autodiscover.hoster.test/autodiscover/autodiscover.xml", smtp);
    auto f = w.find();
    CHECK(first(f) == "smtp.example.com:587 STARTTLS");
    CHECK(f.settings.front().from == source::autodiscover);

    world locked;
    page p;
    p.status = 401;
    locked.pages->pages["https://autodiscover.example.com/autodiscover/autodiscover.xml"] = p;
    f = locked.find();
    CHECK(has(f, rules::settings_behind_login));
    // It says nothing where other places had an answer.
    locked.srv("_submissions._tcp.example.com", 465, "smtp.example.com");
    CHECK_FALSE(has(locked.find(), rules::settings_behind_login));
}

TEST_CASE("mail exchangers lead to a provider, or to autoconfig at their domain")
{
    world w;
    w.names->exchanger("example.org", 0, "example-org.mail.protection.outlook.com");
    auto f = w.find("anna@example.org");
    CHECK(first(f) == "smtp.office365.com:587 STARTTLS");
    CHECK(f.settings.front().from == source::mx_provider);
    CHECK(f.settings.front().user_name == "anna@example.org");
    CHECK(has(f, rules::settings_by_mx));

    world hosted;
    hosted.names->exchanger("example.net", 10, "mx1.hoster.test");
    hosted.pages->add("https://autoconfig.hoster.test/mail/config-v1.1.xml?emailaddress=anna@example.net",
                      autoconfig("smtp.hoster.test", 465, "SSL"));
    f = hosted.find("anna@example.net");
    CHECK(first(f) == "smtp.hoster.test:465 SSL/TLS");
    CHECK(f.settings.front().from == source::mx_autoconfig);
    CHECK(f.settings.front().trust == trust::forgeable);
}

TEST_CASE("usual names are a guess, said to be one, and only where nothing else is known")
{
    world w;
    w.names->address("smtp.example.com", "192.0.2.1");
    w.names->address("example.com", "192.0.2.2");
    auto f = w.find();
    REQUIRE(f.settings.size() == 2);
    CHECK(first(f) == "smtp.example.com:465 SSL/TLS");
    CHECK(f.settings.front().trust == trust::guessed);
    w.srv("_submissions._tcp.example.com", 465, "out.example.com");
    f = w.find();
    REQUIRE(f.settings.size() == 1);
    CHECK(f.settings.front().from == source::srv);
}

TEST_CASE("domains that do not exist, take no mail, or publish nothing")
{
    world w;
    auto f = w.find("anna@gmial.com");
    CHECK(has(f, rules::route_no_such_domain));
    CHECK(fact(f, rules::route_no_such_domain, "suggestion") == "anna@gmail.com");
    CHECK_FALSE(has(f, rules::settings_not_found));

    w.names->exchanger("null.test", 0, "");
    CHECK(has(w.find("anna@null.test"), rules::domain_takes_no_mail));

    w.names->fail("broken.test", dns::finding::temporary);
    CHECK(has(w.find("anna@broken.test"), rules::server_lookup_failed));

    f = w.find();
    CHECK(f.settings.empty());
    CHECK(has(f, rules::settings_not_found));
}

TEST_CASE("who does not answer is waited for no longer than the limit, and named")
{
    world w;
    w.pages->silent = true;
    w.o.limit = std::chrono::milliseconds{50};
    w.srv("_submissions._tcp.example.com", 465, "smtp.example.com");
    auto const f = w.find();
    CHECK(first(f) == "smtp.example.com:465 SSL/TLS");
    auto const late = std::count_if(f.inquiries.begin(), f.inquiries.end(),
                                    [](auto const& i) { return i.detail == "no answer in time"; });
    CHECK(late >= 4);
    for (auto const& i : f.inquiries) CHECK_FALSE(i.where.empty());
}

}  // namespace
}  // namespace postern::discovery
