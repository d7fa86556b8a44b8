#include "porter/answer.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/address.hpp"
#include "porter/autoconfig.hpp"
#include "porter/autodiscover.hpp"
#include "porter/pacc.hpp"

namespace postern::porter {
namespace {

enum class format { none, autoconfig, database, autodiscover, autodiscover_json, pacc };

constexpr std::string_view autoconfig_paths[] = {
    "/mail/config-v1.1.xml",                         // at autoconfig.DOMAIN
    "/.well-known/autoconfig/mail/config-v1.1.xml",  // at the domain itself, and wherever else
    "/.well-known/mail-v1.xml",                      // what drafts had for a while
};
// The form in which Mozilla's own database is asked: for `mailnews.auto_config_url`.
constexpr std::string_view database_paths[] = {"/v1.1/", "/autoconfig/v1.1/"};
constexpr std::string_view autodiscover_path = "/autodiscover/autodiscover.xml";
constexpr std::string_view json_path = "/autodiscover/autodiscover.json";
constexpr std::string_view own_hosts[] = {"autoconfig.", "autodiscover.", "ua-auto-config."};

constexpr std::size_t longest_address = 320, longest_shown = 120;

format format_of(std::string_view path) noexcept
{
    if (std::ranges::find(autoconfig_paths, path) != std::end(autoconfig_paths)) return format::autoconfig;
    if (path == pacc_path) return format::pacc;
    // Outlook writes it with every mixture of cases.
    if (equal_ignoring_case(path, autodiscover_path)) return format::autodiscover;
    if (starts_with_ignoring_case(path, json_path) &&
        (path.size() == json_path.size() || path[json_path.size()] == '/'))
        return format::autodiscover_json;
    for (auto const prefix : database_paths)
        if (path.starts_with(prefix)) return format::database;
    return format::none;
}

std::string_view name_of(format f) noexcept
{
    switch (f) {
        case format::autodiscover: return "autodiscover";
        case format::autodiscover_json: return "autodiscover-json";
        case format::pacc: return "pacc";
        default: return "autoconfig";
    }
}

/// Whose settings are asked for.
struct subject {
    std::string domain;   // empty: nobody said
    std::string address;  // in full, where one was given
    bool known = false;   // we serve the domain
};

subject subject_of_address(facts const& f, std::string_view address)
{
    subject s;
    if (address.size() > longest_address) return s;
    s.domain = domain_of(address);
    // Also "%EMAILADDRESS%", as some programs leave it.
    if (s.domain.empty()) return s;
    s.known = f.serves(s.domain);
    s.address = address;
    return s;
}

std::string_view without_own_label(std::string_view host) noexcept
{
    for (auto const prefix : own_hosts)
        if (host.starts_with(prefix)) return host.substr(prefix.size());
    return host;
}

subject subject_of_host(facts const& f, std::string_view host)
{
    subject s;
    s.domain = without_own_label(host);
    s.known = f.serves(s.domain);
    return s;
}

/// The address that was asked with, else the host that was asked.
subject subject_of(facts const& f, http::request const& r, std::string_view address)
{
    if (auto s = subject_of_address(f, address); !s.domain.empty()) return s;
    return subject_of_host(f, r.host);
}

void let_be_read(http::response& r)
{
    // Settings are nobody's secret; pages of others may show them.
    r.fields.emplace_back("access-control-allow-origin", "*");
}

http::response with_settings(std::string_view type, std::string body)
{
    auto r = http::answer(200, type, std::move(body));
    r.fields.emplace_back("cache-control", "max-age=3600");
    let_be_read(r);
    return r;
}

/// Of this moment: not to be kept.
http::response passing(unsigned status, std::string_view type, std::string body)
{
    auto r = http::answer(status, type, std::move(body));
    r.fields.emplace_back("cache-control", "no-store");
    let_be_read(r);
    return r;
}

http::response not_here()
{
    return passing(404, "text/plain; charset=utf-8", "There are no settings here for this domain.\n");
}

http::response see(std::string url)
{
    http::response r;
    r.status = 302;
    r.fields = {{"location", std::move(url)}, {"cache-control", "no-store"}};
    return r;
}

/// Everybody may ask, with any field: an OPTIONS before a question of a page elsewhere (the CORS protocol).
http::response may_ask(format f)
{
    bool const posts = f == format::autodiscover;
    http::response r;
    r.status = 204;
    r.fields = {{"allow", posts ? "GET, HEAD, OPTIONS, POST" : "GET, HEAD, OPTIONS"},
                {"access-control-allow-methods", posts ? "GET, HEAD, POST" : "GET, HEAD"},
                {"access-control-allow-headers", "content-type"},
                {"access-control-max-age", "86400"}};
    let_be_read(r);
    return r;
}

http::response wrong_method(format f)
{
    auto r = may_ask(f);
    r.status = 405;
    return r;
}

/// The path of version 2 may end in an address.
std::string_view without_address(std::string_view path) noexcept
{
    return path.find('@') == std::string_view::npos ? path : path.substr(0, path.rfind('/') + 1);
}

class desk {
public:
    desk(facts const& f, http::request const& r, wall_time now) : f_(f), r_(r), now_(now) {}

    answered answer(format what)
    {
        auto& n = said_.note;
        n.kind = name_of(what);
        n.host = printable(r_.host, longest_shown);
        n.path = printable(without_address(r_.path), longest_shown);
        n.user_agent = printable(http::find(r_.fields, "user-agent"), longest_shown);
        n.client = r_.client;
        n.secure = r_.secure;
        n.password_sent = !http::find(r_.fields, "authorization").empty();
        if (r_.method == http::method::options) {
            say("options", may_ask(what));
        } else if (!is_question(what)) {
            say("wrong method", wrong_method(what));
        } else {
            switch (what) {
                case format::autoconfig: autoconfig_file(); break;
                case format::database: of_database(); break;
                case format::autodiscover: pox(); break;
                case format::autodiscover_json: json(); break;
                case format::pacc: configuration(); break;
                case format::none: break;
            }
        }
        n.status = said_.response.status;
        return std::move(said_);
    }

private:
    bool is_question(format what) const noexcept
    {
        if (r_.method == http::method::get || r_.method == http::method::head) return true;
        return r_.method == http::method::post && what != format::pacc;
    }

    void say(std::string_view outcome, http::response r)
    {
        said_.note.answer = outcome;
        said_.response = std::move(r);
    }

    void about(subject const& s) { said_.note.domain = printable(s.domain, 255); }

    void give_autoconfig(subject s)
    {
        // Where mail exchangers lead programs that know no more: whatever the domain, the servers are these.
        if (!s.known && s.address.empty() && (s.domain == f_.base || s.domain == f_.web_host)) s.known = true;
        about(s);
        if (!s.known) return say("unknown domain", not_here());
        say("settings", with_settings("text/xml; charset=utf-8", autoconfig(f_.now, s.domain, f_.base)));
    }

    void autoconfig_file()
    {
        give_autoconfig(subject_of(f_, r_, http::parameter_ignoring_case(r_.query, "emailaddress").value_or("")));
    }

    void of_database()
    {
        subject s;
        if (auto const domain = mail::parse_domain(r_.path.substr(r_.path.rfind('/') + 1))) {
            s.domain = *domain;
            s.known = f_.serves(*domain);
        }
        give_autoconfig(std::move(s));
    }

    void pox()
    {
        // In the clear nobody's settings are given, and nothing is read: Outlook expects to be led on.
        if (!r_.secure) {
            about(subject_of_host(f_, r_.host));
            return say("led to https", see(f_.now.url + std::string{autodiscover_path}));
        }
        if (r_.method != http::method::post) {
            about(subject_of_host(f_, r_.host));
            return fail("no question", autodiscover_error::invalid_request);
        }
        auto const q = read_autodiscover(r_.body.reveal());
        auto const s = subject_of(f_, r_, q.address);
        about(s);
        if (q.what == autodiscover_question::kind::other_schema)
            return fail("other schema", autodiscover_error::other_schema);
        if (q.what == autodiscover_question::kind::invalid)
            return fail("no question", autodiscover_error::invalid_request);
        if (!s.known || s.address.empty()) return fail("unknown domain", autodiscover_error::unknown_address);
        // It holds the address; kept by nobody.
        say("settings", passing(200, "text/xml; charset=utf-8", autodiscover(f_.now, s.address)));
    }

    void fail(std::string_view outcome, autodiscover_error what)
    {
        say(outcome, passing(200, "text/xml; charset=utf-8", autodiscover(what, now_)));
    }

    void json()
    {
        auto address = http::parameter_ignoring_case(r_.query, "email").value_or("");
        // The other form: .../autodiscover.json/v1.0/ADDRESS
        if (address.empty())
            if (auto const rest = r_.path.substr(json_path.size()); rest.find('@') != std::string::npos)
                address = rest.substr(rest.rfind('/') + 1);
        auto s = subject_of(f_, r_, address);
        if (!s.known && s.address.empty() && (s.domain == f_.base || s.domain == f_.web_host)) s.known = true;
        about(s);
        auto const protocol = http::parameter_ignoring_case(r_.query, "protocol").value_or("AutodiscoverV1");
        // As with version 1: nothing is told in the clear.
        if (!r_.secure)
            return say("led to https",
                       see(f_.now.url + std::string{json_path} + "?Email=" + http::percent_encoded(address) +
                           "&Protocol=" + http::percent_encoded(protocol)));
        auto const fail_json = [&](unsigned status, std::string_view code, std::string_view text) {
            return passing(status, "application/json", autodiscover_json_error(code, text));
        };
        if (!s.known)
            return say("unknown domain",
                       fail_json(404, "UserNotFound", "There are no settings here for this address."));
        if (!equal_ignoring_case(protocol, "autodiscoverv1")) {
            // A probe without an address is no fault.
            return say("other protocol", fail_json(s.address.empty() ? 404 : 400, "InvalidProtocol",
                                                   "Only AutodiscoverV1 is here: this is no Exchange."));
        }
        // A name of ours that a certificate fits; that of the customer's domain has one if it got here.
        bool const asked_there = r_.secure && r_.host.starts_with("autodiscover.");
        say("pointer",
            with_settings("application/json", autodiscover_pointer(asked_there ? "https://" + r_.host : f_.now.url)));
    }

    void configuration()
    {
        auto const s = subject_of_host(f_, r_.host);
        about(s);
        if (!s.known) return say("unknown domain", not_here());
        if (says_nothing(f_.announced)) return say("nothing to say", not_here());
        say("settings", with_settings("application/json", pacc(f_.announced, s.domain)));
    }

    facts const& f_;
    http::request const& r_;
    wall_time now_;
    answered said_;
};

}  // namespace

std::optional<answered> answer(facts const& f, http::request const& r, wall_time now)
{
    auto const what = format_of(r.path);
    if (what == format::none) return std::nullopt;
    // The digest of this one is worth nothing when it came in the clear.
    if (what == format::pacc && !r.secure) return std::nullopt;
    return desk{f, r, now}.answer(what);
}

answered too_often(answered a)
{
    a.response = passing(429, "text/plain; charset=utf-8", "Too many questions. Ask again in a minute.\n");
    a.response.fields.emplace_back("retry-after", "60");
    a.note.answer = "too often";
    a.note.status = 429;
    return a;
}

}  // namespace postern::porter
