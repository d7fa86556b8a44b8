#include "doctor/judge.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "base/crypto.hpp"
#include "doctor/relay_tricks.hpp"
#include "porter/pacc.hpp"

using namespace postern;
using namespace postern::doctor;
namespace rules = postern::catalogue::rules;

namespace {

ip_address address(char const* text) { return *ip_address::parse(text); }

dns::txt_answer texts(std::vector<std::string> records)
{
    dns::txt_answer a;
    a.what = records.empty() ? dns::finding::no_data : dns::finding::found;
    a.records = std::move(records);
    return a;
}

dns::address_answer leads_to(char const* text)
{
    dns::address_answer a;
    a.what = dns::finding::found;
    a.v4 = {address(text)};
    return a;
}

/// Everything is as it should be.
facts well()
{
    facts f;
    f.settings.hostname = "mail.example.com";
    f.settings.data_dir = "/var/lib/postern";
    for (auto const mode : {config::tls_mode::implicit, config::tls_mode::starttls}) {
        config::listener l;
        l.address = mode == config::tls_mode::implicit ? "[::]:465" : "[::]:587";
        l.tls = mode;
        f.settings.listeners.push_back(l);
    }
    f.now = wall_time{std::chrono::hours{24 * 365 * 50}};
    f.server.running = true;
    f.server.descriptor_limit = 1u << 20;
    f.listeners = {
        {"[::]:25", "mx", "starttls"}, {"[::]:465", "submission", "implicit"}, {"[::]:587", "submission", "starttls"}};
    f.local_domains = {"example.com"};
    certificate_facts c;
    c.file = "/etc/postern/fullchain.pem";
    c.names = {"mail.example.com"};
    c.not_before = f.now - std::chrono::hours{24};
    c.not_after = f.now + std::chrono::hours{24 * 60};
    c.trusted = true;
    c.sha256 = "aa";
    c.key_sha256 = "bb";
    c.chain = {"certificate"};
    c.keys = {"key"};
    f.certificates = {c};
    f.own_name = leads_to("192.0.2.1");
    address_facts a{address("192.0.2.1"), {}, {}};
    a.names.what = dns::finding::found;
    a.names.names = {"mail.example.com"};
    a.forward["mail.example.com"] = leads_to("192.0.2.1");
    f.addresses = {a};
    domain_facts d;
    d.domain = "example.com";
    d.mx.what = dns::finding::found;
    d.mx.records = {{10, "mail.example.com"}};
    d.texts = texts({"v=spf1 mx -all"});
    d.spf = {{address("192.0.2.1"), {mail::auth_result::pass, "example.com", false}}};
    d.dmarc = texts({"v=DMARC1; p=none"});
    d.sts = texts({"v=STSv1; id=1;"});
    d.policy.emplace();
    d.policy->policy = mail::sts_policy{mail::sts_mode::enforce, {"mail.example.com"}, std::chrono::hours{24}};
    d.tlsrpt = texts({"v=TLSRPTv1; rua=mailto:a@example.com"});
    dns::srv_answer implicit, starttls;
    implicit.what = starttls.what = dns::finding::found;
    implicit.records = {{0, 1, 465, "mail.example.com"}};
    starttls.records = {{0, 0, 587, "mail.example.com"}};
    d.services = {{"_submissions._tcp.example.com", implicit}, {"_submission._tcp.example.com", starttls}};
    d.autoconfig = leads_to("192.0.2.1");
    d.settings_file = "<hostname>mail.example.com</hostname>";
    d.configuration_host = leads_to("192.0.2.1");
    d.configuration = porter::pacc(porter::services_of(f.settings), "example.com");
    d.configuration_texts = texts({porter::pacc_record(*d.configuration)});
    d.keys_known = true;
    d.keys = {{"s._domainkey.example.com", "v=DKIM1; p=x", "matches", "", "", true}};
    f.domains = {d};
    for (auto const& l : f.listeners) {
        reach_facts t;
        t.listener = l.address;
        t.at = *endpoint::parse("127.0.0.1:25");
        t.answered = true;
        t.greeting = "220 mail.example.com";
        t.certificate = "aa";
        f.reached.push_back(t);
    }
    f.relay = {{"[::]:25", "nothing special", "<a@b>", "<c@d>", 550, false, "127.0.0.2"}};
    f.machine.disk_free = f.machine.disk_size = 1ull << 40;
    f.machine.inodes_free = f.machine.inodes = 1u << 20;
    f.machine.clock_kept = true;
    f.machine.secrets = {{"/var/lib/postern", false, false}};
    f.queue.emplace();
    return f;
}

report judge_all(facts const& f)
{
    report r;
    judge_certificates(f, r);
    judge_names(f, r);
    judge_domains(f, r);
    judge_reach(f, r);
    judge_relay(f, r);
    judge_machine(f, r);
    judge_server(f, r);
    judge_configuration(f, r);
    return r;
}

struct row {
    char const* name;
    std::function<void(facts&)> change;
    catalogue::rule const* expected;
    severity how_bad;
    std::string line;  // that is to be published or changed; empty: whatever
};

}  // namespace

TEST_CASE("nothing is found where nothing is wrong")
{
    auto const r = judge_all(well());
    for (auto const& f : r.findings) {
        CAPTURE(std::string{f.why->name});
        CHECK(false);
    }
    CHECK(r.well.size() > 15);
}

TEST_CASE("each thing that is wrong has its finding, and nothing else has one")
{
    using enum severity;
    auto const domain = [](facts& f) -> domain_facts& { return f.domains[0]; };
    row const rows[] = {
        // the certificate
        {"another name", [](facts& f) { f.certificates[0].names = {"www.example.com"}; }, &rules::own_certificate_name,
         failure, ""},
        {"a star for two labels", [](facts& f) { f.certificates[0].names = {"*.com"}; }, &rules::own_certificate_name,
         failure, ""},
        {"self-signed",
         [](facts& f) {
             f.certificates[0].trusted = false;
             f.certificates[0].self_signed = true;
         },
         &rules::own_certificate_untrusted, warning, ""},
        {"no intermediate",
         [](facts& f) {
             f.certificates[0].trusted = false;
             f.certificates[0].chain_short = true;
         },
         &rules::own_certificate_chain, failure, ""},
        {"expired", [](facts& f) { f.certificates[0].not_after = f.now; }, &rules::own_certificate_expired, failure,
         ""},
        {"expires in 13 days", [](facts& f) { f.certificates[0].not_after = f.now + std::chrono::hours{13 * 24}; },
         &rules::own_certificate_expires, warning, ""},
        {"expires in two days", [](facts& f) { f.certificates[0].not_after = f.now + std::chrono::hours{48}; },
         &rules::own_certificate_expires, failure, ""},
        {"not yet valid", [](facts& f) { f.certificates[0].not_before = f.now + std::chrono::hours{1}; },
         &rules::own_certificate_untrusted, failure, ""},
        {"a foreign key", [](facts& f) { f.certificates[0].problem = "the key is another's"; },
         &rules::own_certificate_unreadable, failure, ""},
        {"not reloaded", [](facts& f) { f.certificates[0].sha256 = "cc"; }, &rules::own_certificate_stale, failure,
         "systemctl reload postern"},
        {"not renewed, and still good for long",
         [](facts& f) {
             f.server.certificates = {{"", {"mail.example.com"}, 25, "acme-silent", "no route", {}}};
         },
         &rules::acme_silent, warning, ""},
        {"not there, since nothing is proven",
         [](facts& f) {
             f.server.certificates = {{"", {"mail.example.com"}, {}, "acme-proof-failed", "refused", {}}};
         },
         &rules::acme_proof_failed, failure, ""},
        {"a file of the web pages, half written",
         [](facts& f) {
             f.server.certificates = {{"/etc/web.pem", {}, {}, "", "the key is another's", {}}};
         },
         &rules::own_certificate_unreadable, failure, ""},
        {"a listed name that leads elsewhere",
         [](facts& f) {
             f.settings.acme.names = {"www.example.com"};
             f.server.certificates = {{"", {}, 60, "", "", {{"www.example.com", "it leads to 203.0.113.9"}}}};
         },
         &rules::acme_name_left_out, warning, ""},
        // names
        {"no address",
         [](facts& f) {
             f.own_name = {};
             f.own_name.what = dns::finding::no_such_name;
         },
         &rules::own_name_unresolved, failure, ""},
        {"no answer about the name", [](facts& f) { f.own_name = {}; }, &rules::own_dns_unknown, warning, ""},
        {"no reverse name",
         [](facts& f) {
             f.addresses[0].names = {};
             f.addresses[0].names.what = dns::finding::no_such_name;
         },
         &rules::own_ptr_missing, failure, "1.2.0.192.in-addr.arpa. IN PTR mail.example.com."},
        {"another reverse name", [](facts& f) { f.addresses[0].names.names = {"host-1.provider.example"}; },
         &rules::own_ptr_wrong, failure, "1.2.0.192.in-addr.arpa. IN PTR mail.example.com."},
        {"a reverse name that leads elsewhere",
         [](facts& f) { f.addresses[0].forward["mail.example.com"] = leads_to("192.0.2.9"); }, &rules::own_ptr_wrong,
         failure, "mail.example.com. IN A 192.0.2.1"},
        {"a reverse name that could not be looked up",
         [](facts& f) { f.addresses[0].forward["mail.example.com"] = {}; }, &rules::own_dns_unknown, warning, ""},
        {"no reverse name of an address of a VPN",
         [](facts& f) {
             f.addresses[0].address = address("100.64.1.2");
             f.addresses[0].names = {};
             f.addresses[0].names.what = dns::finding::no_such_name;
         },
         &rules::own_ptr_missing, hint, ""},
        {"TLSA of one of two keys",
         [](facts& f) {
             f.certificates.push_back(f.certificates[0]);
             f.certificates[1].key_sha256 = "dd";
             f.certificates[1].keys = {"another key"};
             f.tlsa.resize(1);
             f.tlsa[0].what = dns::finding::found;
             f.tlsa[0].records = {{3, 1, 0, "key"}};
         },
         &rules::own_tlsa_wrong, failure, "_25._tcp.mail.example.com. IN TLSA 3 1 1 bb"},
        {"TLSA of an old key",
         [](facts& f) {
             f.tlsa.resize(1);
             f.tlsa[0].what = dns::finding::found;
             f.tlsa[0].records = {{3, 1, 0, "old"}};
         },
         &rules::own_tlsa_wrong, failure, "_25._tcp.mail.example.com. IN TLSA 3 1 1 bb"},
        {"no TLSA, with DNSSEC",
         [](facts& f) {
             f.tlsa.resize(1);
             f.tlsa[0].what = dns::finding::no_data;
             f.names_secure = true;
         },
         &rules::own_tlsa_missing, hint, "_25._tcp.mail.example.com. IN TLSA 3 1 1 bb"},
        // domains
        {"no MX",
         [&](facts& f) {
             domain(f).mx = {};
             domain(f).mx.what = dns::finding::no_data;
         },
         &rules::own_mx_missing, failure, "example.com. IN MX 10 mail.example.com."},
        {"MX elsewhere",
         [&](facts& f) {
             domain(f).mx.records = {{10, "mx.other.example"}};
         },
         &rules::own_mx_elsewhere, warning, "example.com. IN MX 10 mail.example.com."},
        {"an MX of another name, without a certificate for it",
         [&](facts& f) {
             domain(f).mx.records = {{10, "mx.example.com"}};
             domain(f).exchangers["mx.example.com"] = leads_to("192.0.2.1");
             domain(f).policy->policy->mx = {"mx.example.com"};
         },
         &rules::own_certificate_name, failure, "certbot certonly -d mail.example.com -d mx.example.com"},
        {"no SPF",
         [&](facts& f) {
             domain(f).texts = texts({"other"});
             domain(f).spf = {};
         },
         &rules::own_spf_missing, warning, "example.com. IN TXT \"v=spf1 mx a:mail.example.com ~all\""},
        {"SPF without us", [&](facts& f) { domain(f).spf[0].what.what = mail::auth_result::fail; },
         &rules::own_spf_wrong, failure, "example.com. IN TXT \"v=spf1 a:mail.example.com mx -all\""},
        {"two SPF records",
         [&](facts& f) {
             domain(f).texts = texts({"v=spf1 mx -all", "v=spf1 a -all"});
         },
         &rules::own_spf_wrong, failure, "example.com. IN TXT \"v=spf1 mx a -all\""},
        {"SPF for everybody", [&](facts& f) { domain(f).texts = texts({"v=spf1 mx +all"}); }, &rules::own_spf_wrong,
         failure, "example.com. IN TXT \"v=spf1 mx ~all\""},
        {"SPF that can't be evaluated", [&](facts& f) { domain(f).spf[0].what.what = mail::auth_result::permerror; },
         &rules::own_spf_wrong, failure, ""},
        {"no key", [&](facts& f) { domain(f).keys.clear(); }, &rules::own_dkim_missing, warning,
         "postern dkim create example.com"},
        {"the key is not published", [&](facts& f) { domain(f).keys[0].published = "missing"; },
         &rules::own_dkim_missing, failure, "s._domainkey.example.com. IN TXT \"v=DKIM1; p=x\""},
        {"a waiting key is not published",
         [&](facts& f) {
             domain(f).keys[0].published = "missing";
             domain(f).keys[0].active = false;
         },
         &rules::own_dkim_missing, hint, ""},
        {"another key is published", [&](facts& f) { domain(f).keys[0].published = "differs"; }, &rules::own_dkim_wrong,
         failure, "s._domainkey.example.com. IN TXT \"v=DKIM1; p=x\""},
        {"no DMARC", [&](facts& f) { domain(f).dmarc = texts({}); }, &rules::own_dmarc_missing, warning, ""},
        {"two DMARC records",
         [&](facts& f) {
             domain(f).dmarc = texts({"v=DMARC1; p=none", "v=DMARC1; p=reject"});
         },
         &rules::own_dmarc_wrong, failure, ""},
        {"DMARC without a policy", [&](facts& f) { domain(f).dmarc = texts({"v=DMARC1; pct=100"}); },
         &rules::own_dmarc_wrong, failure, ""},
        {"no MTA-STS", [&](facts& f) { domain(f).sts = texts({}); }, &rules::own_mta_sts_missing, hint, ""},
        {"an MTA-STS policy without the MX", [&](facts& f) { domain(f).policy->policy->mx = {"old.example.com"}; },
         &rules::own_mta_sts_wrong, failure, ""},
        {"an MTA-STS policy that can't be fetched",
         [&](facts& f) {
             domain(f).policy->policy.reset();
             domain(f).policy->problem = "404";
             domain(f).policy->answered = true;
         },
         &rules::own_mta_sts_wrong, failure, ""},
        {"an MTA-STS policy whose web server does not answer",
         [&](facts& f) {
             domain(f).policy->policy.reset();
             domain(f).policy->problem = "refuses";
         },
         &rules::own_mta_sts_wrong, warning, ""},
        {"SPF that nobody could evaluate", [&](facts& f) { domain(f).spf.clear(); }, &rules::own_dns_unknown, warning,
         ""},
        {"SPF of which a part could not be looked up",
         [&](facts& f) { domain(f).spf[0].what.what = mail::auth_result::temperror; }, &rules::own_dns_unknown, warning,
         ""},
        {"SPF without an end", [&](facts& f) { domain(f).texts = texts({"v=spf1 mx"}); }, &rules::own_spf_wrong,
         warning, "example.com. IN TXT \"v=spf1 mx ~all\""},
        {"SPF whose end only looks like one",
         [&](facts& f) { domain(f).texts = texts({"v=spf1 include:x-all.example +all"}); }, &rules::own_spf_wrong,
         failure, "example.com. IN TXT \"v=spf1 include:x-all.example ~all\""},
        {"an MX whose address nobody could look up",
         [&](facts& f) {
             domain(f).mx.records = {{10, "mx.example.com"}};
             domain(f).exchangers["mx.example.com"] = {};
         },
         &rules::own_dns_unknown, warning, ""},
        {"a web server for settings that does not answer",
         [&](facts& f) {
             domain(f).settings_file.reset();
             domain(f).settings_unreached = true;
         },
         &rules::own_autoconfig_wrong, hint, ""},
        {"no TLSRPT", [&](facts& f) { domain(f).tlsrpt = texts({}); }, &rules::own_tlsrpt_missing, hint, ""},
        {"TLSRPT without an address", [&](facts& f) { domain(f).tlsrpt = texts({"v=TLSRPTv1; rua=gopher:x"}); },
         &rules::own_tlsrpt_wrong, warning, ""},
        {"no SRV",
         [&](facts& f) {
             domain(f).services[0].answer = {};
             domain(f).services[0].answer.what = dns::finding::no_data;
         },
         &rules::own_srv_missing, hint, "_submissions._tcp.example.com. IN SRV 0 1 465 mail.example.com."},
        {"SRV elsewhere", [&](facts& f) { domain(f).services[0].answer.records[0].host = "old.example.com"; },
         &rules::own_srv_wrong, warning, ""},
        {"no autoconfig",
         [&](facts& f) {
             domain(f).autoconfig = {};
             domain(f).autoconfig.what = dns::finding::no_such_name;
         },
         &rules::own_autoconfig_missing, hint, "autoconfig.example.com. IN CNAME mail.example.com."},
        {"autoconfig of another server",
         [&](facts& f) { domain(f).settings_file = "<hostname>old.example.com</hostname>"; },
         &rules::own_autoconfig_wrong, warning, ""},
        {"SRV of a service that is not there",
         [&](facts& f) {
             f.settings.setup.imap = "imap.example.com:993";
             dns::srv_answer there;
             there.what = dns::finding::found;
             there.records = {{0, 1, 995, "pop.example.com"}};
             domain(f).services.push_back({"_pop3s._tcp.example.com", there});
             f.announced = porter::services_of(f.settings);
             domain(f).configuration = porter::pacc(*f.announced, "example.com");
             domain(f).configuration_texts = texts({porter::pacc_record(*domain(f).configuration)});
         },
         &rules::own_srv_wrong, hint, "_pop3s._tcp.example.com. IN SRV 0 0 0 ."},
        {"no configuration in the DNS",
         [&](facts& f) {
             domain(f).configuration_texts = texts({});
             domain(f).configuration_host = {};
             domain(f).configuration_host.what = dns::finding::no_such_name;
             domain(f).configuration.reset();
         },
         &rules::own_pacc_missing, hint, "ua-auto-config.example.com. IN CNAME mail.example.com."},
        {"the configuration is not what the DNS vouches for",
         [&](facts& f) { domain(f).configuration_texts = texts({"v=UAAC1; a=sha256; d=b2xk"}); },
         &rules::own_pacc_wrong, warning, ""},
        {"the configuration is vouched for, and nowhere",
         [&](facts& f) {
             domain(f).configuration.reset();
             domain(f).configuration_problem = "status 404";
         },
         &rules::own_pacc_wrong, warning, ""},
        {"the configuration is going to change",
         [&](facts& f) {
             f.announced = porter::services_of(f.settings);
             f.settings.setup.name = "New name";
         },
         &rules::own_pacc_missing, hint, ""},
        {"the DNS is down",
         [&](facts& f) {
             domain(f).mx = {};
             domain(f).dmarc = {};
         },
         &rules::own_dns_unknown, warning, ""},
        // doors
        {"a port does not answer",
         [](facts& f) {
             f.reached[0].answered = false;
             f.reached[0].greeting = "";
             f.reached[0].problem = "refuses";
         },
         &rules::own_port_unreachable, failure, ""},
        {"a firewall",
         [](facts& f) {
             auto t = f.reached[0];
             t.from_outside = true;
             t.answered = false;
             t.problem = "does not answer";
             f.reached.push_back(t);
         },
         &rules::own_port_unreachable, failure, ""},
        {"a router that does not forward from inside",
         [](facts& f) {
             auto t = f.reached[0];
             t.from_outside = true;
             t.answered = t.local_address = false;
             f.reached.push_back(t);
         },
         &rules::own_port_unreachable, hint, ""},
        {"no port for log-ins",
         [](facts& f) {
             f.listeners.resize(1);
             f.domains[0].services.clear();
         },
         &rules::own_no_submission_port, warning, ""},
        {"an open relay", [](facts& f) { f.relay[0].accepted = true; }, &rules::own_open_relay, failure, ""},
        {"everybody is trusted", [](facts& f) { f.settings.relay.networks = {*network::parse("0.0.0.0/0")}; },
         &rules::own_networks_too_wide, failure, ""},
        {"passwords in the clear",
         [](facts& f) { f.settings.auth.plaintext_networks = {*network::parse("192.0.2.7")}; },
         &rules::own_plaintext_networks, warning, ""},
        {"TLS is not demanded", [](facts& f) { f.settings.auth.require_tls = false; }, &rules::own_configuration_odd,
         warning, ""},
        // the machine
        {"the clock is off",
         [](facts& f) {
             f.machine.clock_ahead = std::chrono::seconds{-90};
             f.machine.clock_from = "ntp";
         },
         &rules::own_clock_wrong, failure, "timedatectl set-ntp true"},
        {"nobody keeps the clock", [](facts& f) { f.machine.clock_kept = false; }, &rules::own_clock_unsynchronised,
         hint, ""},
        {"the disk is full", [](facts& f) { f.machine.disk_free = 1u << 20; }, &rules::own_disk_nearly_full, failure,
         ""},
        {"the disk gets full", [](facts& f) { f.machine.disk_free = 200u << 20; }, &rules::own_disk_nearly_full,
         warning, ""},
        {"no inodes", [](facts& f) { f.machine.inodes_free = 10; }, &rules::own_disk_nearly_full, warning, ""},
        {"others read the data", [](facts& f) { f.machine.secrets[0].others_read = true; }, &rules::own_rights_too_wide,
         failure, "chmod 0700 /var/lib/postern"},
        {"others read a key",
         [](facts& f) {
             f.machine.secrets = {{"/etc/key.pem", true, false}};
         },
         &rules::own_rights_too_wide, failure, "chmod 0600 /etc/key.pem"},
        {"few descriptors", [](facts& f) { f.server.descriptor_limit = 1024; }, &rules::own_few_file_descriptors,
         warning, "[Service]"},
        {"old mail",
         [](facts& f) {
             f.queue->push_back({"slow.example", "451 no", 3, f.now - std::chrono::hours{5}, false});
         },
         &rules::own_queue_old, warning, ""},
        {"nobody at all answers at port 25",
         [](facts& f) {
             for (auto const* d : {"a.example", "b.example", "c.example"})
                 f.queue->push_back({d, "451 4.4.1 no answer in time", 1, f.now, false});
         },
         &rules::own_port_25_blocked, failure, ""},
        {"a back end is down",
         [](facts& f) {
             f.server.helpers = {{"back end", "ldap", "refused", false}};
         },
         &rules::own_back_end_down, failure, ""},
        {"no server",
         [](facts& f) {
             f.server = {};
             f.reached.clear();
             f.queue.reset();
         },
         &rules::own_server_not_running, failure, "systemctl start postern"},
    };
    for (auto const& one : rows) {
        CAPTURE(one.name);
        auto f = well();
        one.change(f);
        auto const r = judge_all(f);
        std::string all;
        for (auto const& found : r.findings) all += std::string{found.why->name} + ' ';
        CAPTURE(all);
        REQUIRE(r.findings.size() == 1);
        CHECK(r.findings[0].why == one.expected);
        CHECK(r.findings[0].how_bad == one.how_bad);
        if (!one.line.empty()) {
            REQUIRE(!r.findings[0].change.empty());
            CHECK(r.findings[0].change[0] == one.line);
        }
    }
}

TEST_CASE("TLSA records that fit")
{
    auto const hashed = [](hash h, char const* text) { return digest(h, text); };
    dns::tlsa_record const good[] = {{3, 1, 1, hashed(hash::sha256, "key")},
                                     {3, 1, 2, hashed(hash::sha512, "key")},
                                     {3, 0, 0, "certificate"},
                                     {2, 0, 1, hashed(hash::sha256, "authority")},
                                     {2, 1, 0, "its key"}};
    dns::tlsa_record const bad[] = {{3, 0, 1, hashed(hash::sha256, "authority")},
                                    {1, 1, 1, hashed(hash::sha256, "key")},
                                    {3, 2, 0, "key"},
                                    {3, 1, 3, "key"},
                                    {3, 1, 1, ""}};
    auto f = well();
    f.certificates[0].chain.push_back("authority");
    f.certificates[0].keys.push_back("its key");
    f.tlsa.resize(1);
    f.tlsa[0].what = dns::finding::found;
    auto const wrong = [&](dns::tlsa_record const& t) {
        f.tlsa[0].records = {t};
        return !judge_all(f).findings.empty();
    };
    for (auto const& t : good) CHECK_FALSE(wrong(t));
    for (auto const& t : bad) CHECK(wrong(t));
}

TEST_CASE("ways that were not tried to their end prove nothing")
{
    auto const says = [](facts const& f) {
        report r;
        judge_relay(f, r);
        CHECK(r.findings.empty());
        return r.well.empty() ? std::string{} : r.well.front().text;
    };
    auto f = well();
    f.relay[0].client = "192.0.2.1";
    CHECK(says(f) == "[::]:25 carries no stranger's mail: 1 way tried from 192.0.2.1");
    f.relay_unfinished = {"[::]:25"};
    CHECK(says(f).empty());
    // What the server says of itself is no try.
    f = well();
    f.relay[0].client.clear();
    CHECK(says(f).empty());
}

TEST_CASE("names that a certificate covers")
{
    CHECK(covers({"Mail.example.com"}, "mail.EXAMPLE.com"));
    CHECK(covers({"*.example.com"}, "mail.example.com"));
    CHECK_FALSE(covers({"*.example.com"}, "example.com"));
    CHECK_FALSE(covers({"*.example.com"}, "a.mail.example.com"));
    CHECK_FALSE(covers({}, "mail.example.com"));
}

TEST_CASE("the list of tricks has each kind, for each name of ours")
{
    auto const all = relay_tricks({"example.org", {"example.com"}, "mail.example.com", "127.0.0.1"});
    CHECK(all.size() > 70);
    auto const has = [&](std::string_view to) {
        return std::any_of(all.begin(), all.end(), [&](auto const& t) { return t.to == to; });
    };
    CHECK(has("<victim%example.org@example.com>"));
    CHECK(has("<example.org!victim@mail.example.com>"));
    CHECK(has("<@example.com:victim@example.org>"));
    CHECK(has("<\"victim@example.org\"@[127.0.0.1]>"));
    CHECK(has(std::string{"<victim@example.org\0@example.com>", 33}));
    // Whether everybody is taken at a domain of ours has to be known for each of them.
    auto const two =
        relay_tricks({"example.org", {"example.com", "mail.example.com"}, "mail.example.com", "127.0.0.1"});
    auto const local = [&](std::vector<relay_trick> const& list, std::string_view domain) {
        return std::count_if(list.begin(), list.end(), [&](auto const& t) { return t.local_domain == domain; });
    };
    CHECK(local(all, "example.com") > 5);
    CHECK(local(all, "mail.example.com") == 0);
    CHECK(local(two, "mail.example.com") > 5);
    auto const bare = relay_tricks({"example.org", {}, "mail.example.com", "127.0.0.1"});
    CHECK(bare.size() > 40);
    CHECK(bare.size() < all.size());
    CHECK(std::none_of(bare.begin(), bare.end(), [](auto const& t) { return t.to.find("@>") != std::string::npos; }));
}
