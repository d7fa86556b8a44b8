#include "discovery/documents.hpp"

#include <algorithm>
#include <charconv>

#include <boost/json.hpp>
#include <pugixml.hpp>

#include "base/base64.hpp"
#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "mail/address.hpp"

namespace postern::discovery {

namespace {

using providers::security;

constexpr std::size_t longest_name = 60;
constexpr std::size_t longest_user = 320;
constexpr std::size_t most_kinds = 10;

std::string_view trimmed(std::string_view text) noexcept
{
    constexpr std::string_view blank = " \t\r\n";
    auto const begin = text.find_first_not_of(blank);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

std::string_view text_of(pugi::xml_node node, char const* child) { return trimmed(node.child_value(child)); }

std::optional<std::uint16_t> parse_port(std::string_view text)
{
    std::uint16_t port = 0;
    auto const* const end = text.data() + text.size();
    auto const [at, failed] = std::from_chars(text.data(), end, port);
    if (failed != std::errc{} || at != end || port == 0) return std::nullopt;
    return port;
}

// A comment, a DTD or a processing instruction is not looked at, and an entity is one of XML's own five.
constexpr unsigned reading = pugi::parse_escapes | pugi::parse_cdata | pugi::parse_eol;

bool load(pugi::xml_document& into, std::string_view xml, std::string& problem)
{
    if (xml.size() > longest_document) {
        problem = "it is longer than " + std::to_string(longest_document) + " octets";
        return false;
    }
    auto const read = into.load_buffer(xml.data(), xml.size(), reading);
    if (!read) problem = std::string{"it is no well-formed XML: "} + read.description();
    return static_cast<bool>(read);
}

// By the name alone: documents have their namespaces in several ways.
pugi::xml_node child_ignoring_case(pugi::xml_node node, std::string_view name)
{
    for (auto const child : node.children())
        if (equal_ignoring_case(child.name(), name)) return child;
    return {};
}

std::string_view kind_of(std::string_view word)
{
    if (word == "password-cleartext" || word == "plain") return "PLAIN";
    if (word == "password-encrypted" || word == "secure") return "CRAM-MD5";
    if (word == "OAuth2") return "OAUTH2";
    if (word == "GSSAPI" || word == "NTLM") return word;
    if (word == "TLS-client-cert") return "EXTERNAL";
    return {};
}

std::optional<security> security_of(std::string_view word)
{
    if (equal_ignoring_case(word, "ssl")) return security::implicit_tls;
    if (equal_ignoring_case(word, "starttls")) return security::starttls;
    if (equal_ignoring_case(word, "plain")) return security::none;
    return std::nullopt;
}

void complain(document& d, std::string_view what)
{
    if (d.problem.empty()) d.problem = printable(what, 200);
}

// Host and port, or a complaint.
bool set_place(document& d, published& p, std::string_view host, std::string_view port)
{
    auto const name = mail::parse_domain(host);
    auto const number = parse_port(port);
    if (!name) complain(d, "\"" + std::string{host} + "\" is no name of a server");
    if (!number) complain(d, "\"" + std::string{port} + "\" is no port");
    if (!name || !number) return false;
    p.host = *name;
    p.port = *number;
    return true;
}

void read_outgoing(document& d, pugi::xml_node server)
{
    published p;
    if (!set_place(d, p, text_of(server, "hostname"), text_of(server, "port"))) return;
    auto const how = security_of(text_of(server, "socketType"));
    if (!how) return complain(d, "its socketType is none of SSL, STARTTLS and plain");
    p.how = *how;
    p.user = printable(text_of(server, "username"), longest_user);
    for (auto const node : server.children("authentication")) {
        auto const kind = kind_of(trimmed(node.child_value()));
        if (!kind.empty() && p.auth.size() < most_kinds) p.auth.emplace_back(kind);
    }
    d.servers.push_back(std::move(p));
}

bool is_on(pugi::xml_node node, char const* child, bool otherwise)
{
    auto const word = text_of(node, child);
    return word.empty() ? otherwise : equal_ignoring_case(word, "on");
}

security security_of_protocol(pugi::xml_node protocol, std::uint16_t port)
{
    auto const word = text_of(protocol, "Encryption");
    if (equal_ignoring_case(word, "ssl")) return security::implicit_tls;
    if (equal_ignoring_case(word, "tls")) return security::starttls;
    if (equal_ignoring_case(word, "none")) return security::none;
    if (!is_on(protocol, "SSL", true))
        return equal_ignoring_case(word, "auto") ? security::starttls_optional : security::none;
    return port == 25 || port == 587 ? security::starttls : security::implicit_tls;
}

void read_protocol(document& d, pugi::xml_node protocol)
{
    published p;
    auto const port = text_of(protocol, "Port");
    if (!set_place(d, p, text_of(protocol, "Server"), port.empty() ? "465" : port)) return;
    p.how = security_of_protocol(protocol, p.port);
    p.user = printable(text_of(protocol, "LoginName"), longest_user);
    if (is_on(protocol, "SPA", false)) p.auth.emplace_back("NTLM");
    d.servers.push_back(std::move(p));
}

boost::json::object const* object_in(boost::json::object const* o, std::string_view key)
{
    if (o == nullptr) return nullptr;
    auto const* const found = o->if_contains(key);
    return found != nullptr ? found->if_object() : nullptr;
}

std::string_view string_in(boost::json::object const* o, std::string_view key)
{
    return o != nullptr ? text_in(*o, key) : std::string_view{};
}

}  // namespace

bool is_web_page(std::string_view body)
{
    auto const start = trimmed(body.substr(0, 512));
    return starts_with_ignoring_case(start, "<!doctype html") || starts_with_ignoring_case(start, "<html");
}

document parse_autoconfig(std::string_view xml)
{
    document d;
    pugi::xml_document tree;
    if (!load(tree, xml, d.problem)) return d;
    auto const provider = tree.child("clientConfig").child("emailProvider");
    if (!provider) {
        d.problem = "it has no emailProvider";
        return d;
    }
    d.display_name = printable(text_of(provider, "displayName"), longest_name);
    for (auto const server : provider.children("outgoingServer")) {
        if (d.servers.size() == most_servers) break;
        if (equal_ignoring_case(server.attribute("type").value(), "smtp")) read_outgoing(d, server);
    }
    if (d.servers.empty()) complain(d, "it names no outgoing server");
    return d;
}

autodiscovered parse_autodiscover(std::string_view xml)
{
    autodiscovered d;
    pugi::xml_document tree;
    if (!load(tree, xml, d.problem)) return d;
    auto const response = child_ignoring_case(child_ignoring_case(tree, "Autodiscover"), "Response");
    auto const account = child_ignoring_case(response, "Account");
    if (!account) {
        auto const fault = child_ignoring_case(response, "Error");
        complain(d, fault ? "it answers with error " + std::string{text_of(fault, "ErrorCode")} : "it has no account");
        return d;
    }
    d.redirect_address = printable(text_of(account, "RedirectAddr"), longest_user);
    d.redirect_url = printable(text_of(account, "RedirectUrl"));
    d.display_name = printable(text_of(response.child("User"), "DisplayName"), longest_name);
    for (auto const protocol : account.children("Protocol")) {
        if (d.servers.size() == most_servers) break;
        if (equal_ignoring_case(text_of(protocol, "Type"), "SMTP")) read_protocol(d, protocol);
    }
    if (d.servers.empty() && d.redirect_address.empty() && d.redirect_url.empty())
        complain(d, "it names no outgoing server");
    return d;
}

std::string autodiscover_request(std::string_view address)
{
    std::string escaped;
    for (char const c : address) {
        switch (c) {
            case '&': escaped += "&amp;"; break;
            case '<': escaped += "&lt;"; break;
            case '>': escaped += "&gt;"; break;
            default: escaped += c;
        }
    }
    return R"(<?xml version="1.0" encoding="utf-8"?>)"
           R"(<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">)"
           "<Request><EMailAddress>" +
           escaped +
           "</EMailAddress><AcceptableResponseSchema>"
           "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
           "</AcceptableResponseSchema></Request></Autodiscover>";
}

document parse_pacc(std::string_view json)
{
    document d;
    if (json.size() > longest_document) {
        d.problem = "it is longer than " + std::to_string(longest_document) + " octets";
        return d;
    }
    boost::json::parse_options options;
    options.max_depth = 10;
    boost::json::error_code failed;
    auto const value = boost::json::parse(json, failed, {}, options);
    auto const* const root = failed ? nullptr : value.if_object();
    if (root == nullptr) {
        d.problem = "it is no JSON object";
        return d;
    }
    d.display_name = printable(string_in(object_in(object_in(root, "info"), "provider"), "name"), longest_name);
    auto const* const smtp = object_in(object_in(root, "protocols"), "smtp");
    if (smtp == nullptr) {
        d.problem = "it names no outgoing server";
        return d;
    }
    published p;
    if (!set_place(d, p, string_in(smtp, "host"), "465")) return d;
    p.user = "%EMAILADDRESS%";
    if (auto const* const ways = object_in(root, "authentication")) {
        auto const* const password = ways->if_contains("password");
        if (password != nullptr && password->is_bool() && password->get_bool()) p.auth.emplace_back("PLAIN");
        if (ways->contains("oauth-public")) p.auth.emplace_back("OAUTH2");
    }
    d.servers.push_back(std::move(p));
    return d;
}

std::optional<std::string> parse_pacc_record(std::string_view text)
{
    bool is_record = false, by_sha256 = false;
    std::optional<std::string> octets;
    while (!text.empty()) {
        auto const end = text.find(';');
        auto const tag = trimmed(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (tag == "v=UAAC1") is_record = true;
        if (tag == "a=sha256") by_sha256 = true;
        if (tag.starts_with("d=")) octets = base64_decode(tag.substr(2));
    }
    if (!is_record || !by_sha256 || !octets || octets->size() != digest_size(hash::sha256)) return std::nullopt;
    return octets;
}

}  // namespace postern::discovery
