#include "moving/remote_passdbs.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "config/values.hpp"
#include "moving/lines.hpp"
#include "moving/sql_query.hpp"

namespace postern::moving {
namespace {

void tell(mapped_remote& made, weight w, setting const& s, std::string value, std::string why)
{
    made.findings.push_back({w, s.at, s.key, std::move(value), std::move(why)});
}

// What is not in `known` has no counterpart.
void tell_others(mapped_remote& made, section const& settings, std::vector<std::string_view> const& known)
{
    for (auto const& s : settings.settings)
        if (std::find(known.begin(), known.end(), s.key) == known.end())
            tell(made, weight::lost, s,
                 s.key.find("pass") == std::string::npos || s.key.ends_with("_attrs") ? s.value : "(not shown)",
                 "The back end has no such key.");
}

void password_file(mapped_remote& made, setting const& s, std::string const& file)
{
    made.entries.push_back({"password_file", config::quote(file), {}});
    tell(made, weight::act, s, "(not shown)",
         "Write this password into " + file + ", which only the user postern may read.");
}

// Blanks part the words, but for those in single quotes and behind a backslash.
std::vector<std::string> connection_words(std::string_view text)
{
    std::vector<std::string> list;
    std::string word;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        bool const blank = c == ' ' || c == '\t';
        if (blank && !quoted) {
            if (!word.empty()) list.push_back(std::exchange(word, {}));
            continue;
        }
        if (c == '\'') quoted = !quoted;
        word += c;
        if (c == '\\' && i + 1 < text.size()) word += text[++i];
    }
    if (!word.empty()) list.push_back(std::move(word));
    return list;
}

// "host=a host=b dbname=mails user=x password=y" as libpq takes it, without the password.
std::string connection(mapped_remote& made, setting const& s)
{
    std::string hosts, rest;
    for (auto const& word : connection_words(s.value)) {
        auto const [key, value] = split_pair(word);
        if (key == "password") {
            password_file(made, s, "/etc/postern/postgresql.password");
        } else if (key == "host") {
            hosts += (hosts.empty() ? "" : ",") + std::string(value);
        } else if (key != "maxconns") {
            rest += ' ' + word;
        }
    }
    return std::string(trimmed((hosts.empty() ? std::string{} : "host=" + hosts) + rest));
}

bool is_here(std::string_view url)
{
    return url.starts_with("ldapi:") || url.starts_with("ldap://localhost") || url.starts_with("ldap://127.") ||
           url.starts_with("ldap://[::1]");
}

std::vector<std::string> ldap_urls(section const& settings)
{
    auto list = words(settings.value("uris"));
    for (auto const& host : words(settings.value("hosts"))) list.push_back("ldap://" + host);
    for (auto& url : list)
        while (url.ends_with('/')) url.pop_back();
    return list;
}

// "uid=user, userPassword=password": the attribute that becomes `what`.
std::string attribute_of(std::string_view attributes, std::string_view what)
{
    for (auto const& word : words(attributes))
        if (auto const [attribute, field] = split_pair(word); field == what) return std::string(attribute);
    return {};
}

// Dovecot's %Lu, %{user} and the like as %u, %n and %d, which mean the same in both. False: one
// that has no counterpart.
bool plain_letters(std::string& text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        std::size_t length = 0;
        auto const found = variable_at(std::string_view{text}.substr(i), length);
        if (found == variable::none) return false;
        out += found == variable::user     ? "%u"
               : found == variable::name   ? "%n"
               : found == variable::domain ? "%d"
                                           : "%%";
        i += length - 1;
    }
    text = out;
    return true;
}

}  // namespace

mapped_remote map_sql(section const& settings)
{
    mapped_remote made;
    auto const driver = settings.value("driver");
    auto const* query = settings.find("password_query");
    auto const* connect = settings.find("connect");
    if (driver != "pgsql") {
        made.why_not = "Postern asks PostgreSQL itself, but no database of the kind \"" + driver + "\".";
        return made;
    }
    if (query == nullptr || connect == nullptr || connect->hidden) {
        made.why_not = "The database's connect and password_query are not both there.";
        return made;
    }
    auto const translated = translate_query(query->value);
    if (!translated.why_not.empty()) {
        made.why_not = "The password_query can't be translated: " + translated.why_not + '.';
        return made;
    }
    made.entries.push_back(
        {"connection", config::quote(connection(made, *connect)), connect->at.to_string() + ": connect"});
    made.entries.push_back({"user_query", config::quote(translated.text), query->at.to_string() + ": password_query"});
    made.entries.push_back({"scheme", config::quote(to_upper(settings.value("default_pass_scheme", "MD5"))), {}});
    made.takes_domain = true;
    made.needs_domain = translated.by_name;
    tell(made, weight::differs, *query, query->value,
         "Translated; look at user_query. Postern takes the columns password, address, enabled and smtp_auth, and "
         "nothing from others, such as nologin or allow_nets.");
    if (connect->value.find("sslmode") == std::string::npos && connect->value.find("localhost") == std::string::npos &&
        connect->value.find("127.0.0.1") == std::string::npos && connect->value.find("host=/") == std::string::npos)
        tell(made, weight::act, *connect, "(not shown)",
             "Says nothing of TLS. Over a network add sslmode=verify-full to `connection`.");
    for (std::string_view const name : {"user_query", "iterate_query"})
        if (auto const* s = settings.find(name))
            tell(made, name == "user_query" ? weight::differs : weight::fine, *s, s->value,
                 name == "user_query" ? "Whoever the password_query finds gets mail; if aliases do, too, write a "
                                        "recipient_query. Dovecot keeps this one for the mailboxes."
                                      : "Stays Dovecot's.");
    tell_others(made, settings,
                {"driver", "connect", "password_query", "default_pass_scheme", "user_query", "iterate_query"});
    return made;
}

mapped_remote map_ldap(section const& settings)
{
    mapped_remote made;
    auto const urls = ldap_urls(settings);
    auto base = settings.value("base");
    auto filter = settings.value("pass_filter", "(&(objectClass=posixAccount)(uid=%u))");
    auto users = settings.value("user_filter");
    auto bind_dn = settings.value("auth_bind_userdn");
    bool const bind = settings.value("auth_bind") == "yes";
    if (urls.empty()) made.why_not = "The LDAP servers (hosts or uris) are not named.";
    if (base.find('%') != std::string::npos) made.why_not = "The base of the LDAP search depends on the user.";
    if (base.empty() && !(bind && !bind_dn.empty())) made.why_not = "The base of the LDAP search is not named.";
    if (settings.value("sasl_bind") == "yes") made.why_not = "Dovecot binds to the LDAP server with SASL.";
    if (!plain_letters(filter) || !plain_letters(users) || !plain_letters(bind_dn))
        made.why_not = "A filter of the LDAP search has variables besides %u, %n and %d.";
    if (!made.why_not.empty()) return made;

    made.entries.push_back({"urls", toml_list(urls), {}});
    bool const here = std::all_of(urls.begin(), urls.end(), is_here);
    bool const in_clear = settings.value("tls", "no") != "yes";
    if (in_clear && here) made.entries.push_back({"tls", "\"none\"", "on this machine"});
    auto const clear =
        std::find_if(urls.begin(), urls.end(), [](auto const& u) { return u.starts_with("ldap://") && !is_here(u); });
    if (in_clear && !here && clear != urls.end())
        tell(made, weight::act, *settings.find(settings.find("uris") != nullptr ? "uris" : "hosts"), *clear,
             "Dovecot talks to it without TLS. Postern begins with StartTLS; where the server has none, see "
             "`plaintext`.");
    if (auto const* ca = settings.find("tls_ca_cert_file"))
        made.entries.push_back({"authorities", config::quote(ca->value), {}});
    auto const* dn = settings.find("dn");
    auto const* password = settings.find("dnpass");
    if (dn != nullptr && password != nullptr) {
        made.entries.push_back({"service_dn", config::quote(dn->value), {}});
        password_file(made, *password, "/etc/postern/ldap-password");
    }
    if (!base.empty()) made.entries.push_back({"base", config::quote(base), {}});
    made.entries.push_back({"passwords", bind ? "\"bind\"" : "\"fetch\"", {}});
    bool const by_name = bind && !bind_dn.empty();
    if (by_name)
        made.entries.push_back({"bind_dn", config::quote(bind_dn), "auth_bind_userdn"});
    else
        made.entries.push_back({"filter", config::quote(filter), "pass_filter"});
    if (!users.empty() && users != filter)
        made.entries.push_back({"recipient_filter", config::quote(users), "user_filter"});
    auto const attributes = settings.value("pass_attrs", "uid=user,userPassword=password");
    if (auto const name = attribute_of(attributes, "password"); !bind && !name.empty() && name != "userPassword")
        made.entries.push_back({"password_attribute", config::quote(name), {}});
    auto const address = attribute_of(attributes, "user");
    if (address != "mail") {
        made.entries.push_back({"address_attribute", "\"\"", "the name that was given"});
        if (!address.empty() && settings.find("pass_attrs") != nullptr)
            tell(made, weight::differs, *settings.find("pass_attrs"), attributes,
                 "The account's address is the name that was given at the log-in. If the directory has it, set "
                 "address_attribute to that attribute.");
    }
    if (auto const scheme = settings.find("default_pass_scheme"); scheme != nullptr && !bind)
        made.entries.push_back({"scheme", config::quote(to_upper(scheme->value)), {}});
    made.takes_domain = true;
    auto const bare = [](std::string const& pattern) {
        return !pattern.empty() && pattern.find("%u") == std::string::npos && pattern.find("%d") == std::string::npos;
    };
    made.needs_domain = bare(by_name ? bind_dn : filter) || bare(users);
    if (auto const* check = settings.find("tls_require_cert"))
        tell(made, weight::differs, *check, check->value, "Postern always verifies the server's certificate.");
    tell_others(made, settings,
                {"hosts",
                 "uris",
                 "base",
                 "pass_filter",
                 "user_filter",
                 "auth_bind_userdn",
                 "auth_bind",
                 "sasl_bind",
                 "tls",
                 "tls_ca_cert_file",
                 "dn",
                 "dnpass",
                 "pass_attrs",
                 "default_pass_scheme",
                 "tls_require_cert",
                 "ldap_version",
                 "user_attrs",
                 "iterate_attrs",
                 "iterate_filter",
                 "scope",
                 "deref"});
    if (auto const scope = settings.value("scope", "subtree"); scope != "subtree")
        tell(made, weight::differs, *settings.find("scope"), scope, "Postern searches everything below the base.");
    return made;
}

}  // namespace postern::moving
