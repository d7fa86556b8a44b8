// The places that publish documents: autoconfig, PACC, the ISPDB, Autodiscover.
#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/text.hpp"
#include "catalogue/rules.hpp"
#include "discovery/documents.hpp"
#include "discovery/sources.hpp"
#include "discovery/sources_web.hpp"

namespace postern::discovery {

namespace {

namespace rules = catalogue::rules;

constexpr long ok = 200, unauthorised = 401;

// "https://host" or, where the port is another one, "https://host:port".
std::string web_root(std::string_view host, options const& o, bool encrypted)
{
    std::string out = encrypted ? "https://" : "http://";
    out += host;
    auto const port = encrypted ? o.https_port : o.http_port;
    if (port != (encrypted ? 443 : 80)) out += ':' + std::to_string(port);
    return out;
}

constexpr auto autodiscover_path = "/autodiscover/autodiscover.xml";

std::string host_of(std::string_view url)
{
    auto const begin = url.find("://");
    if (begin == std::string_view::npos) return {};
    url.remove_prefix(begin + 3);
    return std::string{url.substr(0, url.find_first_of(":/?#"))};
}

bool is_type(std::string_view said, std::string_view wanted)
{
    return equal_ignoring_case(said.substr(0, said.find_first_of("; ")), wanted);
}

std::string url_encoded(std::string_view text)
{
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@";
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (char const c : text) {
        if (plain.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += '%';
            out += digits[static_cast<unsigned char>(c) >> 4];
            out += digits[static_cast<unsigned char>(c) & 15];
        }
    }
    return out;
}

void fail(report& r, page const& p)
{
    r.about.what = p.untrusted ? outcome::failed : outcome::nothing;
    r.about.detail = p.problem;
    if (p.status != 0) r.about.detail = "the web server answered with " + std::to_string(p.status);
}

void take_servers(report& r, subject const& s, document const& d, trust how_sure)
{
    r.display_name = d.display_name;
    for (auto const& server : d.servers) {
        setting one;
        one.host = server.host;
        one.port = server.port;
        one.how = server.how;
        one.auth = server.auth;
        one.from = r.about.from;
        one.where = r.about.where;
        one.trust = how_sure;
        set_user(one, s, server.user);
        r.settings.push_back(std::move(one));
    }
    if (!r.settings.empty()) r.about.what = outcome::found;
}

problem broken_file(report const& r, subject const& s, std::string what)
{
    return {&rules::settings_file_broken,
            {{"domain", s.domain}, {"problem", std::move(what)}, {"url", r.about.where}},
            r.about.from};
}

problem forgeable(report const& r, subject const& s)
{
    return {&rules::settings_forgeable,
            {{"domain", s.domain}, {"server", r.settings.front().host}, {"url", r.about.where}},
            r.about.from};
}

// A page that should be autoconfig. `own_host`: the name is for nothing else, so that a web page there is a fault.
void take_autoconfig(report& r, subject const& s, page const& p, bool own_host, trust how_sure)
{
    if (p.status != ok) return fail(r, p);
    r.about.where = p.url;
    if (is_web_page(p.body)) {
        r.about.detail = "it is a web page";
        if (own_host) r.problems.push_back(broken_file(r, s, "it is a web page"));
        return;
    }
    auto const d = parse_autoconfig(p.body);
    take_servers(r, s, d, how_sure);
    if (!d.problem.empty()) {
        r.about.detail = d.problem;
        r.problems.push_back(broken_file(r, s, d.problem));
    } else if (!is_type(p.type, "text/xml") && !is_type(p.type, "application/xml")) {
        r.about.detail = "its type is " + p.type;
        r.problems.push_back(broken_file(r, s, "its content type is \"" + p.type + "\", and should be text/xml"));
    }
    if (!r.settings.empty() && how_sure == trust::forgeable) r.problems.push_back(forgeable(r, s));
}

}  // namespace

awaitable<report> ask_autoconfig_at(subject_ptr s, source from, std::string url, bool own_host, trust how_sure)
{
    report r;
    r.about.from = from;
    r.about.where = url;
    auto const since = steady_clock::now();
    auto const p = co_await s->pages->ask(url, {});
    note_time(r, since);
    if (!s->over) take_autoconfig(r, *s, p, own_host, how_sure);
    co_return r;
}

std::string autoconfig_url(subject const& s, std::string_view domain, bool encrypted)
{
    return web_root("autoconfig." + std::string{domain}, s.o, encrypted) +
           "/mail/config-v1.1.xml?emailaddress=" + url_encoded(s.address);
}

awaitable<reports> ask_autoconfig(subject_ptr s, int way)
{
    bool const encrypted = way < 2;
    bool const own_host = way % 2 == 0;
    auto url = own_host ? autoconfig_url(*s, s->domain, encrypted)
                        : web_root(s->domain, s->o, encrypted) +
                              "/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=" + url_encoded(s->address);
    auto const how_sure = encrypted ? trust::proven : trust::forgeable;
    auto r = co_await ask_autoconfig_at(s, source::autoconfig, std::move(url), own_host, how_sure);
    co_return only(std::move(r));
}

awaitable<reports> ask_ispdb(subject_ptr s)
{
    auto url = s->o.ispdb + s->domain;
    auto r = co_await ask_autoconfig_at(s, source::ispdb, std::move(url), true, trust::proven);
    co_return only(std::move(r));
}

awaitable<reports> ask_pacc(subject_ptr s)
{
    report r;
    r.about.from = source::pacc;
    r.about.where = "_ua-auto-config." + s->domain;
    auto const since = steady_clock::now();
    auto const records = co_await s->names->txt(r.about.where);
    std::vector<std::string> digests;
    for (auto const& text : records.records)
        if (auto d = parse_pacc_record(text)) digests.push_back(std::move(*d));
    if (digests.empty()) {
        r.about.detail = records.problem;
    } else if (!s->over) {
        auto const url =
            web_root("ua-auto-config." + s->domain, s->o, true) + "/.well-known/user-agent-configuration.json";
        r.about.where = url;
        auto const p = co_await s->pages->ask(url, {});
        auto const hash_of_it = digest(hash::sha256, p.body);
        if (p.status != ok) {
            fail(r, p);
        } else if (std::find(digests.begin(), digests.end(), hash_of_it) == digests.end()) {
            r.about.what = outcome::failed;
            r.about.detail = "its digest is not that in the DNS";
            r.problems.push_back(
                {&rules::settings_digest_mismatch, {{"domain", s->domain}, {"url", url}}, source::pacc});
        } else {
            auto const d = parse_pacc(p.body);
            take_servers(r, *s, d, trust::proven);
            if (!d.problem.empty()) {
                r.about.detail = d.problem;
                r.problems.push_back(broken_file(r, *s, d.problem));
            }
        }
    }
    note_time(r, since);
    co_return only(std::move(r));
}

awaitable<reports> ask_autodiscover(subject_ptr s, int way)
{
    report r;
    r.about.from = source::autodiscover;
    auto const since = steady_clock::now();
    auto host = way == 0 ? s->domain : "autodiscover." + s->domain;
    auto how_sure = trust::proven;
    options where = s->o;
    if (way == 2) {
        r.about.where = "_autodiscover._tcp." + s->domain;
        auto const found = co_await s->names->srv(r.about.where);
        host = found.records.empty() ? std::string{} : found.records.front().host;
        r.about.detail = found.problem;
        if (!host.empty()) where.https_port = found.records.front().port;
        if (!found.secure && !host.ends_with('.' + s->domain)) how_sure = trust::forgeable;
    }
    std::string url = host.empty() ? std::string{} : web_root(host, where, true) + autodiscover_path;
    if (way == 3) {
        // What stands there is a pointer, which anybody on the way could have changed: the address is not told
        // to it, and what it leads to is not taken for the domain's own without a certificate of its name.
        r.about.where = web_root(host, where, false) + autodiscover_path;
        auto const pointer = co_await s->pages->ask(r.about.where, {});
        url = pointer.url.starts_with("https://") ? pointer.url : std::string{};
        if (url.empty()) r.about.detail = pointer.problem;
        if (!s->is_own(host_of(url))) how_sure = trust::forgeable;
    }
    if (!url.empty() && !s->over) {
        std::string address = s->address;
        // One redirection inside the document, to another address or another place.
        for (int hop = 0; hop < 2; ++hop) {
            r.about.where = url;
            auto const body = autodiscover_request(address);
            auto const p = co_await s->pages->ask(url, body);
            if (s->over) break;
            if (p.status == unauthorised) {
                r.about.detail = "it wants a password first";
                r.problems.push_back(
                    {&rules::settings_behind_login, {{"domain", s->domain}, {"url", url}}, source::autodiscover});
                break;
            }
            if (p.status != ok || is_web_page(p.body)) {
                fail(r, p);
                break;
            }
            auto const d = parse_autodiscover(p.body);
            take_servers(r, *s, d, how_sure);
            if (way == 3 && how_sure == trust::forgeable && !r.settings.empty()) r.problems.push_back(forgeable(r, *s));
            r.about.detail = d.problem;
            auto const at = d.redirect_address.rfind('@');
            if (!r.settings.empty()) break;
            if (d.redirect_url.starts_with("https://")) {
                url = d.redirect_url;
            } else if (at != std::string::npos) {
                address = d.redirect_address;
                url = web_root("autodiscover." + address.substr(at + 1), s->o, true) + autodiscover_path;
            } else {
                break;
            }
        }
    }
    note_time(r, since);
    co_return only(std::move(r));
}

}  // namespace postern::discovery
