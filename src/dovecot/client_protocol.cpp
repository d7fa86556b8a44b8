#include "dovecot/client_protocol.hpp"

#include "base/base64.hpp"
#include "base/numbers.hpp"
#include "base/secret.hpp"
#include "dovecot/lines.hpp"

namespace postern::dovecot {

reply parse_reply(std::string_view line)
{
    reply r;
    auto const verb = take_field(line);
    bool const user = verb == "USER";
    if (verb == "OK" || user) {
        r.what = reply::kind::ok;
    } else if (verb == "FAIL") {
        r.what = reply::kind::fail;
    } else if (verb == "NOTFOUND") {
        r.what = reply::kind::not_found;
    } else {
        return r;
    }
    auto const id = parse_number<std::uint32_t>(take_field(line));
    if (!id) return {};
    r.id = *id;
    if (user) r.user = unescape(take_field(line));
    while (!line.empty()) {
        auto const field = take_field(line);
        auto const [key, value] = parse_parameter(field);
        if (key == "user" && !user) r.user = unescape(value);
        if (key == "reason") r.reason = unescape(value);
        if (key == "nologin") r.nologin = true;
        // The password is right; Dovecot leaves it to the one who asked to say no.
        if (key == "nologin" && !user && r.what == reply::kind::ok) r.what = reply::kind::disabled;
        // "user_disabled" stays a failure: some of Dovecot's databases say so before they look at the
        // password, and a stranger must not learn of it.
        if (r.what != reply::kind::fail) continue;
        if (key == "temp" || (key == "code" && value == "temp_fail")) r.what = reply::kind::temporary;
    }
    return r;
}

bool read_greeting(std::string_view line, greeting& g)
{
    auto const verb = take_field(line);
    if (verb == "VERSION") {
        g.version_seen = take_field(line) == "1";
        return g.version_seen;
    }
    if (verb == "MECH" && take_field(line) == "PLAIN") g.plain = true;
    if (verb == "DONE") g.done = true;
    return true;
}

std::string hello(std::uint32_t client_id) { return "VERSION\t1\t2\nCPID\t" + std::to_string(client_id) + "\n"; }

std::string auth_request(std::uint32_t id, std::string_view name, std::string_view password)
{
    std::string response;
    response.reserve(name.size() + password.size() + 2);
    response += '\0';
    response += name;
    response += '\0';
    response += password;
    std::string encoded = base64_encode(response);
    wipe(response.data(), response.size());
    std::string line;
    line.reserve(encoded.size() + 128);
    // "no-penalty": without an address of the client, one wrong password would slow everybody down;
    // attackers are our own guard's business. "nologin": nobody asks for the user's mailbox afterwards. "secured": came over TLS, or from
    // where our own configuration takes passwords without.
    line = "AUTH\t" + std::to_string(id) + "\tPLAIN\tservice=smtp\tno-penalty\tnologin\tsecured\tresp=";
    line += encoded;
    line += '\n';
    wipe(encoded.data(), encoded.size());
    return line;
}

std::string user_request(std::uint32_t id, std::string_view name)
{
    return "USER\t" + std::to_string(id) + "\t" + escape(name) + "\tservice=smtp\n";
}

}  // namespace postern::dovecot
