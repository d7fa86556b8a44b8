// The documents, octet by octet: what mail programs read must not change by accident, and the digest of one of them is in
// the DNS.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "porter/autoconfig.hpp"
#include "porter/autodiscover.hpp"
#include "porter/fixture.hpp"
#include "porter/pacc.hpp"
#include "porter/profile.hpp"
#include "porter/qr.hpp"
#include "porter/rollover.hpp"
#include "porter/transfer.hpp"

using namespace postern;
using namespace postern::porter;

TEST_CASE("facts are those of the settings")
{
    auto const f = example_facts();
    CHECK(f.domains == std::vector<std::string>{"example.test", "other.test", "xn--bcher-kva.example"});
    CHECK(f.serves("other.test"));
    CHECK_FALSE(f.serves("sub.other.test"));
    CHECK(f.base == "hoster.test");
    CHECK(f.web_host == "mail.hoster.test");
    REQUIRE(f.now.smtp.size() == 2);
    // The best first, and of each kind the first listener that others than this machine reach.
    CHECK(f.now.smtp[0] == place{"mail.hoster.test", 465, wrapping::implicit_tls});
    CHECK(f.now.smtp[1] == place{"mail.hoster.test", 587, wrapping::starttls});
    CHECK(f.now.pop3.empty());

    auto s = example_settings();
    s.hostname = "hoster.test";
    s.web.public_url = "https://WEB.hoster.test:8443/mail/";
    s.setup.imap = "imap.hoster.test:143";
    auto const other = facts_of(s, {});
    CHECK(other.base == "hoster.test");
    CHECK(other.web_host == "web.hoster.test");
    CHECK(other.now.url == "https://WEB.hoster.test:8443/mail");
    CHECK(other.now.imap.front().how == wrapping::starttls);
}

TEST_CASE("a listener on loopback is told of only where there is no other")
{
    auto s = example_settings();
    auto const local = s.listeners[2];
    REQUIRE(local.address == "127.0.0.1:20465");
    s.listeners = {local};
    REQUIRE(services_of(s).smtp.size() == 1);
    CHECK(services_of(s).smtp[0].port == 20465);
    s.listeners.push_back({":587", config::role::submission, config::tls_mode::starttls, {}});
    REQUIRE(services_of(s).smtp.size() == 1);
    CHECK(services_of(s).smtp[0].port == 587);
}

TEST_CASE("the domain that our own name is in is nobody else's")
{
    auto const base_of = [](std::string name, std::vector<std::string> domains) {
        auto s = example_settings();
        s.hostname = std::move(name);
        return facts_of(s, std::move(domains)).base;
    };
    CHECK(base_of("mail", {}) == "mail");
    CHECK(base_of("example.com", {"example.com"}) == "example.com");
    CHECK(base_of("mail.example.co.uk", {"other.test"}) == "example.co.uk");
    CHECK(base_of("example.co.uk", {"example.co.uk"}) == "example.co.uk");
    CHECK(base_of("mail.example.com", {"example.com", "mail.example.com"}) == "example.com");
}

TEST_CASE("places")
{
    struct {
        char const* text;
        place p;
    } const rows[] = {
        {"imap.example.test:993", {"imap.example.test", 993, wrapping::implicit_tls}},
        {"IMAP.example.test:143", {"imap.example.test", 143, wrapping::starttls}},
        {"[2001:db8::1]:995", {"[2001:db8::1]", 995, wrapping::implicit_tls}},
        {"imap.example.test", {}},
        {":993", {}},
        {"imap.example.test:0", {}},
        {"imap.example.test:70000", {}},
        {"", {}},
    };
    for (auto const& row : rows) {
        CAPTURE(row.text);
        CHECK(parse_place(row.text) == row.p);
    }
}

TEST_CASE("autoconfig")
{
    auto const f = example_facts();
    CHECK(autoconfig(f.now, "example.test", f.base) == R"(<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="example.test">
    <domain>example.test</domain>
    <domain purpose="mx">hoster.test</domain>
    <displayName>Example &amp; Söhne</displayName>
    <displayShortName>Example &amp; Söhne</displayShortName>
    <incomingServer type="imap">
      <hostname>imap.hoster.test</hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>mail.hoster.test</hostname>
      <port>465</port>
      <socketType>SSL</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </outgoingServer>
    <outgoingServer type="smtp">
      <hostname>mail.hoster.test</hostname>
      <port>587</port>
      <socketType>STARTTLS</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </outgoingServer>
    <documentation url="https://mail.hoster.test/setup">
      <descr lang="en">How to set up a mail program</descr>
      <descr lang="de">So wird ein Mailprogramm eingerichtet</descr>
    </documentation>
  </emailProvider>
</clientConfig>
)");
    // Our own domain is not said twice.
    CHECK(autoconfig(f.now, "hoster.test", f.base).find("purpose") == std::string::npos);
}

TEST_CASE("names that are too long end with a whole character")
{
    services s;
    s.name = std::string(19, 'x') + "ö";
    CHECK(name_for(s, "example.test", 20) == std::string(19, 'x'));
    CHECK(name_for(s, "example.test", 21) == s.name);
    s.name = std::string(30, '\x80');  // no UTF-8 at all
    CHECK(name_for(s, "example.test", 20).size() == 20);
    CHECK(name_for({}, "example.test", 20) == "example.test");
}

TEST_CASE("Autodiscover, settings")
{
    CHECK(autodiscover(example_facts().now, "a&b@example.test") == R"(<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
    <User>
      <DisplayName>a&amp;b@example.test</DisplayName>
    </User>
    <Account>
      <AccountType>email</AccountType>
      <Action>settings</Action>
      <Protocol>
        <Type>IMAP</Type>
        <Server>imap.hoster.test</Server>
        <Port>993</Port>
        <DomainRequired>off</DomainRequired>
        <LoginName>a&amp;b@example.test</LoginName>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <Encryption>SSL</Encryption>
        <AuthRequired>on</AuthRequired>
      </Protocol>
      <Protocol>
        <Type>SMTP</Type>
        <Server>mail.hoster.test</Server>
        <Port>465</Port>
        <DomainRequired>off</DomainRequired>
        <LoginName>a&amp;b@example.test</LoginName>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <Encryption>SSL</Encryption>
        <AuthRequired>on</AuthRequired>
        <UsePOPAuth>on</UsePOPAuth>
        <SMTPLast>off</SMTPLast>
      </Protocol>
    </Account>
  </Response>
</Autodiscover>
)");
    auto s = example_facts().now;
    s.smtp.erase(s.smtp.begin());
    CHECK(autodiscover(s, "a@example.test").find("<Port>587</Port>") != std::string::npos);
    CHECK(autodiscover(s, "a@example.test").find("<Encryption>TLS</Encryption>") != std::string::npos);
}

TEST_CASE("Autodiscover, errors")
{
    CHECK(autodiscover(autodiscover_error::unknown_address, wall_time{std::chrono::seconds{86400 + 3661}}) ==
          R"(<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response>
    <Error Time="01:01:01.0000000" Id="0">
      <ErrorCode>500</ErrorCode>
      <Message>There are no settings here for this address.</Message>
      <DebugData />
    </Error>
  </Response>
</Autodiscover>
)");
    CHECK(autodiscover_pointer("https://autodiscover.example.test") ==
          R"({"Protocol":"AutodiscoverV1","Url":"https://autodiscover.example.test/autodiscover/autodiscover.xml"})");
}

TEST_CASE("PACC: the same octets always")
{
    auto const f = example_facts();
    auto const document = pacc(f.announced, "example.test");
    CHECK(document == R"({"protocols":{"imap":{"host":"imap.hoster.test"},"smtp":{"host":"mail.hoster.test"}},)"
                      R"("authentication":{"password":true},"info":{"provider":{"name":"Example & Söhne",)"
                      R"("shortName":"Example & Söhne"},"help":{"documentation":"https://mail.hoster.test/setup",)"
                      R"("contact":["mailto:postmaster@example.test"]}}})"
                      "\n");
    // What stands in zones: a change of this line is a change for every operator.
    CHECK(pacc_record(document) == "v=UAAC1; a=sha256; d=HQJ1bfGKEpLO5ApvCNMkRS7S2dEFenmEGgpW8dSIvjI=");
    CHECK(pacc_records(f, "example.test") == std::vector{pacc_record(document)});
}

TEST_CASE("PACC: while the settings change, both digests are to be published")
{
    auto f = example_facts();
    f.now.imap = {{"imap2.hoster.test", 993, wrapping::implicit_tls}};
    auto const both = pacc_records(f, "example.test");
    REQUIRE(both.size() == 2);
    CHECK(both[0] == pacc_record(pacc(f.announced, "example.test")));
    CHECK(both[1] == pacc_record(pacc(f.now, "example.test")));
    // Nothing that could be said: no implicit TLS at its port.
    f.now.smtp = {{"mail.hoster.test", 587, wrapping::starttls}};
    CHECK(pacc_records(f, "example.test").size() == 1);
    f.announced = f.now;
    CHECK(pacc_records(f, "example.test").empty());
}

TEST_CASE("PACC: a change waits for the DNS, or for the operator's word")
{
    using std::chrono::hours;
    auto const old = example_facts().now;
    auto changed = old;
    changed.imap = {{"imap2.hoster.test", 993, wrapping::implicit_tls}};
    wall_time const start{hours{1000}};

    rollover r;
    r.follow(old, start);
    CHECK(r.announced == old);  // there was nothing before
    r.follow(changed, start + hours{1});
    CHECK(r.announced == old);
    CHECK(r.waiting == changed);
    CHECK(parse_rollover(print(r)) == r);
    r.follow(changed, start + hours{48});
    CHECK(r.announced == old);
    // Changed once more: the time begins anew.
    auto again = changed;
    again.name = "Other";
    r.follow(again, start + hours{49});
    r.follow(again, start + hours{96});
    CHECK(r.announced == old);
    r.follow(again, start + hours{97});
    CHECK(r.announced == again);
    CHECK_FALSE(r.waiting.has_value());
    r.follow(old, start + hours{98});
    CHECK(r.waiting == old);
    r.follow(again, start + hours{99});  // taken back
    CHECK_FALSE(r.waiting.has_value());
    r.follow(old, start + hours{99}, true);
    CHECK(r.announced == old);
    CHECK(parse_rollover(print(r)) == r);
    for (auto const* const bad : {"", "{}", "[1]", R"({"announced":1})"}) CHECK_FALSE(parse_rollover(bad).has_value());
}

TEST_CASE("Apple's profile")
{
    auto const f = example_facts();
    profile_of whose;
    whose.address = "anna@example.test";
    whose.user_name = "Anna <\"A\"> & 'Co'";
    std::string octets;
    for (int i = 0; i < 32; ++i) octets += static_cast<char>(i);
    auto const made = apple_profile(f, whose, octets);
    REQUIRE(made.has_value());
    CHECK(made->reveal() == R"(<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
<key>PayloadType</key><string>Configuration</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadIdentifier</key><string>test.hoster.mail.mail.anna-example-test-fa8cb084</string>
<key>PayloadUUID</key><string>00010203-0405-4607-8809-0A0B0C0D0E0F</string>
<key>PayloadDisplayName</key><string>anna@example.test</string>
<key>PayloadDescription</key><string>Sets up mail for anna@example.test</string>
<key>PayloadOrganization</key><string>Example &amp; Söhne</string>
<key>PayloadRemovalDisallowed</key><false/>
<key>PayloadContent</key><array>
<dict>
<key>PayloadType</key><string>com.apple.mail.managed</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadIdentifier</key><string>test.hoster.mail.mail.anna-example-test-fa8cb084.account</string>
<key>PayloadUUID</key><string>10111213-1415-4617-9819-1A1B1C1D1E1F</string>
<key>PayloadDisplayName</key><string>anna@example.test</string>
<key>EmailAccountType</key><string>EmailTypeIMAP</string>
<key>EmailAccountDescription</key><string>Example &amp; Söhne</string>
<key>EmailAccountName</key><string>Anna &lt;&quot;A&quot;&gt; &amp; &#39;Co&#39;</string>
<key>EmailAddress</key><string>anna@example.test</string>
<key>IncomingMailServerAuthentication</key><string>EmailAuthPassword</string>
<key>IncomingMailServerHostName</key><string>imap.hoster.test</string>
<key>IncomingMailServerPortNumber</key><integer>993</integer>
<key>IncomingMailServerUseSSL</key><true/>
<key>IncomingMailServerUsername</key><string>anna@example.test</string>
<key>OutgoingMailServerAuthentication</key><string>EmailAuthPassword</string>
<key>OutgoingMailServerHostName</key><string>mail.hoster.test</string>
<key>OutgoingMailServerPortNumber</key><integer>465</integer>
<key>OutgoingMailServerUseSSL</key><true/>
<key>OutgoingMailServerUsername</key><string>anna@example.test</string>
<key>OutgoingPasswordSameAsIncomingPassword</key><true/>
</dict>
</array>
</dict>
</plist>
)");
    // Another day, other UUIDs, the same identifiers; another address has others, however alike.
    auto const at = [&](std::string const& address, std::string const& random, std::string_view key) {
        profile_of p;
        p.address = address;
        auto const all = std::string{apple_profile(f, p, random)->reveal()};
        auto const begin = all.find(key);
        return all.substr(begin, all.find('\n', begin) - begin);
    };
    CHECK(at("anna@example.test", std::string(32, 'x'), "<key>PayloadIdentifier") ==
          at("Anna@example.test", octets, "<key>PayloadIdentifier"));
    CHECK(at("anna@example.test", std::string(32, 'x'), "<key>PayloadUUID") !=
          at("anna@example.test", octets, "<key>PayloadUUID"));
    CHECK(at("a-b@example.test", octets, "<key>PayloadIdentifier") !=
          at("a.b@example.test", octets, "<key>PayloadIdentifier"));

    whose.password = secret{"4k2m<9"};
    auto const holds = [&](char const* what) {
        return apple_profile(f, whose, octets)->reveal().find(what) != std::string_view::npos;
    };
    CHECK(holds("<key>OutgoingPassword</key><string>4k2m&lt;9</string>"));
    CHECK_FALSE(holds("<key>IncomingPassword</key>"));
    CHECK(holds("<key>OutgoingPasswordSameAsIncomingPassword</key><false/>"));
    whose.for_incoming = true;
    CHECK(holds("<key>IncomingPassword</key><string>4k2m&lt;9</string>"));
    CHECK(holds("<key>OutgoingPasswordSameAsIncomingPassword</key><true/>"));
    auto s = example_settings();
    s.setup.imap = "";
    CHECK_FALSE(apple_profile(facts_of(s, {}), whose, octets).has_value());
    s.setup.pop3 = "pop.hoster.test:995";
    CHECK(apple_profile(facts_of(s, {}), whose, octets)->reveal().find("EmailTypePOP") != std::string_view::npos);
}

TEST_CASE("what Thunderbird for Android imports")
{
    profile_of whose;
    whose.address = "anna@example.test";
    whose.user_name = "Anna Example";
    auto s = example_facts().now;
    s.name = "Example mail";
    CHECK(android_payload(s, whose) ==
          R"([1,[1,1],[0,"imap.hoster.test",993,3,1,"anna@example.test","Example mail"],)"
          R"([[[0,"mail.hoster.test",465,3,1,"anna@example.test"],["anna@example.test","Anna Example"]]]])");
    s.imap.clear();
    CHECK_FALSE(android_payload(s, whose).has_value());
}

TEST_CASE("QR codes")
{
    auto const svg = qr_code("https://mail.hoster.test/profile/abc", "Open <this>");
    REQUIRE(svg.has_value());
    CHECK(svg->find("<title>Open &lt;this&gt;</title>") != std::string::npos);
    // Version 3: 29 modules and the quiet zone; the corner of a finder pattern is a bar of seven.
    CHECK(svg->find("viewBox=\"0 0 37 37\"") != std::string::npos);
    CHECK(svg->find("M4 4h7v1h-7z") != std::string::npos);
    CHECK(svg->find("style") == std::string::npos);
    CHECK_FALSE(qr_code("", "").has_value());
    CHECK_FALSE(qr_code(std::string(601, 'x'), "").has_value());
    CHECK(qr_code(std::string(600, '\xff'), "").has_value());
}

TEST_CASE("facts go from process to process unchanged")
{
    auto f = example_facts();
    f.announced.pop3 = {{"pop.hoster.test", 110, wrapping::starttls}};
    auto const text = boost::json::serialize(to_json(f));
    CHECK(facts_from(boost::json::parse(text)) == f);
    for (auto const* const bad : {"{}", "[]", "null", R"({"now":{},"announced":{}})"})
        CHECK_FALSE(facts_from(boost::json::parse(bad)).has_value());
    // A port that is none.
    auto broken = to_json(f);
    broken.at("now").at("smtp").at(0).at("port") = 70000;
    CHECK_FALSE(facts_from(broken).has_value());
}
