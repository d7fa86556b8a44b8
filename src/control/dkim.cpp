// dkim create, list, show, rotate, activate, remove, check
#include <algorithm>

#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "control/commands.hpp"
#include "mail/dkim_record.hpp"
#include "signing/dns_check.hpp"
#include "signing/dns_watch.hpp"
#include "signing/key_store.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

using signing::key_view;

// Of the resolver that the server asks.
constexpr std::chrono::seconds answer_limit{10};

std::string read_domain(arguments& a)
{
    auto const written = a.text("domain");
    auto domain = mail::parse_domain(written);
    if (!domain) a.wrong("`" + printable(written, 100) + "` is not a domain; one looks like example.com");
    return domain.value_or("");
}

std::optional<std::string> read_selector(arguments& a)
{
    auto const written = a.optional_text("selector");
    if (!written) return std::nullopt;
    auto selector = mail::parse_selector(*written);
    if (!selector)
        a.wrong("`" + printable(*written, 100) + "` is not a selector; letters, digits and hyphens make one");
    return selector;
}

std::vector<signing_key::kind> read_algorithms(arguments& a)
{
    auto const word = a.optional_text("algorithm").value_or("both");
    if (word == "rsa") return {signing_key::kind::rsa};
    if (word == "ed25519") return {signing_key::kind::ed25519};
    if (word != "both") a.wrong("`" + printable(word, 40) + "` is not an algorithm: choose rsa, ed25519 or both");
    return {signing_key::kind::rsa, signing_key::kind::ed25519};
}

json::object describe(key_view const& k)
{
    json::object o;
    o["domain"] = k.row.domain;
    o["selector"] = k.row.selector;
    o["algorithm"] = signing::to_string(k.row.kind);
    o["bits"] = k.bits;
    o["state"] = signing::to_string(k.row.state);
    o["configured"] = k.configured;
    if (!k.configured) {
        o["created"] = to_rfc3339(k.row.created);
        o["changed"] = to_rfc3339(k.row.changed);
    }
    if (k.keep_until) o["keep_until"] = to_rfc3339(*k.keep_until);
    if (!k.problem.empty()) {
        o["problem"] = printable(k.problem);
        return o;
    }
    o["name"] = mail::dkim_record_name(k.row.selector, k.row.domain);
    o["type"] = "TXT";
    o["value"] = k.record;
    json::array strings;
    for (auto const& s : mail::record_strings(k.record)) strings.emplace_back(s);
    o["strings"] = std::move(strings);
    return o;
}

json::value describe_all(std::vector<key_view> const& keys)
{
    json::array list;
    for (auto const& k : keys) list.push_back(describe(k));
    return json::value(std::move(list));
}

std::vector<key_view> keys_of(context const& c, std::string_view domain)
{
    auto keys = c.keys->list();
    if (!domain.empty()) std::erase_if(keys, [&](auto const& k) { return k.row.domain != domain; });
    return keys;
}

failure no_key(std::string const& domain)
{
    return {failure::kind::usage, domain + " has no key; `postern dkim create " + domain + "` makes one", {}};
}

// The watch sleeps while no key waits.
outcome changed(context const& c, result<std::vector<key_view>> const& keys)
{
    if (!keys) return to_failure(keys.error());
    if (c.key_watch) c.key_watch->wake();
    return describe_all(*keys);
}

}  // namespace

outcome dkim_create(context& c, arguments a)
{
    auto const domain = read_domain(a);
    auto const selector = read_selector(a);
    auto const kinds = read_algorithms(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    return changed(c, c.keys->create(domain, selector, kinds, wall_clock::now()));
}

outcome dkim_list(context& c, arguments a)
{
    if (auto wrong = a.problem()) return std::move(*wrong);
    return describe_all(keys_of(c, {}));
}

outcome dkim_show(context& c, arguments a)
{
    auto const domain = read_domain(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const keys = keys_of(c, domain);
    if (keys.empty()) return no_key(domain);
    return describe_all(keys);
}

outcome dkim_rotate(context& c, arguments a)
{
    auto const domain = read_domain(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    return changed(c, c.keys->rotate(domain, wall_clock::now()));
}

outcome dkim_activate(context& c, arguments a)
{
    auto const domain = read_domain(a);
    auto const selector = read_selector(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    return changed(c, c.keys->activate(domain, selector.value_or(""), wall_clock::now()));
}

outcome dkim_remove(context& c, arguments a)
{
    auto const domain = read_domain(a);
    auto const selector = read_selector(a);
    auto const force = a.flag("force");
    if (!selector) a.wrong("say which: `postern dkim remove DOMAIN SELECTOR`");
    if (auto wrong = a.problem()) return std::move(*wrong);
    if (auto gone = c.keys->remove(domain, *selector, force, wall_clock::now()); !gone) return to_failure(gone.error());
    json::object o;
    o["domain"] = domain;
    o["selector"] = *selector;
    o["removed"] = true;
    return json::value(std::move(o));
}

outcome dkim_check(context& c, arguments a)
{
    auto const domain = read_domain(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const keys = keys_of(c, domain);
    if (keys.empty()) return no_key(domain);
    auto const seen = signing::check_records(*c.settings, keys, answer_limit);
    bool well = true;
    json::array list;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        auto o = describe(keys[i]);
        o["dns"] = signing::to_string(seen[i].what);
        o["found"] = seen[i].found;
        if (!seen[i].problem.empty()) o["dns_problem"] = printable(seen[i].problem);
        bool const needed = keys[i].row.state == signing::key_state::active;
        bool const usable = keys[i].problem.empty() && seen[i].what == signing::published::matches;
        well = well && (usable || !needed);
        list.push_back(std::move(o));
    }
    json::object all;
    all["domain"] = domain;
    all["well"] = well;
    all["keys"] = std::move(list);
    return json::value(std::move(all));
}

}  // namespace postern::control
