#include "porter/autoconfig.hpp"

#include "http/message.hpp"

namespace postern::porter {
namespace {

// What the format allows for the two names.
constexpr std::size_t longest_name = 60, longest_short_name = 20;

void add_server(std::string& xml, std::string_view element, std::string_view type, place const& p)
{
    xml += "    <";
    xml += element;
    xml += " type=\"";
    xml += type;
    xml += "\">\n      <hostname>";
    xml += http::escaped(p.host);
    xml += "</hostname>\n      <port>";
    xml += std::to_string(p.port);
    xml += "</port>\n      <socketType>";
    xml += p.how == wrapping::implicit_tls ? "SSL" : "STARTTLS";
    // Inside TLS a cleartext password is what is meant.
    xml +=
        "</socketType>\n      <authentication>password-cleartext</authentication>\n"
        "      <username>%EMAILADDRESS%</username>\n    </";
    xml += element;
    xml += ">\n";
}

}  // namespace

std::string autoconfig(services const& s, std::string_view domain, std::string_view mx)
{
    auto const name = http::escaped(domain);
    std::string xml;
    xml.reserve(2048);
    // 1.1 is what everybody reads.
    xml += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<clientConfig version=\"1.1\">\n  <emailProvider id=\"";
    xml += name;
    xml += "\">\n    <domain>";
    xml += name;
    xml += "</domain>\n";
    if (!mx.empty() && mx != domain) {
        xml += "    <domain purpose=\"mx\">";
        xml += http::escaped(mx);
        xml += "</domain>\n";
    }
    xml += "    <displayName>";
    xml += http::escaped(name_for(s, domain, longest_name));
    xml += "</displayName>\n    <displayShortName>";
    xml += http::escaped(name_for(s, domain, longest_short_name));
    xml += "</displayShortName>\n";
    for (auto const& p : s.imap) add_server(xml, "incomingServer", "imap", p);
    for (auto const& p : s.pop3) add_server(xml, "incomingServer", "pop3", p);
    for (auto const& p : s.smtp) add_server(xml, "outgoingServer", "smtp", p);
    xml += "    <documentation url=\"";
    xml += http::escaped(s.url);
    xml +=
        "/setup\">\n      <descr lang=\"en\">How to set up a mail program</descr>\n"
        "      <descr lang=\"de\">So wird ein Mailprogramm eingerichtet</descr>\n    </documentation>\n"
        "  </emailProvider>\n</clientConfig>\n";
    return xml;
}

}  // namespace postern::porter
