#include "config/settings.hpp"

#include <algorithm>
#include <set>

#include "config/fixture.hpp"
#include "config/option.hpp"

using namespace postern;
using namespace postern::config;
using namespace postern::config::testing;
using namespace std::chrono_literals;

TEST_CASE("an empty configuration is all defaults")
{
    auto const s = good("");
    CHECK(!s.hostname.empty());
    CHECK(s.data_dir == "/var/lib/postern");
    CHECK(s.user == "postern");
    REQUIRE(s.listeners.size() == 3);
    CHECK(s.listeners[0].address == ":465");
    CHECK(s.listeners[0].tls == tls_mode::implicit);
    CHECK(s.listeners[1].address == ":587");
    CHECK(s.listeners[1].role == role::submission);
    CHECK(s.listeners[1].tls == tls_mode::starttls);
    CHECK(s.listeners[2].address == ":25");
    CHECK(s.listeners[2].role == role::mx);
    CHECK(s.auth.mechanisms ==
          std::vector<std::string>{"SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2", "EXTERNAL", "PLAIN", "LOGIN"});
    CHECK(s.auth.require_tls);
    CHECK(s.relay.networks.empty());
    CHECK(s.limits.message_size == 50u << 20);
    CHECK(s.limits.hops == 100);
    CHECK(!s.delivery.retry.empty());
}

TEST_CASE("the configuration that the manual shows is taken, key by key")
{
    auto const s = good(R"(
hostname = "mail.example.com"             # greeting
data_dir = "/var/lib/postern2"
threads  = 3
user     = ""

[[listener]]
address = "[::]:587"
role    = "submission"
tls     = "starttls"
[[listener]]
address = "127.0.0.1:0"
role    = "mx"
tls     = "none"
proxy_networks = ["192.0.2.5"]
mechanisms = ["scram-sha-512-plus", "SCRAM-SHA-1", "LOGIN"]
auth_equals = true
client_certificates = true

[tls]
certificate = "/etc/postern/fullchain.pem"
private_key = "/etc/postern/privkey.pem"
minimum = "1.3"
[[tls.certificates]]
certificate = "/a.pem"
private_key = "/a.key"

[domains]
local = ["Example.com", "bücher.example"]

[auth]
mechanisms       = ["scram-sha-256-plus", "PLAIN"]
require_tls      = false
plaintext_networks = ["10.1.0.0/16"]
cache_life = "0s"
failure_delay = "250ms"

[relay]
networks           = ["192.0.2.7", "2001:db8::/32"]
local_without_auth = false

[limits]
message_size = "10 MB"
recipients   = 7
connections  = 8
connections_per_address = 9
header_size = 65536

[timeouts]
command = "10m"
session = "1h 30m"
drain = 5

[delivery]
local      = "lmtp:unix:/run/dovecot/lmtp"
smart_host = "[2001:db8::1]:2525"
retry = ["1m", 120, "2 hours"]
give_up_after = "2 days"

[submission]
recipient_delimiter = ""
hide_client_address = true

[web]
address = "127.0.0.1:8443"
public_url = "https://mail.example.com"

[setup]
imap = "imap.example.com:993"
pop3 = ""

[log]
format = "json"
level  = "debug"
history_size = "1 GiB"
)");
    CHECK(s.hostname == "mail.example.com");
    CHECK(s.data_dir == "/var/lib/postern2");
    CHECK(s.threads == 3);
    CHECK(s.user.empty());
    REQUIRE(s.listeners.size() == 2);
    CHECK(s.listeners[1].address == "127.0.0.1:0");
    CHECK(s.listeners[1].role == role::mx);
    CHECK(s.listeners[1].tls == tls_mode::none);
    CHECK(s.listeners[1].proxy_networks.size() == 1);
    CHECK(s.listeners[1].mechanisms == std::vector<std::string>{"SCRAM-SHA-512-PLUS", "SCRAM-SHA-1", "LOGIN"});
    CHECK(all_mechanisms(s) ==
          std::vector<std::string>{"SCRAM-SHA-256-PLUS", "PLAIN", "SCRAM-SHA-512-PLUS", "SCRAM-SHA-1", "LOGIN"});
    CHECK(s.listeners[1].auth_equals);
    CHECK(s.listeners[1].client_certificates);
    CHECK(s.listeners[0].mechanisms.empty());
    CHECK_FALSE(s.listeners[0].auth_equals);
    CHECK(s.tls.certificate == "/etc/postern/fullchain.pem");
    CHECK(s.tls.minimum == "1.3");
    REQUIRE(s.tls.more.size() == 1);
    CHECK(s.tls.more[0].private_key == "/a.key");
    CHECK(s.domains.local == std::vector<std::string>{"example.com", "xn--bcher-kva.example"});
    CHECK(s.auth.mechanisms == std::vector<std::string>{"SCRAM-SHA-256-PLUS", "PLAIN"});
    CHECK(!s.auth.require_tls);
    CHECK(s.auth.cache_life == 0s);
    CHECK(s.auth.failure_delay == 250ms);
    CHECK(contains(s.relay.networks, *ip_address::parse("2001:db8::5")));
    CHECK(!s.relay.local_without_auth);
    CHECK(s.limits.message_size == 10'000'000);
    CHECK(s.limits.header_size == 65536);
    CHECK(s.timeouts.command == 600s);
    CHECK(s.timeouts.session == 5400s);
    CHECK(s.timeouts.drain == 5s);
    CHECK(s.delivery.smart_host == "[2001:db8::1]:2525");
    CHECK(s.delivery.retry == std::vector<std::chrono::seconds>{60s, 120s, 7200s});
    CHECK(s.delivery.give_up_after == 172800s);
    CHECK(s.submission.recipient_delimiter == '\0');
    CHECK(s.log.format == "json");
    CHECK(s.log.history_size == 1u << 30);
    // What is printed means the same.
    CHECK(to_toml(good(to_toml(s))) == to_toml(s));
}

TEST_CASE("each problem names its place, what was expected and what was perhaps meant")
{
    static constexpr row rows[] = {
        {"hostnam = \"x\"", "p.toml:1:1: unknown key `hostnam`; did you mean `hostname`?\n"},
        {"[[listner]]\naddress=\":1\"", "p.toml:1:3: unknown key `listner`; did you mean `listener`?\n"},
        {"[limits]\nmesage_size = 1\n",
         "p.toml:2:1: unknown key `limits.mesage_size`; did you mean `limits.message_size`?\n"},
        {"[limits]\nhostname = \"x.example\"\n",
         "p.toml:2:1: unknown key `limits.hostname`; did you mean `hostname`, which belongs above the first "
         "section?\n"},
        {"message_size = 1\n",
         "p.toml:1:1: unknown key `message_size`; did you mean `limits.message_size`, which belongs into [limits]?\n"},
        {"foo = 1", "p.toml:1:1: unknown key `foo`\n"},
        {"[lmits]\n", "p.toml:1:2: unknown key `lmits`; did you mean `limits`?\n"},
        {"zzzzzzzzzz = 1", "p.toml:1:1: unknown key `zzzzzzzzzz`\n"},
        {"\"limits.recipients\" = 5", "p.toml:1:1: unknown key `limits.recipients`\n"},
        {"limits = 5", "p.toml:1:10: `limits`: is a section: write [limits] on a line of its own\n"},
        {"threads = \"4\"", "p.toml:1:11: `threads`: expected a number, not text\n"},
        {"threads = -1", "p.toml:1:11: `threads`: must be from 0 to 1024\n"},
        {"threads = 99999999999", "p.toml:1:11: `threads`: must be from 0 to 1024\n"},
        {"threads = 1.5", "p.toml:1:11: `threads`: expected a number, not a fraction, date or time\n"},
        {"hostname = 1", "p.toml:1:12: `hostname`: expected text in quotes, not a number\n"},
        {"hostname = \"a b\"", "`hostname`: \"a b\" is not a host name such as \"mail.example.com\"\n"},
        {"hostname = \"\"", "`hostname`: \"\" is not a host name"},
        {"user = \"a:b\"", "`user`: \"a:b\" is not a user name of this system\n"},
        {"[auth]\nrequire_tls = 1", "p.toml:2:15: `auth.require_tls`: expected true or false, not a number\n"},
        {"[auth]\nmechanisms = [\"PLAN\"]", "`auth.mechanisms`: \"PLAN\" is not a mechanism of this server"},
        {"[auth]\nmechanisms = [\"PLAN\"]", "did you mean \"PLAIN\"?\n"},
        {"[auth]\nmechanisms = [\"DIGEST-MD5\"]", "\"DIGEST-MD5\" is not a mechanism of this server"},
        {"[auth]\nmechanisms = \"PLAIN\"",
         "`auth.mechanisms`: expected a list such as [\"PLAIN\", \"LOGIN\"], not text\n"},
        {"[relay]\nnetworks = [\"192.0.2.7/24\"]",
         "\"192.0.2.7/24\" names a single machine and a network; write \"192.0.2.0/24\" for the network or "
         "\"192.0.2.7\" for "
         "the machine\n"},
        {"[relay]\nnetworks = [\"2001:db8::1/33\"]", "write \"2001:db8::/33\" for the network"},
        {"[relay]\nnetworks = [\"192.0.2.0/33\"]", "the number behind the slash goes from 0 to 32\n"},
        {"[relay]\nnetworks = [\"all\"]", "\"all\" is not a network such as"},
        {"[relay]\nnetworks = [7]", "`relay.networks`: expected a network in quotes, not a number\n"},
        {"[limits]\nmessage_size = \"50 Mib/s\"", "expected a size such as \"50 MiB\""},
        {"[limits]\nmessage_size = 12", "`limits.message_size`: must be from 1 KiB to 1 TiB\n"},
        {"[limits]\nmessage_size = \"99999999999999999999 TiB\"", "expected a size"},
        {"[timeouts]\ncommand = \"5 parsecs\"", "expected a duration such as"},
        {"[timeouts]\ncommand = 0", "`timeouts.command`: must be from 1s to 1d\n"},
        {"[timeouts]\ncommand = \"1500ms\"", "`timeouts.command`: must be whole seconds\n"},
        {"[timeouts]\ncommand = true", "expected a duration such as"},
        {"[log]\nlevel = \"warn\"", "expected one of \"error\", \"warning\", \"info\", \"debug\", not \"warn\""},
        {"[log]\nformat = \"jsn\"", "did you mean \"json\"?\n"},
        {"[[limits.sending]]\nper = \"acount\"", "did you mean \"account\"?\n"},
        {"[[limits.sending]]\nmatch = \"example.com\"", "\"example.com\" is not an account or \"@example.com\"\n"},
        {"[[limits.sending]]\nper = \"domain\"\nmatch = \"@example.com\"", "is not a domain such as"},
        {"[[limits.sending]]\nper = \"network\"\nmatch = \"192.0.2.1/24\"", "\"192.0.2.1/24\" is not a network\n"},
        {"[[limits.sending]]\nmesages_per_hour = 1", "did you mean `messages_per_hour`?\n"},
        {"[dkim]\non_failure = \"stop\"", "expected one of \"send\", \"defer\", not \"stop\""},
        {"[dkim]\nunsigned_headers = [\"Sub ject\"]", "\"Sub ject\" is not the name of a field such as \"Subject\"\n"},
        {"[dkim]\nkey = 1", "did you mean `dkim.keys`?\n"},
        {"[[dkim.keys]]\ndomain = \"example.com\"", "`dkim.keys`: set domain, selector and private_key\n"},
        {"[[dkim.keys]]\ndomain = \"example.com\"\nselector = \"a b\"\nprivate_key = \"k\"",
         "\"a b\" is not a selector such as"},
        {"[dns]\nservers = [\"ns.example.com\"]", "\"ns.example.com\" is not an address such as"},
        {"[dns]\nservers = [\"192.0.2.1:0\"]", "\"192.0.2.1:0\" is not an address such as"},
        {"[guard]\ntrusted_accounts = [\"ann\"]", "\"ann\" is not an account or \"@example.com\"\n"},
        {"[guard]\noperator_address = \"ann\"", "\"ann\" is not a mail address\n"},
        {"[listener]\naddress = \":1\"",
         "`listener`: there may be several of these: write [[listener]] in double brackets\n"},
        {"listener = 1", "`listener`: expected [[listener]], not a number\n"},
        {"listener = [1]", "`listener`: expected [[listener]], not a number\n"},
        {"[[listener]]\nrole = \"mx\"", "p.toml:1:1: `listener`: an address is missing, such as address = \":587\"\n"},
        {"[[listener]]\naddress = \"587\"", "`listener.address`: \"587\" is not an address to listen on"},
        {"[[listener]]\naddress = \"localhost:587\"", "is not an address to listen on"},
        {"[[listener]]\naddress = \":99999\"", "is not an address to listen on"},
        {"[[listener]]\naddress = \"::1:587\"", "is not an address to listen on"},
        {"[[listener]]\naddress = \":1\"\nrole = \"submision\"", "did you mean \"submission\"?\n"},
        {"[[listener]]\naddress = \":1\"\ntls = \"starttsl\"", "did you mean \"starttls\"?\n"},
        {"[[listener]]\naddres = \":1\"", "unknown key `listener.addres`; did you mean `address`?\n"},
        {"[[listener]]\naddress = \":1\"\n[[listener]]\naddress = \":1\"",
         "p.toml:3:1: `listener.address`: \":1\" is there twice\n"},
        {"[tls]\ncertificate = \"/a\"",
         "p.toml:2:1: there is a certificate without its private_key: set both or none\n"},
        {"[tls]\nprivate_key = \"/a\"",
         "p.toml:2:1: there is a private_key without its certificate: set both or none\n"},
        {"[[tls.certificates]]\ncertificate = \"/a\"", "there is a certificate without its private_key"},
        {"[tls]\nminimum = \"1.0\"", "expected one of \"1.2\", \"1.3\", not \"1.0\""},
        {"[domains]\nlocal = [\"exa mple.com\"]", "\"exa mple.com\" is not a domain such as \"example.com\"\n"},
        {"[delivery]\nlocal = \"/var/mail\"", "is not \"maildir:PATH\", \"lmtp:HOST:PORT\", \"lmtp:unix:PATH\" or"},
        {"[delivery]\nlocal = \"maildir:\"", "is not \"maildir:PATH\""},
        {"[delivery]\nlocal = \"maildir:/var/mail/%x\"", "of the %-letters in \"maildir:/var/mail/%x\" only"},
        {"[delivery]\nlocal = \"maildir:/var/mail/%\"", "of the %-letters in"},
        {"[delivery]\nlocal = \"lmtp:host\"", "is not \"maildir:PATH\""},
        {"[delivery]\nlocal = \"lmtp:host:0\"", "is not \"maildir:PATH\""},
        {"[delivery]\nsmart_host = \"relay\"", "`delivery.smart_host`: \"relay\" is not \"host:port\""},
        {"[submission]\nrecipient_delimiter = \"++\"", "expected one of the characters"},
        {"[submission]\nrecipient_delimiter = \"@\"", "expected one of the characters"},
        {"[web]\npublic_url = \"mail.example.com\"", "is not a web address such as"},
        {"threads = \n", "p.toml:1:"},
        {"threads = 1\nthreads = 2\n", "p.toml:2:"},
        {"threads = 1\nthreads = 2\n", "not valid TOML: "},
        {"hostname = mail.example.com\n", "text needs straight double quotes around it"},
        {"hostname = \"mail.example.com\n", "text needs straight double quotes around it"},
        {"hostname = \u201cmail.example.com\u201d\n", "text needs straight double quotes around it"},
        {"a = \"\xff\"", "p.toml: the file is not text in UTF-8\n"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.toml);
        auto const all = problems_of(r.toml);
        CHECK_MESSAGE(has(all, r.problem), all);
        CHECK(std::all_of(all.begin(), all.end(), [](char c) { return c == '\n' || (c >= ' ' && c < 0x7f); }));
    }
}

TEST_CASE("limits of sending are read, and written as they are read")
{
    std::vector<problem> problems;
    auto const s = parse(
        "[[limits.sending]]\nmessages_per_hour = 5\n[[limits.sending]]\nper = \"domain\"\n"
        "match = \"Example.COM\"\nnew_recipients_per_day = 7\n",
        "p.toml", problems);
    REQUIRE(s);
    REQUIRE(s->limits.sending.size() == 2);
    CHECK(s->limits.sending[0].messages_per_hour == 5);
    CHECK(s->limits.sending[1].per == limit_scope::domain);
    CHECK(s->limits.sending[1].match == "example.com");
    auto const again = parse(to_toml(*s), "p.toml", problems);
    REQUIRE(again);
    CHECK(again->limits.sending == s->limits.sending);
}

TEST_CASE("a sending limit can be for one app password")
{
    std::vector<problem> problems;
    auto const s = parse(
        "[[limits.sending]]\nper = \"app_password\"\nmatch = \"Ann@Example.COM#7\"\n"
        "[[limits.sending]]\nper = \"app_password\"\nmatch = \"@Example.COM\"\n",
        "p.toml", problems);
    REQUIRE(s);
    CHECK(s->limits.sending[0].match == "ann@example.com#7");
    CHECK(s->limits.sending[1].match == "@example.com");
    auto const again = parse(to_toml(*s), "p.toml", problems);
    REQUIRE(again);
    CHECK(again->limits.sending == s->limits.sending);
    for (char const* bad : {"ann@example.com#", "ann@example.com#x", "example.com", "#7"}) {
        CAPTURE(bad);
        problems.clear();
        CHECK_FALSE(parse("[[limits.sending]]\nper = \"app_password\"\nmatch = \"" + std::string{bad} + "\"\n",
                          "p.toml", problems));
    }
}

TEST_CASE("keys to sign with and name servers are read, and written as they are read")
{
    std::vector<problem> problems;
    auto const s = parse(
        "[[dkim.keys]]\ndomain = \"b\xc3\xbc"
        "cher.example\"\nselector = \"Mail\"\nprivate_key = \"/k\"\n"
        "[dns]\nservers = [\"192.0.2.1\", \"[2001:db8::1]:5353\"]\n",
        "p.toml", problems);
    REQUIRE(s);
    REQUIRE(s->dkim.keys.size() == 1);
    CHECK(s->dkim.keys[0].domain == "xn--bcher-kva.example");
    CHECK(s->dkim.keys[0].selector == "mail");
    REQUIRE(s->dns.servers.size() == 2);
    CHECK(s->dns.servers[0].to_string() == "192.0.2.1:53");
    auto const again = parse(to_toml(*s), "p.toml", problems);
    REQUIRE(again);
    CHECK(to_toml(*again) == to_toml(*s));
}

TEST_CASE("all problems are named, in the order of the file")
{
    CHECK(problems_of("treads = 1\nhostname = 5\n[log]\nlevel = 1\n[auth]\nfailures = 0\n") ==
          "p.toml:1:1: unknown key `treads`; did you mean `threads`?\n"
          "p.toml:2:12: `hostname`: expected text in quotes, not a number\n"
          "p.toml:4:9: `log.level`: expected one of \"error\", \"warning\", \"info\", \"debug\", not a number\n"
          "p.toml:6:12: `auth.failures`: must be from 1 to 1000\n");
    std::string many;
    for (int i = 0; i < 500; ++i) many += "k" + std::to_string(i) + " = 1\n";
    std::vector<problem> problems;
    CHECK(!parse(many, "p.toml", problems));
    CHECK(problems.size() == 100);
}

TEST_CASE("every option is in a section, documented, and named once")
{
    std::set<std::string_view> names, parts;
    for (auto const& s : sections()) parts.insert(s.name);
    for (auto const& o : options()) {
        CAPTURE(o.name);
        CHECK(names.insert(o.name).second);
        CHECK(parts.contains(section_of(o.name)));
        CHECK(o.doc.size() > 10);
        CHECK(o.doc.ends_with('.'));
        CHECK(!o.type.empty());
        CHECK(!o.since.empty());
        CHECK(has(reference(), "### `" + std::string(o.name) + "`"));
    }
    CHECK(has(reference(), "### `listener.proxy_networks`"));
}

TEST_CASE("the commented configuration means the defaults, with its examples taken in as well")
{
    auto const text = default_text();
    CHECK(to_toml(good(text)) == to_toml(good("")));
    std::string with_examples;
    std::size_t at = 0;
    int examples = 0;
    while (at < text.size()) {
        auto const end = text.find('\n', at);
        auto line = text.substr(at, end - at);
        at = end + 1;
        auto const equals = line.find(" = ");
        bool const example = line.starts_with("# ") && equals != std::string::npos &&
                             line.substr(2, equals - 2).find(' ') == std::string::npos;
        examples += example ? 1 : 0;
        with_examples += (example ? line.substr(2) : line) + '\n';
        CHECK(line.size() <= 120);
    }
    CHECK(examples > 5);
    auto const s = good(with_examples);
    CHECK(s.hostname == "mail.example.com");
    CHECK(!s.tls.certificate.empty());
}

TEST_CASE("what differs and needs a restart is named, and nothing else")
{
    auto const a = good("");
    CHECK(needs_restart(a, a).empty());
    CHECK(needs_restart(a, good("threads = 2\n[log]\nlevel = \"debug\"\n[relay]\nnetworks = [\"192.0.2.7\"]\n")) ==
          std::vector<std::string>{"threads"});
    CHECK(needs_restart(a, good("[[listener]]\naddress = \":2525\"\n")) == std::vector<std::string>{"listener"});
    CHECK(needs_restart(a, good("data_dir = \"/x\"\nuser = \"\"\n")) == std::vector<std::string>{"data_dir", "user"});
}

TEST_CASE("dangerous settings are warned about")
{
    std::vector<ip_address> const gateways{*ip_address::parse("172.17.0.1"), *ip_address::parse("fd00:1::1")};
    auto said = [&](std::string_view toml) {
        std::string all;
        for (auto const& w : warnings(good("hostname = \"mail.example.com\"\n" + std::string(toml)), gateways))
            all += w + '\n';
        return all;
    };
    std::string const web = "[web]\npublic_url = \"https://mail.example.com\"\n";
    CHECK(said(web).find("set setup.imap or setup.pop3") != std::string::npos);
    CHECK(said(web + "[setup]\nimap = \"imap.example.com:993\"").empty());
    CHECK(said("[kerberos]\nkeytab = \"/k\"").find("nothing says whose accounts the tickets are for") !=
          std::string::npos);
    CHECK(said("[kerberos]\nkeytab = \"/k\"\n[[kerberos.realms]]\nrealm = \"R\"\ndomain = \"r.example\"").empty());
    CHECK(said("") == "");
    static constexpr row rows[] = {
        {"[relay]\nnetworks = [\"172.17.0.0/16\"]", "covers this machine's default gateway 172.17.0.1"},
        {"[relay]\nnetworks = [\"172.17.0.1\"]", "covers this machine's default gateway 172.17.0.1"},
        {"[relay]\nnetworks = [\"fd00:1::/64\"]", "covers this machine's default gateway fd00:1::1"},
        {"[relay]\nnetworks = [\"10.0.0.0/8\"]", "every machine with a private address of 10.0.0.0/8"},
        {"[relay]\nnetworks = [\"172.16.0.0/12\"]", "every machine with a private address of 172.16.0.0/12"},
        {"[relay]\nnetworks = [\"172.0.0.0/8\"]", "every machine with a private address of 172.16.0.0/12"},
        {"[relay]\nnetworks = [\"192.168.0.0/16\"]", "every machine with a private address of 192.168.0.0/16"},
        {"[relay]\nnetworks = [\"fc00::/7\"]", "every machine with a private address of fc00::/7"},
        {"[relay]\nnetworks = [\"0.0.0.0/0\"]", "the whole IPv4 Internet may send mail to anybody"},
        {"[relay]\nnetworks = [\"::/0\"]", "the whole IPv6 Internet may send mail to anybody"},
        {"[relay]\nnetworks = [\"100.0.0.0/9\"]", "a very large network may"},
        {"[auth]\nplaintext_networks = [\"192.0.2.7\"]", "can listen on the way from there can read the passwords"},
        {"[auth]\nplaintext_networks = [\"10.0.0.0/8\"]", "may log in without encryption"},
        {"[auth]\nrequire_tls = false", "auth.require_tls is false"},
        {"[[listener]]\naddress = \":587\"\ntls = \"none\"", "the listener :587 has tls = \"none\""},
        {"[[listener]]\naddress = \":587\"\nproxy_networks = [\"0.0.0.0/0\"]", "can pretend to be any client"},
        {"[auth]\nmechanisms = []", "nobody can log in"},
        {"[delivery]\nlocal = \"maildir:/var/mail\"", "all local mail lands in one mailbox"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.toml);
        auto const all = said(r.toml);
        CHECK_MESSAGE(has(all, r.problem), all);
        CHECK(std::count(all.begin(), all.end(), '\n') == 1);
    }
    for (auto const* fine : {"[relay]\nnetworks = [\"192.0.2.7\", \"10.3.4.0/24\", \"127.0.0.0/8\", \"::1\"]",
                             "[auth]\nplaintext_networks = [\"127.0.0.1\", \"::1\"]",
                             "[[listener]]\naddress = \"127.0.0.1:587\"\ntls = \"none\""})
        CHECK_MESSAGE(said(fine) == "", said(fine));
    settings bare = good("");
    bare.hostname = "laptop";
    REQUIRE(warnings(bare, {}).size() == 1);
    CHECK(has(warnings(bare, {})[0], "\"laptop\", without a domain"));
}
