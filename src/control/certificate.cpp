// certificate list, certificate renew, acme authority; and for the process that serves the web pages: acme challenge, web certificates
#include <algorithm>
#include <mutex>

#include "acme/office.hpp"
#include "acme/schedule.hpp"
#include "base/text.hpp"
#include "catalogue/verdict.hpp"
#include "control/commands.hpp"
#include "control/json_memory.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

using namespace std::chrono_literals;

// The command line waits for as long (docs/commands.md).
constexpr auto renewal_limit = 100s;

std::string joined(std::vector<std::string> const& names)
{
    std::string out;
    for (auto const& name : names) out += (out.empty() ? "" : ", ") + name;
    return out;
}

json::object describe(acme::attempts const& a, std::vector<std::string> const& names)
{
    auto const& rule = acme::rule_of(a.last.why);
    std::vector<catalogue::evidence> const values{{"name", a.last.names.empty() ? joined(names) : joined(a.last.names)},
                                                  {"problem", a.last.detail}};
    json::object o;
    o["at"] = to_rfc3339(a.failed_at);
    o["next"] = to_rfc3339(a.not_before);
    o["failures"] = a.failures;
    o["rule"] = rule.name;
    o["id"] = rule.id;
    o["type"] = a.last.type;
    o["problem"] = a.last.detail;
    o["text"] = catalogue::fill(rule.reply, values);
    o["remedy"] = catalogue::fill(rule.operator_remedy, values);
    return o;
}

json::object describe(acme::certificate_state const& s)
{
    json::object o;
    o["id"] = s.id;
    o["source"] = s.source;
    o["serves"] = s.for_mail ? "mail" : "web";
    o["file"] = s.file;
    json::array names;
    for (auto const& name : s.names) names.emplace_back(name);
    o["names"] = std::move(names);
    o["until"] = nullptr;
    o["days_left"] = nullptr;
    if (s.not_after) {
        o["until"] = to_rfc3339(*s.not_after);
        o["days_left"] = std::chrono::floor<std::chrono::days>(*s.not_after - wall_clock::now()).count();
    }
    o["renewal"] = nullptr;
    if (s.renewal) o["renewal"] = to_rfc3339(*s.renewal);
    o["failure"] = nullptr;
    if (s.failed) o["failure"] = describe(*s.failed, s.names);
    o["problem"] = s.problem;
    json::array out;
    for (auto const& [name, why] : s.left_out) out.emplace_back(json::object{{"name", name}, {"problem", why}});
    o["left_out"] = std::move(out);
    return o;
}

json::array describe(std::vector<acme::web_bundle::pair> const& list)
{
    json::array out(wiping_storage());
    for (auto const& p : list) {
        json::object o(wiping_storage());
        json::array names;
        for (auto const& name : p.names) names.emplace_back(name);
        o["names"] = std::move(names);
        o["certificate"] = p.chain;
        o["private_key"] = p.key.reveal();
        out.emplace_back(std::move(o));
    }
    return out;
}

}  // namespace

json::array describe_certificates(context const& c)
{
    json::array list;
    if (c.certificates == nullptr) return list;
    for (auto const& one : c.certificates->list()) list.emplace_back(describe(one));
    return list;
}

outcome certificate_list(context& c, arguments a)
{
    if (auto wrong = a.problem()) return std::move(*wrong);
    return json::value(describe_certificates(c));
}

outcome certificate_renew(context& c, arguments a)
{
    auto const name = a.optional_text("name", 255).value_or("");
    if (auto wrong = a.problem()) return std::move(*wrong);
    if (c.settings->acme.directory.empty())
        return failure{failure::kind::usage,
                       "no certificate is got by this server: acme.directory is not set (docs/certificates.md)",
                       {}};
    static std::mutex waiting;
    std::unique_lock const turn{waiting, std::try_to_lock};
    if (!turn)
        return failure{failure::kind::unavailable,
                       "somebody waits for a renewal already; `postern certificate list` shows what comes of it",
                       {}};
    auto const ids = c.certificates->renew(to_lower(name), renewal_limit);
    if (ids.empty()) {
        return failure{failure::kind::usage,
                       name.empty() ? "there is no certificate to renew: no name of this server is one that an "
                                      "authority takes, or all certificates are given as files"
                                    : "no certificate that is got by ACME has the name " + printable(name, 255) +
                                          "; `postern certificate list` shows all",
                       {}};
    }
    json::array list;
    for (auto const& one : c.certificates->list())
        if (std::ranges::find(ids, one.id) != ids.end()) list.emplace_back(describe(one));
    return json::value(std::move(list));
}

outcome acme_authority(context& c, arguments a)
{
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const known = c.certificates->authority();
    json::array names;
    for (auto const& name : known.names) names.emplace_back(name);
    json::object o;
    o["names"] = std::move(names);
    o["account"] = known.account;
    return json::value(std::move(o));
}

outcome acme_challenge(context& c, arguments a)
{
    auto const token = a.text("token", 256);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const found = c.certificates->key_authorization(token);
    if (!found) return failure{failure::kind::problem, "nothing is proven with this token now", {}};
    json::object o;
    o["key_authorization"] = *found;
    return json::value(std::move(o));
}

outcome web_certificates(context& c, arguments a)
{
    auto const known = a.optional_text("version", 64).value_or("");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const bundle = c.certificates->for_web(known);
    json::object o(wiping_storage());
    o["version"] = bundle.version;
    o["changed"] = bundle.changed;
    if (bundle.changed) {
        o["certificates"] = describe(bundle.certificates);
        o["proofs"] = describe(bundle.proofs);
    }
    return json::value(std::move(o));
}

}  // namespace postern::control
