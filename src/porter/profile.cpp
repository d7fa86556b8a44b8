#include "porter/profile.hpp"

#include <algorithm>
#include <vector>

#include <boost/json.hpp>

#include "base/crypto.hpp"
#include "base/hex.hpp"
#include "base/text.hpp"
#include "http/message.hpp"

namespace postern::porter {
namespace json = boost::json;
namespace {

/// RFC 9562 section 5.4, of sixteen random octets.
std::string uuid(std::string_view octets)
{
    std::string o{octets.substr(0, 16)};
    o.resize(16);
    o[6] = static_cast<char>((o[6] & 0x0f) | 0x40);
    o[8] = static_cast<char>((o[8] & 0x3f) | 0x80);
    auto text = to_upper(to_hex(o));
    for (auto const at : {20, 16, 12, 8}) text.insert(static_cast<std::size_t>(at), 1, '-');
    return text;
}

/// "mail.example.com" to "com.example.mail".
std::string reversed(std::string_view name)
{
    std::string out;
    while (!name.empty()) {
        auto const dot = name.rfind('.');
        auto const label = dot == std::string_view::npos ? name : name.substr(dot + 1);
        if (!out.empty()) out += '.';
        out += label;
        name = dot == std::string_view::npos ? std::string_view{} : name.substr(0, dot);
    }
    return out;
}

/// The same for one address always; the digest tells apart what the letters don't.
std::string identifier_of(facts const& f, std::string_view address)
{
    std::string letters;
    for (char const c : to_lower(address)) letters += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
    if (letters.size() > 100) letters.resize(100);
    return reversed(f.web_host) + ".mail." + letters + '-' +
           to_hex(digest(hash::sha256, to_lower(address))).substr(0, 8);
}

class plist {
public:
    explicit plist(std::string& out) : out_(out) {}
    void text(std::string_view key, std::string_view value)
    {
        name(key);
        out_ += "<string>" + http::escaped(value) + "</string>\n";
    }
    void number(std::string_view key, unsigned value)
    {
        name(key);
        out_ += "<integer>" + std::to_string(value) + "</integer>\n";
    }
    void flag(std::string_view key, bool value)
    {
        name(key);
        out_ += value ? "<true/>\n" : "<false/>\n";
    }
    void name(std::string_view key)
    {
        out_ += "<key>";
        out_ += key;
        out_ += "</key>";
    }

private:
    std::string& out_;
};

void add_server(plist& p, std::string_view direction, place const& at, std::string_view user)
{
    auto const key = [&](std::string_view rest) { return std::string{direction} + "MailServer" + std::string{rest}; };
    p.text(key("Authentication"), "EmailAuthPassword");
    p.text(key("HostName"), at.host);
    p.number(key("PortNumber"), at.port);
    p.flag(key("UseSSL"), true);
    p.text(key("Username"), user);
}

}  // namespace

std::optional<secret> apple_profile(facts const& f, profile_of const& whose, std::string_view random)
{
    auto const& s = f.now;
    bool const imap = !s.imap.empty();
    if ((!imap && s.pop3.empty()) || s.smtp.empty()) return std::nullopt;
    auto const domain = std::string_view{whose.address}.substr(whose.address.rfind('@') + 1);
    auto const service = name_for(s, domain, 60);
    auto const identifier = identifier_of(f, whose.address);

    std::string xml;
    xml.reserve(4096);  // what grows leaves copies of a password behind
    xml +=
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
        "<plist version=\"1.0\">\n<dict>\n";
    plist p{xml};
    p.text("PayloadType", "Configuration");
    p.number("PayloadVersion", 1);
    p.text("PayloadIdentifier", identifier);
    p.text("PayloadUUID", uuid(random));
    p.text("PayloadDisplayName", whose.address);
    p.text("PayloadDescription", "Sets up mail for " + whose.address);
    p.text("PayloadOrganization", service);
    p.flag("PayloadRemovalDisallowed", false);
    p.name("PayloadContent");
    xml += "<array>\n<dict>\n";
    p.text("PayloadType", "com.apple.mail.managed");
    p.number("PayloadVersion", 1);
    p.text("PayloadIdentifier", identifier + ".account");
    p.text("PayloadUUID", uuid(random.substr(std::min<std::size_t>(16, random.size()))));
    p.text("PayloadDisplayName", whose.address);
    p.text("EmailAccountType", imap ? "EmailTypeIMAP" : "EmailTypePOP");
    p.text("EmailAccountDescription", service);
    if (!whose.user_name.empty()) p.text("EmailAccountName", whose.user_name);
    p.text("EmailAddress", whose.address);
    add_server(p, "Incoming", imap ? s.imap.front() : s.pop3.front(), whose.address);
    add_server(p, "Outgoing", s.smtp.front(), whose.address);
    bool const one_for_both = whose.password.empty() || whose.for_incoming;
    if (!whose.password.empty()) {
        if (one_for_both) p.text("IncomingPassword", whose.password.reveal());
        p.text("OutgoingPassword", whose.password.reveal());
    }
    p.flag("OutgoingPasswordSameAsIncomingPassword", one_for_both);
    xml += "</dict>\n</array>\n</dict>\n</plist>\n";
    return secret::take(xml);
}

std::optional<std::string> android_payload(services const& s, profile_of const& whose)
{
    bool const imap = !s.imap.empty();
    if ((!imap && s.pop3.empty()) || s.smtp.empty()) return std::nullopt;
    constexpr int normal_password = 1, starttls = 2, tls = 3;
    auto const server = [&](int protocol, place const& at) {
        return json::array{protocol,        json::value(at.host),
                           at.port,         at.how == wrapping::implicit_tls ? tls : starttls,
                           normal_password, json::value(whose.address)};
    };
    auto const domain = std::string_view{whose.address}.substr(whose.address.rfind('@') + 1);
    auto incoming = server(imap ? 0 : 1, imap ? s.imap.front() : s.pop3.front());
    incoming.emplace_back(name_for(s, domain, 60));
    json::array identity{json::value(whose.address),
                         json::value(whose.user_name.empty() ? whose.address : whose.user_name)};
    json::array outgoing;
    outgoing.emplace_back(server(0, s.smtp.front()));
    outgoing.emplace_back(std::move(identity));
    json::array groups;
    groups.emplace_back(std::move(outgoing));
    json::array all;
    all.emplace_back(1);
    all.emplace_back(json::array{1, 1});  // the first of one
    all.emplace_back(std::move(incoming));
    all.emplace_back(std::move(groups));
    return json::serialize(all);
}

}  // namespace postern::porter
