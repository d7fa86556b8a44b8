#include <doctest/doctest.h>

#include "moving/dovecot_conf.hpp"
#include "moving/fake_files.hpp"
#include "moving/sources.hpp"

namespace postern::moving {

TEST_CASE("dovecot.conf: settings, sections and what it includes")
{
    fake_files disk;
    disk.all["/etc/dovecot/dovecot.conf"] =
        "!include_try /usr/share/dovecot/protocols.d/*.protocol\n"
        "# protocols = x\n"
        "mail_plugins = quota\n"
        "!include conf.d/*.conf\n"
        "!include_try local.conf\n"
        "login_greeting = \"a \\\"b\\\" # c\"   # a comment\n"
        "long = one \\\n  two\n"
        "password = a#b\n"
        "ssl_cert = </etc/ssl/a.pem\n"
        "ssl_key = # hidden, use -P to show it\n";
    disk.all["/etc/dovecot/conf.d/10-auth.conf"] =
        "auth_mechanisms = plain login\n"
        "passdb {\n  driver = passwd-file\n  args = scheme=SHA512-CRYPT /etc/dovecot/users\n}\n";
    disk.all["/etc/dovecot/conf.d/20-mail.conf"] =
        "protocol imap {\n  mail_plugins = $mail_plugins imap_quota\n}\n"
        "service auth {\n  unix_listener /var/spool/postfix/private/auth {\n    mode = 0660\n  }\n}\n";
    disk.all["/etc/dovecot/conf.d/auth-x.conf.ext"] = "broken {\n";
    auto const root = read_dovecot(disk, "/etc/dovecot/dovecot.conf");
    REQUIRE_MESSAGE(root.has_value(), (root ? "" : root.error().to_string()));
    CHECK(root->value("auth_mechanisms") == "plain login");
    CHECK(root->find("auth_mechanisms")->at.to_string() == "/etc/dovecot/conf.d/10-auth.conf:1");
    CHECK(root->value("login_greeting") == "a \"b\" # c");
    CHECK(root->value("long") == "one  two");
    CHECK(root->value("password") == "a#b");
    CHECK(root->find("ssl_cert")->from_file);
    CHECK(root->value("ssl_cert") == "/etc/ssl/a.pem");
    CHECK(root->find("ssl_key")->hidden);
    REQUIRE(root->all("passdb").size() == 1);
    CHECK(root->all("passdb")[0]->value("args") == "scheme=SHA512-CRYPT /etc/dovecot/users");
    CHECK(root->all("protocol", "imap")[0]->value("mail_plugins") == "quota imap_quota");
    auto const* listener = root->all("service", "auth")[0]->all("unix_listener")[0];
    CHECK(listener->name == "/var/spool/postfix/private/auth");
    CHECK(listener->value("mode") == "0660");
}

namespace {

struct wrong_case {
    char const* name;
    std::string text;
    char const* place;
    char const* said;
};

std::string deep(char const* open, std::size_t times)
{
    std::string text;
    for (std::size_t i = 0; i < times; ++i) text += open;
    return text;
}

}  // namespace

TEST_CASE("dovecot.conf: what can't be read is named by its place")
{
    wrong_case const wrong[] = {
        {"a file includes itself", "a = b\n!include dovecot.conf\n", "/d/dovecot.conf:2", "includes itself"},
        {"by way of another", "!include circle.conf\n", "/d/circle.conf:1", "includes itself"},
        {"a file that is not there", "\n!include nowhere.conf\n", "/d/dovecot.conf:2", "No such file"},
        {"a pattern that fits nothing", "!include nowhere/*.conf\n", "/d/dovecot.conf:1", "there is no file"},
        {"a section without an end", "a = b\npassdb {\n  driver = pam\n", "/d/dovecot.conf:2", "never closed"},
        {"an end without a section", "a = b\n}\n", "/d/dovecot.conf:2", "without a section"},
        {"a section without a name", "{\n}\n", "/d/dovecot.conf:1", "without the name"},
        {"neither setting nor section", "what is this\n", "/d/dovecot.conf:1", "neither"},
        {"a value without a name", "= x\n", "/d/dovecot.conf:1", "without a name"},
        {"another command", "!exclude x\n", "/d/dovecot.conf:1", "neither"},
        {"a giant line", "a = " + std::string(70'000, 'x') + "\n", "/d/dovecot.conf:1", "longer than"},
        {"a giant line in pieces", deep((std::string(900, 'x') + "\\\n").c_str(), 80), "/d/dovecot.conf:1",
         "longer than"},
        {"sections too deep", deep("a {\n", 40), "/d/dovecot.conf:33", "deep"},
        {"too many settings", deep("a = b\n", 20'001), "/d/dovecot.conf:20001", "too many"},
        {"a NUL", std::string("a = b\nc\0d\n", 10), "/d/dovecot.conf:2", "NUL"},
        {"a chain of files", "!include chain0.conf\n", "/d/chain14.conf:1", "16 deep"},
        {"a value that doubles", "a = " + std::string(60'000, 'x') + "\na = $a $a\n", "/d/dovecot.conf:2", "64 KiB"},
        {"the format of 2.4", "dovecot_config_version = 2.4.0\n", "/d/dovecot.conf:1", "Dovecot 2.4"},
    };
    for (auto const& c : wrong) {
        CAPTURE(c.name);
        fake_files disk;
        disk.all["/d/dovecot.conf"] = c.text;
        disk.all["/d/circle.conf"] = "!include dovecot.conf\n";
        for (int i = 0; i < 20; ++i)
            disk.all["/d/chain" + std::to_string(i) + ".conf"] = "!include chain" + std::to_string(i + 1) + ".conf\n";
        auto const read = read_dovecot_folder(disk, "/d");
        REQUIRE_FALSE(read);
        CHECK(read.error().at.to_string() == c.place);
        CHECK_MESSAGE(read.error().text.find(c.said) != std::string::npos, read.error().text);
    }
    fake_files nothing;
    auto const read = read_dovecot_folder(nothing, "/d");
    REQUIRE_FALSE(read);
    CHECK(read.error().to_string() == "/d/dovecot.conf: No such file or directory");
}

}  // namespace postern::moving
