#include "porter/pacc.hpp"

#include <boost/json.hpp>

#include "base/base64.hpp"
#include "base/crypto.hpp"

namespace postern::porter {
namespace json = boost::json;
namespace {

place const* at_usual_port(std::vector<place> const& list, std::uint16_t port) noexcept
{
    for (auto const& p : list)
        if (p.how == wrapping::implicit_tls && p.port == port) return &p;
    return nullptr;
}

}  // namespace

bool says_nothing(services const& s) noexcept { return at_usual_port(s.smtp, 465) == nullptr; }

std::string pacc(services const& s, std::string_view domain)
{
    // Objects keep the order of what was put in, so the octets are the same each time.
    json::object protocols;
    if (auto const* p = at_usual_port(s.imap, 993)) protocols["imap"] = {{"host", p->host}};
    if (auto const* p = at_usual_port(s.pop3, 995)) protocols["pop3"] = {{"host", p->host}};
    if (auto const* p = at_usual_port(s.smtp, 465)) protocols["smtp"] = {{"host", p->host}};
    json::object provider{{"name", name_for(s, domain, 60)}, {"shortName", name_for(s, domain, 20)}};
    json::object help{{"documentation", s.url + "/setup"},
                      {"contact", json::array{json::value("mailto:" + contact_for(s, domain))}}};
    json::object whole;
    whole["protocols"] = std::move(protocols);
    whole["authentication"] = json::object{{"password", true}};
    whole["info"] = json::object{{"provider", std::move(provider)}, {"help", std::move(help)}};
    return json::serialize(whole) + '\n';
}

std::string pacc_record(std::string_view document)
{
    return "v=UAAC1; a=sha256; d=" + base64_encode(digest(hash::sha256, document));
}

std::vector<std::string> pacc_records(facts const& f, std::string_view domain)
{
    std::vector<std::string> texts;
    if (!says_nothing(f.announced)) texts.push_back(pacc_record(pacc(f.announced, domain)));
    if (!says_nothing(f.now))
        if (auto next = pacc_record(pacc(f.now, domain)); texts.empty() || texts.front() != next)
            texts.push_back(std::move(next));
    return texts;
}

}  // namespace postern::porter
