#include "cli/doctor_questions.hpp"

#include <algorithm>

#include <boost/json/array.hpp>

#include "acme/names.hpp"
#include "base/numbers.hpp"
#include "cli/backend.hpp"
#include "cli/output.hpp"
#include "doctor/published.hpp"
#include "porter/transfer.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

using doctor::area;

// Far more than anybody looks at; the doctor takes its time for each.
constexpr std::size_t most_domains = 200;
// For the keys of all of them, when no name server answers.
constexpr std::chrono::seconds patience{30};

json::array const& list_in(json::value const& v, std::string_view key)
{
    static json::array const none;
    auto const* o = v.if_object();
    auto const* list = o ? o->if_contains(key) : nullptr;
    return list && list->is_array() ? list->as_array() : none;
}

std::optional<std::uint64_t> number_in(json::value const& v, std::string_view key)
{
    return parse_number<std::uint64_t>(text_of(v, key));
}

void not_known(doctor::facts& f, area a, std::string what, std::string why)
{
    f.not_looked_at.push_back({std::string{to_string(a)}, std::move(what), std::move(why)});
}

void take_helpers(json::value const& status, doctor::facts& f)
{
    auto const take = [&](json::array const& list, std::string const& kind, std::string_view name) {
        for (auto const& one : list)
            f.server.helpers.push_back({kind, text_of(one, name), text_of(one, "detail"), flag_of(one, "up")});
    };
    take(list_in(status, "backends"), "back end", "name");
    take(list_in(status, "issuers"), "issuer", "issuer");
    auto const* kerberos = status.as_object().if_contains("kerberos");
    if (kerberos && kerberos->is_object())
        f.server.helpers.push_back(
            {"Kerberos", text_of(*kerberos, "keytab"), text_of(*kerberos, "detail"), flag_of(*kerberos, "up")});
}

void take_certificates(json::value const& status, doctor::facts& f)
{
    for (auto const& one : list_in(status, "certificates")) {
        doctor::kept_certificate_facts c;
        c.file = text_of(one, "file");
        c.names = texts_of(one, "names");
        if (auto const* days = one.as_object().if_contains("days_left"); days && days->is_int64())
            c.days_left = days->as_int64();
        c.problem = text_of(one, "problem");
        auto const* failure = one.as_object().if_contains("failure");
        if (failure && failure->is_object()) {
            c.rule = text_of(*failure, "rule");
            c.problem = text_of(*failure, "problem");
        }
        for (auto const& out : list_in(one, "left_out"))
            c.left_out.emplace_back(text_of(out, "name"), text_of(out, "problem"));
        f.server.certificates.push_back(std::move(c));
    }
}

void ask_status(application const& app, doctor::facts& f)
{
    auto const status = ask(app, "status", {});
    if (!status || !status->is_object()) {
        f.server.problem = status ? "its answer is strange" : status.error().text;
        for (auto const& l : f.settings.listeners) f.listeners.push_back(doctor::facts_of(l));
        return;
    }
    f.server.running = true;
    for (auto const& l : list_in(*status, "listeners"))
        f.listeners.push_back({text_of(l, "address"), text_of(l, "role"), text_of(l, "tls")});
    f.server.descriptor_limit = number_in(*status, "descriptor_limit");
    take_helpers(*status, f);
    take_certificates(*status, f);
}

void ask_announced(application const& app, doctor::facts& f)
{
    auto const told = ask(app, "discovery facts", {});
    if (!told) return;
    if (auto facts = porter::facts_from(*told)) f.announced = std::move(facts->announced);
}

/// What it calls itself counts more than what is known of some.
void ask_authority(application const& app, doctor::facts& f)
{
    f.authority.methods = acme::kinds_of_proof(f.settings);
    if (auto const told = ask(app, "acme authority", {})) {
        f.authority.names = texts_of(*told, "names");
        f.authority.account = text_of(*told, "account");
    }
    auto usual = zone::authority_of(f.settings.acme.directory);
    if (f.authority.names.empty() && !usual.empty()) f.authority.names.push_back(std::move(usual));
}

void ask_domains(application const& app, doctor::facts& f)
{
    f.local_domains = f.settings.domains.local;
    auto const list = ask(app, "domain list", {});
    if (!list || !list->is_array()) {
        not_known(f, area::dns, "domains of `postern domain add`", list ? "the answer is strange" : list.error().text);
        return;
    }
    for (auto const& d : list->as_array()) {
        auto const name = text_of(d, "domain");
        if (std::ranges::find(f.local_domains, name) == f.local_domains.end()) f.local_domains.push_back(name);
    }
}

void ask_keys(application const& app, doctor::domain_facts& d)
{
    json::object about;
    about["domain"] = d.domain;
    auto const checked = ask(app, "dkim check", about);
    // "has no key" is an answer, too.
    d.keys_known = checked || checked.error().why == control::failure::kind::usage;
    if (!checked) return;
    for (auto const& k : list_in(*checked, "keys")) {
        if (text_of(k, "state") == "retired" || text_of(k, "value").empty()) continue;
        d.keys.push_back({text_of(k, "name"), text_of(k, "value"), text_of(k, "dns"), text_of(k, "found"),
                          text_of(k, "dns_problem"), text_of(k, "state") == "active" || flag_of(k, "configured")});
    }
}

void ask_queue(application const& app, doctor::facts& f)
{
    auto const list = ask(app, "queue destinations", {});
    if (!list || !list->is_array()) {
        not_known(f, area::queue, "the queue", list ? "the answer is strange" : list.error().text);
        return;
    }
    f.queue.emplace();
    for (auto const& d : list->as_array()) {
        auto const reply = text_of(d, "last_failure");
        auto const recipients = number_in(d, "recipients").value_or(0);
        std::optional<wall_time> oldest;
        if (recipients != 0) oldest = f.now - std::chrono::seconds{number_in(d, "waited").value_or(0)};
        f.queue->push_back({text_of(d, "domain"), reply.empty() ? text_of(d, "last_reply") : reply, recipients, oldest,
                            text_of(d, "health") == "down"});
    }
}

/// Whom no connection from this machine can play: somebody of the Internet.
void ask_about_strangers(application const& app, doctor::facts& f)
{
    for (auto const& l : f.listeners) {
        auto const colon = l.address.rfind(':');
        auto const port = colon == std::string::npos
                              ? std::nullopt
                              : parse_number<std::uint16_t>(std::string_view{l.address}.substr(colon + 1));
        if (!port || (l.role != "mx" && l.role != "submission")) continue;
        for (auto const* client : {"192.0.2.66", "2001:db8::66"}) {
            json::object question;
            question["client"] = client;
            question["listener"] = *port;
            question["from"] = "stranger@example.net";
            question["to"] = "victim@example.org";
            auto const decided = ask(app, "explain", question);
            if (!decided) {
                not_known(f, area::relay, "what " + l.address + " decides about a stranger", decided.error().text);
                return;
            }
            bool const accepted = text_of(*decided, "verdict") == "accept";
            f.relay.push_back({l.address,
                               std::string{"explain, for "} + client,
                               "stranger@example.net",
                               "victim@example.org",
                               accepted ? 250 : 550,
                               accepted,
                               {}});
        }
    }
}

}  // namespace

std::map<std::string, doctor::domain_facts> ask_for_keys(application const& app,
                                                         std::vector<std::string> const& domains)
{
    std::map<std::string, doctor::domain_facts> all;
    auto const until = steady_clock::now() + patience;
    for (auto const& name : domains) {
        auto& d = all[name];
        d.domain = name;
        if (steady_clock::now() < until) ask_keys(app, d);
        // Where no name server answers, one that said so is enough.
        bool const silent =
            !d.keys.empty() && std::ranges::all_of(d.keys, [](auto const& k) { return k.published == "unknown"; });
        if (silent) break;
    }
    return all;
}

void ask_for_facts(application const& app, std::set<area> const& areas, doctor::facts& f)
{
    ask_status(app, f);
    bool const dns = areas.contains(area::dns);
    if (dns || areas.contains(area::relay)) ask_domains(app, f);
    if (dns) ask_announced(app, f);
    if (dns && !f.settings.acme.directory.empty()) ask_authority(app, f);
    if (dns) {
        for (auto const& name : f.local_domains) {
            if (f.domains.size() == most_domains) {
                not_known(f, area::dns, "further domains",
                          "more than " + std::to_string(most_domains) + " at once are not looked at");
                break;
            }
            doctor::domain_facts d;
            d.domain = name;
            f.domains.push_back(std::move(d));
        }
    }
    if (areas.contains(area::queue)) ask_queue(app, f);
    if (areas.contains(area::relay)) ask_about_strangers(app, f);
}

}  // namespace postern::cli
