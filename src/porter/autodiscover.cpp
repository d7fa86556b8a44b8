#include "porter/autodiscover.hpp"

#include <chrono>

#include <boost/json.hpp>
#include <pugixml.hpp>

#include "base/text.hpp"
#include "http/message.hpp"

namespace postern::porter {
namespace json = boost::json;
namespace {

constexpr std::size_t longest_address = 320;
constexpr std::string_view head = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
constexpr std::string_view envelope =
    "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006\">\n";

// A comment or a processing instruction is not looked at, and an entity is one of XML's own five. A DTD is kept, to be
// refused: who asks for settings has none, and nothing of it would be read.
constexpr unsigned reading = pugi::parse_escapes | pugi::parse_cdata | pugi::parse_eol | pugi::parse_doctype;

/// By the name behind any prefix: who asks writes the namespace in several ways.
pugi::xml_node child(pugi::xml_node node, std::string_view name)
{
    for (auto const one : node.children()) {
        std::string_view found = one.name();
        if (auto const colon = found.find(':'); colon != std::string_view::npos) found.remove_prefix(colon + 1);
        if (equal_ignoring_case(found, name)) return one;
    }
    return {};
}

std::string_view text_of(pugi::xml_node node)
{
    std::string_view text = node.child_value();
    constexpr std::string_view blank = " \t\r\n";
    auto const begin = text.find_first_not_of(blank);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

void add(std::string& xml, std::string_view element, std::string_view value)
{
    xml += "        <";
    xml += element;
    xml += '>';
    xml += http::escaped(value);
    xml += "</";
    xml += element;
    xml += ">\n";
}

/// What stands for the defaults is written all the same: they are of the kind that breaks a log-in (SPA is on).
void add_protocol(std::string& xml, std::string_view type, std::vector<place> const& places, std::string_view address)
{
    if (places.empty()) return;
    auto const& p = places.front();
    bool const implicit = p.how == wrapping::implicit_tls;
    xml += "      <Protocol>\n";
    add(xml, "Type", type);
    add(xml, "Server", p.host);
    add(xml, "Port", std::to_string(p.port));
    add(xml, "DomainRequired", "off");
    // Without it, Outlook logs in with the local part alone.
    add(xml, "LoginName", address);
    add(xml, "SPA", "off");
    add(xml, "SSL", "on");
    add(xml, "Encryption", implicit ? "SSL" : "TLS");
    add(xml, "AuthRequired", "on");
    if (type == "SMTP") {
        add(xml, "UsePOPAuth", "on");
        add(xml, "SMTPLast", "off");
    }
    xml += "      </Protocol>\n";
}

std::string_view message_of(autodiscover_error what) noexcept
{
    switch (what) {
        case autodiscover_error::unknown_address: return "There are no settings here for this address.";
        case autodiscover_error::invalid_request:
            return "This is where Outlook asks for its settings, by a POST with an address. Enter your address in "
                   "Outlook, "
                   "and it will.";
        case autodiscover_error::other_schema: return "Only settings of IMAP, POP3 and SMTP are here.";
    }
    return "";
}

}  // namespace

autodiscover_question read_autodiscover(std::string_view body)
{
    autodiscover_question q;
    if (body.size() > longest_autodiscover_request) return q;
    pugi::xml_document tree;
    if (!tree.load_buffer(body.data(), body.size(), reading)) return q;
    for (auto const one : tree.children())
        if (one.type() == pugi::node_doctype) return q;
    auto const request = child(child(tree, "Autodiscover"), "Request");
    if (!request) return q;
    auto const schema = text_of(child(request, "AcceptableResponseSchema"));
    if (auto const address = text_of(child(request, "EMailAddress")); address.size() <= longest_address)
        q.address = address;
    // Who names no schema is Outlook of old, or a person who tries.
    bool const ours = schema.empty() || to_lower(schema).ends_with("/outlook/responseschema/2006a");
    if (!ours)
        q.what = autodiscover_question::kind::other_schema;
    else if (!q.address.empty())
        q.what = autodiscover_question::kind::settings;
    return q;
}

std::string autodiscover(services const& s, std::string_view address)
{
    std::string xml;
    xml.reserve(2048);
    xml += head;
    xml += envelope;
    xml +=
        "  <Response xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a\">\n"
        "    <User>\n      <DisplayName>";
    // Whose name it is would tell who has an account.
    xml += http::escaped(address);
    xml +=
        "</DisplayName>\n    </User>\n"
        "    <Account>\n      <AccountType>email</AccountType>\n      <Action>settings</Action>\n";
    add_protocol(xml, "IMAP", s.imap, address);
    add_protocol(xml, "POP3", s.pop3, address);
    add_protocol(xml, "SMTP", s.smtp, address);
    xml += "    </Account>\n  </Response>\n</Autodiscover>\n";
    return xml;
}

std::string autodiscover(autodiscover_error what, wall_time now)
{
    using namespace std::chrono;
    auto const day = duration_cast<seconds>(now.time_since_epoch()).count() % 86400;
    auto const two = [](long long n) { return std::string{n < 10 ? "0" : ""} + std::to_string(n); };
    std::string xml{head};
    xml += envelope;
    xml += "  <Response>\n    <Error Time=\"" + two(day / 3600) + ':' + two(day / 60 % 60) + ':' + two(day % 60) +
           ".0000000\" Id=\"0\">\n      <ErrorCode>" + std::to_string(static_cast<int>(what)) +
           "</ErrorCode>\n      <Message>" + http::escaped(message_of(what)) +
           "</Message>\n      <DebugData />\n    </Error>\n  </Response>\n</Autodiscover>\n";
    return xml;
}

std::string autodiscover_pointer(std::string_view site)
{
    json::object o;
    o["Protocol"] = "AutodiscoverV1";
    o["Url"] = std::string{site} + "/autodiscover/autodiscover.xml";
    return json::serialize(o);
}

std::string autodiscover_json_error(std::string_view code, std::string_view text)
{
    json::object o;
    o["ErrorCode"] = code;
    o["ErrorMessage"] = text;
    return json::serialize(o);
}

}  // namespace postern::porter
