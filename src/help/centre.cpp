#include "help/centre.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "help/meaning.hpp"
#include "help/pages.hpp"
#include "help/reader.hpp"
#include "help/wording.hpp"
#include "providers/providers.hpp"
#include "setup/programs.hpp"

namespace postern::help {
namespace {

constexpr std::size_t longest_id = 64;
constexpr std::size_t longest_text = 2000;  // of what somebody pasted

/// The same page in each language.
std::string language_links(std::string const& path, reader const& who)
{
    std::string links;
    for (auto const& l : languages()) {
        links += "<li><a hreflang=\"" + std::string{l.code} + "\" lang=\"" + std::string{l.code} + "\" href=\"";
        links += http::escaped(path + who.carried_with("lang", l.code)) + '"';
        if (l.code == who.language) links += " aria-current=\"true\"";
        links += '>' + std::string{l.name} + "</a></li>";
    }
    return links;
}

/// One page being made.
class writer {
public:
    writer(http::request const& r, facts const& f, std::string_view account)
        : request_(r), facts_(f), reader_(r, account), personal_(!account.empty())
    {
        values_.text(slot::name, f.name);
        values_.text(slot::server, f.server);
        values_.text(slot::port_implicit, std::to_string(f.implicit_port));
        values_.text(slot::port_starttls, std::to_string(f.starttls_port));
        values_.text(slot::carry, reader_.carried);
        auto const address = reader_.address.empty() ? example() : reader_.address;
        values_.text(slot::address, address);
        values_.text(slot::user, address);
        values_.text(slot::user_in_url, http::percent_encoded(address));
        values_.text(slot::given_address, reader_.address);
        auto const mail = http::escaped(f.contact);
        values_.html(slot::contact_link, "<a href=\"mailto:" + mail + "\">" + mail + "</a>");
        values_.html(slot::language_links, language_links(r.path, reader_));
        put_foreign();
        put_forms();
        put_incoming();
    }

    reader const& who() const noexcept { return reader_; }
    filling& values() noexcept { return values_; }

    page const* find(std::string const& name) const { return find_page(reader_.language, name); }
    /// A part of a page, filled; empty where there is none.
    std::string part(std::string const& name) const
    {
        auto const* p = find(name);
        return p == nullptr ? std::string{} : values_.into(*p);
    }
    std::string part_with(std::string const& name, std::string value)
    {
        values_.html(slot::value, std::move(value));
        return part(name);
    }

    /// Puts the inner part into the frame. `current`: which entry of the navigation it belongs to.
    http::response finished(page const& inner, slot current, unsigned status = 200)
    {
        if (current != slot::none) values_.html(current, " aria-current=\"page\"");
        values_.html(slot::main, values_.into(inner));
        values_.html(slot::title, std::string{inner.title});
        auto r = http::answer(status, "text/html; charset=utf-8", part("frame"));
        r.fields.emplace_back("content-language", reader_.language);
        r.fields.emplace_back("vary", "accept-language, user-agent, sec-ch-ua-platform, cookie");
        r.fields.emplace_back("cache-control", personal_ ? "no-store" : "private, max-age=60");
        return r;
    }

    http::response missing()
    {
        auto const* p = find("missing");
        return finished(*p, slot::none, 404);
    }

private:
    std::string example() const
    {
        auto const* name = find("part/your_name");
        return std::string{name->pieces.front().text} + '@' + (facts_.domain.empty() ? "example.com" : facts_.domain);
    }

    /// An address of somebody else's domain gets that provider's settings, as far as they are known.
    void put_foreign()
    {
        if (facts_.foreign.empty()) return;
        values_.text(slot::foreign_domain, facts_.foreign);
        std::string settings;
        auto const* p = providers::find_by_domain(facts_.foreign);
        // "<...>" stands for what differs from customer to customer.
        if (p != nullptr && p->sends() && !p->endpoints.empty() && p->smtp_host.find('<') == std::string_view::npos) {
            values_.text(slot::provider_name, p->name);
            values_.text(slot::provider_server, p->smtp_host);
            values_.text(slot::provider_port, std::to_string(p->endpoints.front().port));
            values_.text(slot::provider_security, providers::to_words(p->endpoints.front().how));
            if (p->wants_app_password()) values_.html(slot::provider_password, part("part/app_password"));
            settings = part("part/provider");
        }
        values_.html(slot::foreign, part_with("part/foreign", std::move(settings)));
    }

    void put_forms()
    {
        auto const hidden = [&](std::string_view name) {
            auto const value = http::parameter(request_.query, name);
            if (!value || value->empty()) return std::string{};
            return "<input type=\"hidden\" name=\"" + std::string{name} + "\" value=\"" + http::escaped(*value) +
                   "\"/>";
        };
        if (reader_.bad_address) values_.html(slot::address_notice, part("part/wrong_address"));
        // The address is a field of this form, and a hidden one of the others.
        values_.html(slot::hidden_inputs, hidden("lang") + hidden("how"));
        values_.html(slot::address_form, part("part/address_form"));
        values_.html(slot::hidden_inputs, hidden("lang") + (reader_.bad_address ? std::string{} : hidden("address")));
    }

    void put_incoming()
    {
        std::string rows;
        auto const add = [&](std::string const& name, std::string const& where) {
            if (!where.empty()) rows += part_with(name, http::escaped(where));
        };
        add("part/imap", facts_.imap);
        add("part/pop3", facts_.pop3);
        auto const& incoming = facts_.imap.empty() ? facts_.pop3 : facts_.imap;
        if (incoming.empty())
            values_.html(slot::imap, part("part/your_incoming"));
        else
            values_.text(slot::imap, std::string_view{incoming}.substr(0, incoming.rfind(':')));
        values_.html(slot::incoming_rows, std::move(rows));
        if (facts_.implicit_port != 0 || facts_.starttls_port == 0)
            values_.html(slot::short_values, part("part/values_implicit"));
        else
            values_.html(slot::short_values, part("part/values_starttls"));
    }

    http::request const& request_;
    facts const& facts_;
    reader reader_;
    bool personal_;
    filling values_;
};

/// The groups of programs, in the order of the list.
constexpr std::array<std::string_view, 8> groups{"windows", "apple", "android", "linux",
                                                 "web",     "code",  "devices", "old"};

http::response start(writer& w)
{
    if (!w.who().system.empty())
        w.values().html(slot::suggested, w.part_with("part/suggested", w.part("group/" + std::string{w.who().system})));
    return w.finished(*w.find("start"), slot::at_start);
}

http::response pick(writer& w)
{
    std::string yours, others;
    for (auto const g : groups) (g == w.who().system ? yours : others) += w.part("group/" + std::string{g});
    std::string all;
    if (!yours.empty()) all = w.part_with("part/yours", std::move(yours));
    all += w.part_with("part/others", std::move(others));
    w.values().html(slot::groups, std::move(all));
    return w.finished(*w.find("setup"), slot::at_setup);
}

/// Where to go instead.
http::response elsewhere(writer& w, std::string const& path)
{
    auto r = http::answer(302, "text/plain; charset=utf-8", path + "\n");
    r.fields.emplace_back("location", path + w.who().carried);
    return r;
}

http::response guide(writer& w, http::request const& r, facts const& f, std::string const& id)
{
    auto const* p = setup::find(id);
    if (p == nullptr) return w.missing();
    if (p->id != id) return elsewhere(w, "/setup/" + std::string{p->id});
    auto const front = "setup/" + id + '/';
    auto const* implicit = w.find(front + "implicit_tls");
    auto const* starttls = w.find(front + "starttls");
    bool const can_implicit = implicit != nullptr && f.implicit_port != 0;
    bool const can_starttls = starttls != nullptr && f.starttls_port != 0;
    bool const wants_starttls = http::parameter(r.query, "how") == "starttls";
    bool const take_starttls = can_starttls && (wants_starttls || !can_implicit);
    if (!can_implicit && !can_starttls) {
        w.values().html(slot::other_port, w.part("part/no_port"));
    } else if (can_implicit && can_starttls) {
        auto const here = take_starttls ? f.starttls_port : f.implicit_port;
        auto const there = take_starttls ? f.implicit_port : f.starttls_port;
        w.values().text(slot::this_port, std::to_string(here));
        w.values().text(slot::that_port, std::to_string(there));
        w.values().text(slot::other_link,
                        r.path + w.who().carried_with("how", take_starttls ? "" : "starttls") + "#steps");
        w.values().html(slot::other_port, w.part("part/other_port"));
    }
    auto const* shown = take_starttls || implicit == nullptr ? starttls : implicit;
    return w.finished(*shown, slot::at_setup);
}

/// The list of all failures; and, where something was pasted, what it can mean.
http::response failures(writer& w, http::request const& r)
{
    auto const said = http::parameter(r.query, "said");
    if (said && !said->empty()) {
        auto const shown = std::string_view{*said}.substr(0, longest_text);
        w.values().text(slot::said, shown);
        auto const whose = http::parameter(r.query, "program");
        auto const found = find_meaning(shown, whose ? setup::find(*whose) : nullptr);
        std::string results;
        if (!found.id.empty()) results += w.part_with("part/id", http::escaped(found.id));
        std::string lines;
        for (auto const* rule : found.rules) lines += w.part("line/" + std::string{rule->name});
        if (!lines.empty())
            results += w.part_with("part/found", std::move(lines));
        else if (results.empty())
            results = w.part("part/nothing");
        w.values().html(slot::results, std::move(results));
    }
    return w.finished(*w.find("help"), slot::at_help);
}

http::response failure(writer& w, std::string const& name)
{
    auto const* p = w.find("help/" + name);
    if (p != nullptr) return w.finished(*p, slot::at_help);
    auto const* rule = catalogue::find(to_upper(name));
    if (rule == nullptr) return w.missing();
    return elsewhere(w, "/help/" + std::string{rule->name});
}

/// What follows `front` in the path, when it is one segment.
std::string segment_after(std::string_view path, std::string_view front)
{
    if (!path.starts_with(front)) return {};
    auto const rest = path.substr(front.size());
    return rest.find('/') == std::string_view::npos ? std::string{rest} : std::string{};
}

}  // namespace

std::optional<http::response> answer(http::request const& r, facts const& f, std::string_view account)
{
    auto path = std::string_view{r.path};
    if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    writer w{r, f, account};
    if (path == "/") return start(w);
    if (path == "/setup") return pick(w);
    if (path == "/help") return failures(w, r);
    if (path == "/what-is-smtp-auth") return w.finished(*w.find("smtp-auth"), slot::at_explanation);
    if (!segment_after(path, "/profile/").empty()) return w.finished(*w.find("profile"), slot::at_setup);
    if (auto const id = segment_after(path, "/setup/"); !id.empty()) return guide(w, r, f, id);
    if (auto const name = segment_after(path, "/help/"); !name.empty()) return failure(w, name);
    return std::nullopt;
}

http::response explain_refusal(http::request const& r, facts const& f, std::string_view id, catalogue::rule const* why)
{
    writer w{r, f, {}};
    w.values().text(slot::said, printable(id, longest_id));
    auto const* inner = why == nullptr ? nullptr : w.find("help/" + std::string{why->name});
    if (inner == nullptr) return w.finished(*w.find("why/unknown"), slot::at_help);
    w.values().html(slot::results, "<h2>" + std::string{inner->title} + "</h2>" + w.values().into(*inner));
    return w.finished(*w.find("why/known"), slot::at_help);
}

http::response refuse(catalogue::rule const& why, unsigned status, std::string_view language, std::string_view said)
{
    http::request nobodys;
    nobodys.query = "lang=" + std::string{language};
    reader const who{nobodys, {}};
    std::string const name{why.name};
    filling values;
    values.text(slot::carry, who.carried);
    values.text(slot::value, said.empty() ? wording_of(why, language).what : said);
    values.html(slot::language_links, language_links("/help/" + name, who));
    auto r = http::answer(status, "text/html; charset=utf-8", values.into(*find_page(language, "problem/" + name)));
    r.fields.emplace_back("content-language", language);
    r.fields.emplace_back("cache-control", "no-store");
    return r;
}

}  // namespace postern::help
