#include <algorithm>

#include <doctest/doctest.h>

#include "config/settings.hpp"
#include "moving/fake_files.hpp"
#include "moving/plan.hpp"
#include "moving/sql_query.hpp"

namespace postern::moving {
namespace {

constexpr char const* services =
    "smtp inet n - y - - smtpd\n"
    "submission inet n - y - - smtpd\n"
    "  -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes\n"
    "  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject\n"
    "smtps inet n - y - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes\n";

fake_files disk_with(std::string main, std::string master = services)
{
    fake_files disk;
    disk.all["/etc/postfix/main.cf"] = std::move(main);
    disk.all["/etc/postfix/master.cf"] = std::move(master);
    return disk;
}

draft plan_of(fake_files& disk, wishes const& w = {})
{
    sources from;
    if (disk.all.contains("/etc/postfix/main.cf")) {
        auto read = read_postfix(disk, "/etc/postfix", "mail.example.com");
        REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().to_string()));
        from.postfix = std::move(*read);
    }
    if (disk.all.contains("/etc/dovecot/dovecot.conf")) {
        auto read = read_dovecot_folder(disk, "/etc/dovecot");
        REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().to_string()));
        from.dovecot = std::move(*read);
    }
    auto made = plan(from, disk, w);
    std::vector<config::problem> problems;
    auto const text = to_toml(made, "a test");
    CHECK_MESSAGE(config::parse(text, "postern.toml", problems).has_value(), text);
    return made;
}

// The value of a key; "-" when it is not there.
std::string toml_of(draft const& d, std::string_view key)
{
    auto const* e = d.find(key);
    return e == nullptr ? "-" : e->toml;
}

std::string rows_of(draft const& d, std::string_view list)
{
    std::string out;
    for (auto const& r : d.rows) {
        if (r.list != list) continue;
        for (auto const& e : r.entries) out += e.key + '=' + e.toml + ' ';
        out += '\n';
    }
    return out;
}

bool told(draft const& d, std::string_view name, weight w, std::string_view value = {})
{
    return std::any_of(d.findings.begin(), d.findings.end(), [&](auto const& f) {
        return f.name == name && f.how_much == w && (value.empty() || f.value == value);
    });
}

struct value_case {
    char const* main;
    char const* key;
    char const* toml;
};

constexpr value_case values[] = {
    {"myhostname = mx.example.com\n", "hostname", "\"mx.example.com\""},
    {"", "hostname", "-"},
    {"", "domains.local", "[\"mail.example.com\"]"},
    {"mydestination = $myhostname, $mydomain, localhost.$mydomain, localhost\n", "domains.local",
     "[\"mail.example.com\", \"example.com\"]"},
    {"mydestination =\nvirtual_mailbox_domains = a.example b.example\nvirtual_alias_domains = c.example\n",
     "domains.local", "[\"a.example\", \"b.example\", \"c.example\"]"},
    {"mydestination =\nvirtual_mailbox_domains = texthash:/t/domains\n", "domains.local", "[\"table.example\"]"},
    {"mydestination = /t/list\n", "domains.local", "[\"list.example\"]"},
    {"mydestination =\nvirtual_alias_maps = texthash:/t/virtual\n", "domains.local", "[\"alias.example\"]"},
    {"mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128\n", "relay.networks", "[\"127.0.0.0/8\", \"::1/128\"]"},
    {"mynetworks = 192.0.2.7, [2001:db8::]/64\n", "relay.networks", "[\"192.0.2.7/32\", \"2001:db8::/64\"]"},
    {"mynetworks = 0.0.0.0/0\n", "relay.networks", "-"},
    {"mynetworks = 127.0.0.0/8 !192.0.2.1 192.0.2.0/24\n", "relay.networks", "[\"127.0.0.0/8\"]"},
    {"mynetworks = /t/networks\n", "relay.networks", "[\"192.0.2.9/32\"]"},
    {"compatibility_level = 3.6\n", "relay.networks", "[\"127.0.0.0/8\", \"::1/128\"]"},
    {"mynetworks = 192.0.2.7\nsmtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination\n",
     "relay.networks", "-"},
    {"relayhost = [smtp.example.net]:587\n", "delivery.smart_host", "\"smtp.example.net:587\""},
    {"relayhost = [smtp.example.net]\n", "delivery.smart_host", "\"smtp.example.net:25\""},
    {"relayhost = [2001:db8::1]:submission\n", "delivery.smart_host", "\"[2001:db8::1]:587\""},
    {"relayhost =\n", "delivery.smart_host", "-"},
    {"relayhost = [a.example]\nsmtp_tls_security_level = encrypt\n", "delivery.require_tls", "true"},
    {"smtp_tls_security_level = encrypt\n", "delivery.require_tls", "-"},
    {"smtpd_tls_cert_file = /c.pem\n", "tls.private_key", "\"/c.pem\""},
    {"smtpd_tls_cert_file = /c.pem\nsmtpd_tls_key_file = /k.pem\n", "tls.private_key", "\"/k.pem\""},
    {"smtpd_tls_chain_files = /t/key.pem, /t/chain.pem\n", "tls.certificate", "\"/t/chain.pem\""},
    {"smtpd_tls_chain_files = /t/key.pem, /t/chain.pem\n", "tls.private_key", "\"/t/key.pem\""},
    {"smtpd_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1\n", "tls.minimum", "\"1.2\""},
    {"smtpd_tls_mandatory_protocols = >=TLSv1.3\n", "tls.minimum", "\"1.3\""},
    {"smtpd_tls_protocols = TLSv1.3\n", "tls.minimum", "\"1.3\""},
    {"smtpd_tls_protocols = !SSLv3\n", "tls.minimum", "-"},
    {"", "limits.message_size", "10240000"},
    {"message_size_limit = 26214400\n", "limits.message_size", "26214400"},
    {"message_size_limit = 0\n", "limits.message_size", "-"},
    {"smtpd_recipient_limit = 50\n", "limits.recipients", "50"},
    {"smtpd_client_connection_count_limit = 10\n", "limits.connections_per_address", "10"},
    {"maximal_queue_lifetime = 2d\n", "delivery.give_up_after", "\"2d\""},
    {"maximal_queue_lifetime = 2\n", "delivery.give_up_after", "\"2d\""},
    {"maximal_queue_lifetime = 1y\n", "delivery.give_up_after", "-"},
    {"delay_warning_time = 4h\n", "delivery.delay_notice_after", "\"4h\""},
    {"", "delivery.delay_notice_after", "\"0s\""},
    {"recipient_delimiter = +-\n", "submission.recipient_delimiter", "\"+\""},
    {"", "submission.recipient_delimiter", "\"\""},
    {"virtual_mailbox_domains = a.example\nvirtual_transport = lmtp:unix:private/dovecot-lmtp\n", "delivery.local",
     "\"lmtp:unix:/run/dovecot/lmtp\""},
    {"virtual_mailbox_domains = a.example\nvirtual_transport = lmtp:unix:/run/other/lmtp\n", "delivery.local",
     "\"lmtp:unix:/run/other/lmtp\""},
    {"virtual_mailbox_domains = a.example\nvirtual_transport = lmtp:inet:127.0.0.1:2424\n", "delivery.local",
     "\"lmtp:127.0.0.1:2424\""},
    {"virtual_mailbox_domains = a.example\nvirtual_transport = lmtp:[::1]\n", "delivery.local", "\"lmtp:[::1]:24\""},
    {"mailbox_transport = lmtp:unix:private/dovecot-lmtp\n", "delivery.local", "\"lmtp:unix:/run/dovecot/lmtp\""},
    {"virtual_mailbox_domains = a.example\nvirtual_mailbox_base = /v\nvirtual_mailbox_maps = hash:/t/boxes\n",
     "delivery.local", "\"maildir:/v/%d/%n\""},
    {"home_mailbox = Maildir/\n", "delivery.local", "\"lmtp:unix:/run/dovecot/lmtp\""},
    {"smtpd_tls_auth_only = yes\n", "auth.require_tls", "true"},
};

struct told_case {
    char const* main;
    char const* name;
    weight how_much;
    char const* value;
};

constexpr told_case findings[] = {
    {"mynetworks = 127.0.0.0/8 10.0.0.0/8\n", "mynetworks", weight::act, "10.0.0.0/8"},
    {"mynetworks = 0.0.0.0/0\n", "mynetworks", weight::act, "0.0.0.0/0"},
    {"", "mynetworks_style", weight::act, "subnet"},
    {"compatibility_level = 2\n", "mynetworks_style", weight::differs, "host"},
    {"relayhost = example.net\n", "relayhost", weight::act, "example.net"},
    {"relayhost = [a.example]\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = mysql:/x\n",
     "smtp_sasl_password_maps", weight::act, "mysql:/x"},
    {"smtpd_milters = inet:localhost:8891\n", "smtpd_milters", weight::act, ""},
    {"smtpd_milters =\n", "smtpd_milters", weight::fine, ""},
    {"content_filter = smtp-amavis:[127.0.0.1]:10024\n", "content_filter", weight::act, ""},
    {"header_checks = regexp:/x\n", "header_checks", weight::act, ""},
    {"transport_maps = hash:/x\n", "transport_maps", weight::act, ""},
    {"smtpd_recipient_restrictions = permit_mynetworks, check_policy_service inet:127.0.0.1:10023\n",
     "smtpd_recipient_restrictions", weight::act, "check_policy_service inet:127.0.0.1:10023"},
    {"smtpd_recipient_restrictions = reject_unauth_destination\n", "smtpd_recipient_restrictions", weight::fine,
     "reject_unauth_destination"},
    {"smtpd_client_restrictions = reject_rbl_client zen.example\n", "smtpd_client_restrictions", weight::act,
     "reject_rbl_client zen.example"},
    {"smtpd_helo_restrictions = reject_who_knows\n", "smtpd_helo_restrictions", weight::lost, "reject_who_knows"},
    {"virtual_mailbox_domains = mysql:/x\n", "virtual_mailbox_domains", weight::act, "mysql:/x"},
    {"virtual_alias_maps = hash:/nowhere\n", "virtual_alias_maps", weight::act, "hash:/nowhere"},
    {"smtp_sasl_password_maps = static:me:sesame\n", "smtp_sasl_password_maps", weight::differs, "(not shown)"},
    {"home_mailbox = Maildir/\n", "home_mailbox", weight::act, "Maildir/"},
    {"virtual_mailbox_domains = a.example\nvirtual_transport = dovecot\n", "virtual_transport", weight::act, "dovecot"},
    {"our_own = 10.0.0.1\nsmtp_bind_address = $our_own\n", "our_own", weight::fine, ""},
    {"never_heard_of = 1\n", "never_heard_of", weight::lost, "1"},
    {"message_size_limit = 0\n", "message_size_limit", weight::differs, "0"},
    {"smtpd_tls_protocols = !SSLv3\n", "smtpd_tls_protocols", weight::differs, ""},
    {"smtpd_sasl_type = cyrus\nsmtpd_sasl_auth_enable = yes\n", "smtpd_sasl_type", weight::act, "cyrus"},
};

}  // namespace

TEST_CASE("what main.cf sets becomes options")
{
    for (auto const& c : values) {
        CAPTURE(c.main);
        CAPTURE(c.key);
        auto disk = disk_with(c.main);
        disk.all["/t/domains"] = "table.example x\n";
        disk.all["/t/list"] = "list.example # x\nlocalhost\n";
        disk.all["/t/virtual"] = "alias.example anything\ninfo@alias.example ann@alias.example\n";
        disk.all["/t/networks"] = "192.0.2.9\n";
        disk.all["/t/key.pem"] = "-----BEGIN PRIVATE KEY-----\n";
        disk.all["/t/chain.pem"] = "-----BEGIN CERTIFICATE-----\n";
        disk.all["/t/boxes"] = "ann@a.example a.example/ann/\nbob@a.example a.example/bob/\n";
        auto const made = plan_of(disk);
        CHECK(toml_of(made, c.key) == c.toml);
    }
}

TEST_CASE("what can't be carried over is told, by how much it matters")
{
    for (auto const& c : findings) {
        CAPTURE(c.main);
        auto disk = disk_with(c.main);
        auto const made = plan_of(disk);
        CHECK_MESSAGE(told(made, c.name, c.how_much, c.value), to_report(made));
    }
}

TEST_CASE("nothing that is set is dropped without a word")
{
    std::string main;
    for (char const* name :
         {"smtpd_milters", "biff", "myhostname", "made_up", "smtpd_tls_security_level", "tls_high_cipherlist",
          "mydestination", "inet_interfaces", "smtpd_sasl_type", "bounce_queue_lifetime", "mailbox_transport",
          "smtpd_helo_required", "virtual_uid_maps", "smtp_tls_security_level", "local_transport"})
        main += std::string(name) + " = x.example\n";
    auto disk = disk_with(main);
    sources from;
    from.postfix = std::move(*read_postfix(disk, "/etc/postfix", "mail.example.com"));
    auto const made = plan(from, disk, {});
    auto const all = to_toml(made, "") + to_report(made);
    for (auto const* p : from.postfix->main.all()) CHECK_MESSAGE(all.find(p->name) != std::string::npos, p->name);
}

TEST_CASE("services become listeners")
{
    auto disk = disk_with("");
    CHECK(rows_of(plan_of(disk), "listener") ==
          "address=\":25\" role=\"mx\" tls=\"starttls\" \n"
          "address=\":587\" role=\"submission\" tls=\"starttls\" \n"
          "address=\":465\" role=\"submission\" tls=\"implicit\" \n");
    CHECK(rows_of(plan_of(disk, {.side_by_side = true}), "listener").find(":2587") != std::string::npos);
    CHECK(rows_of(plan_of(disk, {.submission_only = true}), "listener").find(":25\"") == std::string::npos);
    auto here =
        disk_with("inet_interfaces = 192.0.2.1, loopback-only\ninet_protocols = ipv4\nbroken_sasl_auth_clients = yes\n",
                  "smtp inet n - y - - smtpd -o smtpd_sasl_auth_enable=yes\n[::1]:2525 inet n - y - - smtpd\n");
    CHECK(rows_of(plan_of(here), "listener") ==
          "address=\"192.0.2.1:25\" role=\"mx\" tls=\"starttls\" auth_equals=true \n"
          "address=\"127.0.0.1:25\" role=\"mx\" tls=\"starttls\" auth_equals=true \n"
          "address=\"[::1]:2525\" role=\"mx\" tls=\"starttls\" \n");
    auto filtered = disk_with("content_filter = x:[127.0.0.1]:10024\n",
                              "smtp inet n - y - - smtpd\n127.0.0.1:10025 inet n - y - - smtpd -o content_filter=\n");
    CHECK(rows_of(plan_of(filtered), "listener") == "address=\":25\" role=\"mx\" tls=\"starttls\" \n");
}

TEST_CASE("only submission: mail goes on to Postfix")
{
    auto disk = disk_with(
        "mydestination = example.com\nrelayhost = [a.example]\nmynetworks = 127.0.0.0/8\nsmtpd_milters = x\n");
    auto const made = plan_of(disk, {.submission_only = true});
    CHECK(toml_of(made, "delivery.smart_host") == "\"127.0.0.1:25\"");
    CHECK(toml_of(made, "domains.local") == "-");
    CHECK(toml_of(made, "relay.networks") == "-");
    CHECK(told(made, "smtpd_milters", weight::fine));
    CHECK(told(made, "relayhost", weight::fine));
}

TEST_CASE("Dovecot's passdbs become back ends")
{
    struct passdb_case {
        char const* name;
        char const* config;
        char const* rows;
    };
    constexpr passdb_case cases[] = {
        {"passwd-file", "passdb {\n driver = passwd-file\n args = scheme=sha512-crypt username_format=%u /u\n}\n",
         "name=\"users\" type=\"files\" path=\"/u\" format=\"dovecot\" scheme=\"SHA512-CRYPT\" \n"},
        {"names without a domain",
         "auth_default_realm = example.com\npassdb {\n driver = passwd-file\n args = /bare\n}\n",
         "name=\"users\" type=\"files\" path=\"/bare\" format=\"dovecot\" domain=\"example.com\" \n"},
        {"pam", "auth_default_realm = example.com\npassdb {\n driver = pam\n args = session=yes dovecot-x\n}\n",
         "name=\"system\" type=\"pam\" service=\"dovecot-x\" domain=\"example.com\" \n"},
        {"pam by its default", "auth_default_realm = example.com\npassdb {\n driver = pam\n}\n",
         "name=\"system\" type=\"pam\" service=\"dovecot\" domain=\"example.com\" \n"},
        {"shadow", "auth_default_realm = example.com\npassdb {\n driver = shadow\n}\n",
         "name=\"system\" type=\"files\" path=\"/etc/shadow\" format=\"shadow\" domain=\"example.com\" \n"},
        {"files first",
         "auth_default_realm = example.com\npassdb {\n driver = pam\n}\npassdb {\n driver = passwd-file\n args = "
         "/u\n}\n",
         "name=\"users\" type=\"files\" path=\"/u\" format=\"dovecot\" \n"
         "name=\"system\" type=\"pam\" service=\"dovecot\" domain=\"example.com\" \n"},
        {"a file for each domain", "passdb {\n driver = passwd-file\n args = /u/%d/passwd\n}\n",
         "name=\"dovecot\" type=\"dovecot\" path=\"/run/dovecot/auth-postern\" users=\"/run/dovecot/postern-userdb\" "
         "\n"},
        {"lua, at another place", "base_dir = /var/run/d/\npassdb {\n driver = lua\n}\n",
         "name=\"dovecot\" type=\"dovecot\" path=\"/var/run/d/auth-postern\" users=\"/var/run/d/postern-userdb\" \n"},
        {"one kept out", "passdb {\n driver = passwd-file\n deny = yes\n args = /u\n}\npassdb {\n driver = pam\n}\n",
         "name=\"dovecot\" type=\"dovecot\" path=\"/run/dovecot/auth-postern\" users=\"/run/dovecot/postern-userdb\" "
         "\n"},
    };
    for (auto const& c : cases) {
        CAPTURE(c.name);
        fake_files disk;
        disk.all["/etc/dovecot/dovecot.conf"] = std::string("protocols = imap lmtp\nmail_plugins = x\n") + c.config;
        disk.all["/u"] = "ann@example.com:{PLAIN}x\n";
        disk.all["/bare"] = "ann:{PLAIN}x\n";
        auto const made = plan_of(disk);
        CHECK(rows_of(made, "backend") == c.rows);
        CHECK(told(made, "mail_plugins", weight::fine));
    }
}

TEST_CASE("Dovecot's directories and databases become back ends")
{
    struct remote_case {
        char const* name;
        char const* driver;
        char const* file;
        char const* rows;
    };
    constexpr char const* socket =
        "name=\"dovecot\" type=\"dovecot\" path=\"/run/dovecot/auth-postern\" users=\"/run/dovecot/postern-userdb\" \n";
    constexpr remote_case cases[] = {
        {"LDAP, by a search", "ldap",
         "hosts = ldap.example.com\ntls = yes\ntls_ca_cert_file = /ca.pem\ndn = cn=x\ndnpass = sesame\nauth_bind = "
         "yes\n"
         "base = dc=x\npass_filter = (mail=%Lu)\nuser_filter = (alias=%u)\npass_attrs = mail=user\n",
         "name=\"ldap\" type=\"ldap\" urls=[\"ldap://ldap.example.com\"] authorities=\"/ca.pem\" service_dn=\"cn=x\" "
         "password_file=\"/etc/postern/ldap-password\" base=\"dc=x\" passwords=\"bind\" filter=\"(mail=%u)\" "
         "recipient_filter=\"(alias=%u)\" \n"},
        {"LDAP, by name", "ldap", "uris = ldap://localhost/\nauth_bind = yes\nauth_bind_userdn = uid=%n,dc=x\n",
         "name=\"ldap\" type=\"ldap\" urls=[\"ldap://localhost\"] tls=\"none\" passwords=\"bind\" "
         "bind_dn=\"uid=%n,dc=x\" "
         "address_attribute=\"\" domain=\"example.com\" \n"},
        {"LDAP, hashes", "ldap",
         "uris = ldaps://h\nbase = dc=x\npass_filter = (mail=%u)\npass_attrs = mail=user,hash=password\n",
         "name=\"ldap\" type=\"ldap\" urls=[\"ldaps://h\"] base=\"dc=x\" passwords=\"fetch\" filter=\"(mail=%u)\" "
         "password_attribute=\"hash\" \n"},
        {"LDAP, a base for each user", "ldap", "uris = ldaps://h\nbase = dc=%d\npass_filter = (mail=%u)\n", socket},
        {"LDAP, no base", "ldap", "uris = ldaps://h\npass_filter = (mail=%u)\n", socket},
        {"LDAP, other variables", "ldap", "uris = ldaps://h\nbase = dc=x\npass_filter = (ip=%r)\n", socket},
        {"PostgreSQL", "sql",
         "driver = pgsql\nconnect = host=a host=b dbname=m user=u password=sesame,77 maxconns=4\n"
         "password_query = SELECT password FROM users WHERE name = '%n'\n",
         "name=\"sql\" type=\"postgresql\" password_file=\"/etc/postern/postgresql.password\" "
         "connection=\"host=a,b dbname=m user=u\" user_query=\"SELECT password FROM users WHERE name = $1\" "
         "scheme=\"MD5\" "
         "domain=\"example.com\" \n"},
        {"PostgreSQL, a query by the client's address", "sql",
         "driver = pgsql\nconnect = dbname=m\npassword_query = SELECT p FROM u WHERE a = '%u' AND ip = '%r'\n", socket},
        {"MySQL", "sql", "driver = mysql\nconnect = dbname=m\npassword_query = SELECT p FROM u WHERE a = '%u'\n",
         socket},
    };
    for (auto const& c : cases) {
        CAPTURE(c.name);
        fake_files disk;
        disk.all["/etc/dovecot/dovecot.conf"] =
            "auth_default_realm = example.com\npassdb {\n driver = " + std::string(c.driver) +
            "\n args = /x.conf.ext\n}\n";
        disk.all["/x.conf.ext"] = c.file;
        auto const made = plan_of(disk);
        CHECK(rows_of(made, "backend") == c.rows);
        CHECK((to_toml(made, "") + to_report(made)).find("sesame") == std::string::npos);
    }
}

TEST_CASE("mechanisms: what back ends can serve")
{
    fake_files disk;
    disk.all["/u"] = "ann@example.com:{PLAIN}x\n";
    disk.all["/etc/dovecot/dovecot.conf"] =
        "auth_mechanisms = plain login scram-sha-256 cram-md5 digest-md5\npassdb {\n driver = passwd-file\n args = "
        "/u\n}\n";
    auto made = plan_of(disk);
    CHECK(toml_of(made, "auth.mechanisms") == "[\"PLAIN\", \"LOGIN\", \"SCRAM-SHA-256\"]");
    CHECK(told(made, "auth_mechanisms", weight::differs, "CRAM-MD5"));
    CHECK(told(made, "auth_mechanisms", weight::differs, "DIGEST-MD5"));
    made = plan_of(disk, {.users = user_source::socket});
    CHECK(toml_of(made, "auth.mechanisms") == "[\"PLAIN\", \"LOGIN\"]");
    auto postfix = disk_with("smtpd_sasl_type = dovecot\nsmtpd_sasl_path = private/auth\n");
    made = plan_of(postfix);
    CHECK(rows_of(made, "backend").find("auth-postern") != std::string::npos);
    CHECK(told(made, "service auth", weight::act));
}

TEST_CASE("aliases and grants become commands when the users are ours")
{
    auto disk = disk_with(
        "mydestination = example.com\nmyorigin = example.com\nvirtual_alias_maps = hash:/t/virtual\n"
        "alias_maps = hash:/etc/aliases\nsmtpd_sender_login_maps = hash:/t/senders\n");
    disk.all["/t/virtual"] =
        "info@example.com ann\nsales@example.com info@example.com\nteam@example.com ann, bob\n"
        "old@example.com old@example.net\n@example.com ann\nann@example.com ann@example.com\n";
    disk.all["/etc/aliases"] = "postmaster: root\nroot: ann\nlist: |/usr/bin/list\n";
    disk.all["/t/senders"] =
        "office@example.com ann, bob@example.com\n@example.org ann\nann@example.com ann@example.com\n";
    disk.all["/u"] = "ann@example.com:{PLAIN}x\n";
    disk.all["/etc/dovecot/dovecot.conf"] = "passdb {\n driver = passwd-file\n args = /u\n}\n";
    auto const made = plan_of(disk, {.users = user_source::taken_over});
    CHECK(made.commands == std::vector<std::string>{
                               "postern import /u",
                               "postern account alias add ann@example.com info@example.com",
                               "postern account alias add ann@example.com sales@example.com",
                               "postern account alias add ann@example.com postmaster@example.com",
                               "postern account alias add ann@example.com root@example.com",
                               "postern account send-as add ann@example.com office@example.com",
                               "postern account send-as add bob@example.com office@example.com",
                               "postern account send-as add ann@example.com @example.org",
                           });
    CHECK(told(made, "virtual_alias_maps (1 rows)", weight::act, "team@example.com"));
    CHECK(told(made, "virtual_alias_maps (1 rows)", weight::act, "old@example.com"));
    CHECK(told(made, "virtual_alias_maps (1 rows)", weight::act, "@example.com"));
    CHECK(told(made, "alias_maps (1 rows)", weight::act, "list"));
    auto const asked = plan_of(disk);
    CHECK(asked.commands.empty());
    CHECK(told(asked, "7 aliases and grants", weight::act));
}

TEST_CASE("Dovecot's queries with $1")
{
    struct query_case {
        char const* query;
        char const* text;  // nullptr: it can't be translated
        bool by_name;
    };
    constexpr query_case cases[] = {
        {"SELECT password FROM users WHERE address = '%u'", "SELECT password FROM users WHERE address = $1", false},
        {"SELECT password FROM users WHERE address = '%Lu'", "SELECT password FROM users WHERE address = $1", false},
        {"SELECT p FROM u WHERE a = '%{user}'", "SELECT p FROM u WHERE a = $1", false},
        {"SELECT p FROM u WHERE a = '%n@%d'", "SELECT p FROM u WHERE a = $1", false},
        {"SELECT p FROM u WHERE n = '%n' AND d = '%d'",
         "SELECT p FROM u WHERE n = split_part($1::text, '@', 1) AND d = split_part($1::text, '@', 2)", false},
        {"SELECT p FROM u WHERE n = '%n'", "SELECT p FROM u WHERE n = $1", true},
        {"SELECT p FROM u WHERE a = '%n+%d'",
         "SELECT p FROM u WHERE a = (split_part($1::text, '@', 1) || '+' || split_part($1::text, '@', 2))", false},
        {"SELECT '' AS x, 'it''s' AS y FROM u WHERE a LIKE '100%%' AND b = '%u'",
         "SELECT '' AS x, 'it''s' AS y FROM u WHERE a LIKE '100%' AND b = $1", false},
        {"SELECT p FROM u WHERE a = %u", "SELECT p FROM u WHERE a = $1", false},
        {"SELECT p FROM u WHERE a = '%u' AND ip = '%r'", nullptr, false},
        {"SELECT p FROM u WHERE a = '%u", nullptr, false},
        {"SELECT p FROM u", nullptr, false},
        {"SELECT p FROM u WHERE %", nullptr, false},
    };
    for (auto const& c : cases) {
        CAPTURE(c.query);
        auto const made = translate_query(c.query);
        CHECK(made.why_not.empty() == (c.text != nullptr));
        if (c.text == nullptr) continue;
        CHECK(made.text == c.text);
        CHECK(made.by_name == c.by_name);
    }
}

TEST_CASE("words for a shell")
{
    CHECK(shell_word("ann@example.com") == "ann@example.com");
    CHECK(shell_word("it's; rm -rf $HOME") == "'it'\\''s; rm -rf $HOME'");
    CHECK(shell_word("") == "''");
}

TEST_CASE("what Postern's parser refuses is told and not written")
{
    auto disk = disk_with("smtpd_tls_cert_file = /" + std::string(5000, 'x') +
                          "\nvirtual_mailbox_domains = a.example\n"
                          "virtual_transport = lmtp:unix:/run/\x01\xff\n");
    auto const made = plan_of(disk);
    CHECK(toml_of(made, "tls.certificate") == "-");
    CHECK(toml_of(made, "tls.private_key") == "-");
    CHECK(toml_of(made, "delivery.local") == "-");
    CHECK(told(made, "delivery.local", weight::act));
}

}  // namespace postern::moving
