#include "spf/evaluator.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "spf/macro.hpp"
#include "spf/record.hpp"

namespace postern::spf {
namespace {

using mail::auth_result;

// Section 4.6.4. All of them together bound what a stranger can make us ask.
constexpr unsigned most_terms = 10, most_void = 2;
constexpr std::size_t most_exchangers = 10, most_names_of_client = 10;

enum class match { yes, no, temporary, permanent };

// Whether it can be a name in the DNS at all; many could be, that no host has.
bool is_name(std::string_view name)
{
    if (name.empty() || name.size() > 253) return false;
    std::size_t label = 0;
    for (char const c : name) {
        if (c == '.') {
            if (label == 0) return false;
            label = 0;
        } else if (c < ' ' || c > '~' || ++label > 63) {
            return false;
        }
    }
    return label != 0;
}

bool is_in(ip_address const& a, ip_address const& base, unsigned v4_prefix, unsigned v6_prefix)
{
    if (a.is_v4() != base.is_v4()) return false;
    std::size_t const first = a.is_v4() ? 12 : 0;
    unsigned left = a.is_v4() ? v4_prefix : v6_prefix;
    for (std::size_t i = first; left != 0; ++i) {
        unsigned const bits = std::min(left, 8u);
        unsigned const mask = 0xff00u >> bits & 0xffu;
        if (((a.octets()[i] ^ base.octets()[i]) & mask) != 0) return false;
        left -= bits;
    }
    return true;
}

bool is_below(std::string_view name, std::string_view domain)
{
    if (name.ends_with('.')) name.remove_suffix(1);
    if (equal_ignoring_case(name, domain)) return true;
    return name.size() > domain.size() + 1 && name[name.size() - domain.size() - 1] == '.' &&
           equal_ignoring_case(name.substr(name.size() - domain.size()), domain);
}

class evaluation {
public:
    evaluation(names& dns, identity const& who) : dns_(dns), who_(who) {}

    auth_result check(std::string const& domain);

private:
    auth_result judge(record const& r, std::string const& domain);
    match matches(directive const& d, std::string const& domain);
    match include(std::string const& target);
    match a(directive const& d, std::string const& target);
    match mx(directive const& d, std::string const& target);
    match ptr(std::string const& target);
    match exists(std::string const& target);
    std::string expanded(std::string const& text, std::string const& domain);
    // What is asked for a term: no name that can't be one, and not often in vain.
    template <class T, class Ask>
    match look_up(std::string const& name, Ask ask, answer<T>& to);
    bool one_more_term() { return ++terms_ <= most_terms; }
    /// Names of the client whose address is the client's (section 5.5).
    std::vector<std::string> const& names_of_client();
    std::string name_of_client(std::string const& domain);

    names& dns_;
    identity const& who_;
    unsigned terms_ = 0, void_ = 0;
    std::optional<std::vector<std::string>> names_of_client_;
};

template <class T, class Ask>
match evaluation::look_up(std::string const& name, Ask ask, answer<T>& to)
{
    to = is_name(name) ? ask() : answer<T>{answered::nothing};
    if (to.what == answered::failed) return match::temporary;
    bool const none = to.what == answered::nothing || to.records.empty();
    if (none && ++void_ > most_void) return match::permanent;
    return none ? match::no : match::yes;
}

std::vector<std::string> const& evaluation::names_of_client()
{
    if (names_of_client_) return *names_of_client_;
    names_of_client_.emplace();
    auto found = dns_.names_of(who_.client);
    if (found.what != answered::found) return *names_of_client_;
    if (found.records.size() > most_names_of_client) found.records.resize(most_names_of_client);
    for (auto& name : found.records) {
        if (name.ends_with('.')) name.pop_back();
        if (!is_name(name)) continue;
        auto const back = dns_.addresses(name, !who_.client.is_v4());
        if (back.what == answered::found &&
            std::find(back.records.begin(), back.records.end(), who_.client) != back.records.end())
            names_of_client_->push_back(std::move(name));
    }
    return *names_of_client_;
}

// Section 7.3: the domain's own name, else one below it, else any.
std::string evaluation::name_of_client(std::string const& domain)
{
    auto const& all = names_of_client();
    if (all.empty()) return "unknown";
    auto const same = [&](auto const& n) { return equal_ignoring_case(n, domain); };
    auto found = std::find_if(all.begin(), all.end(), same);
    if (found == all.end())
        found = std::find_if(all.begin(), all.end(), [&](auto const& n) { return is_below(n, domain); });
    return found == all.end() ? all.front() : *found;
}

std::string evaluation::expanded(std::string const& text, std::string const& domain)
{
    if (text.empty()) return domain;
    macro_values v;
    v.client = who_.client;
    v.local_part = who_.local_part.empty() ? "postmaster" : who_.local_part;
    v.sender_domain = who_.domain;
    v.domain = domain;
    v.helo = who_.helo;
    v.client_name = [&] { return name_of_client(domain); };
    return expand(text, v);
}

match evaluation::include(std::string const& target)
{
    switch (check(target)) {
        case auth_result::pass: return match::yes;
        case auth_result::fail:
        case auth_result::softfail:
        case auth_result::neutral: return match::no;
        case auth_result::temperror: return match::temporary;
        default: return match::permanent;
    }
}

match evaluation::a(directive const& d, std::string const& target)
{
    answer<ip_address> found;
    auto const state = look_up(
        target, [&] { return dns_.addresses(target, !who_.client.is_v4()); }, found);
    if (state != match::yes) return state;
    bool const any = std::any_of(found.records.begin(), found.records.end(), [&](auto const& address) {
        return is_in(who_.client, address, d.v4_prefix, d.v6_prefix);
    });
    return any ? match::yes : match::no;
}

match evaluation::mx(directive const& d, std::string const& target)
{
    answer<std::string> found;
    auto const state = look_up(
        target, [&] { return dns_.exchangers(target); }, found);
    if (state != match::yes) return state;
    if (found.records.size() > most_exchangers) return match::permanent;
    for (auto const& host : found.records) {
        if (!is_name(host)) continue;
        auto const of_host = dns_.addresses(host, !who_.client.is_v4());
        if (of_host.what == answered::failed) return match::temporary;
        for (auto const& address : of_host.records)
            if (is_in(who_.client, address, d.v4_prefix, d.v6_prefix)) return match::yes;
    }
    return match::no;
}

match evaluation::ptr(std::string const& target)
{
    auto const& all = names_of_client();
    return std::any_of(all.begin(), all.end(), [&](auto const& n) { return is_below(n, target); }) ? match::yes
                                                                                                   : match::no;
}

match evaluation::exists(std::string const& target)
{
    answer<ip_address> found;
    return look_up(
        target, [&] { return dns_.addresses(target, false); }, found);
}

match evaluation::matches(directive const& d, std::string const& domain)
{
    switch (d.what) {
        case mechanism::all: return match::yes;
        case mechanism::ip6:
            // IPv4 in IPv6: a client who has it came with IPv4.
            if (d.address.is_v4()) return match::no;
            [[fallthrough]];
        case mechanism::ip4: return is_in(who_.client, d.address, d.v4_prefix, d.v6_prefix) ? match::yes : match::no;
        default: break;
    }
    if (!one_more_term()) return match::permanent;
    auto const target = expanded(d.domain, domain);
    // RFC 8616 section 4: a local part that is not ASCII matches nothing.
    if (!is_ascii(target)) return match::no;
    switch (d.what) {
        case mechanism::include: return include(target);
        case mechanism::a: return a(d, target);
        case mechanism::mx: return mx(d, target);
        case mechanism::ptr: return ptr(target);
        default: return exists(target);
    }
}

auth_result evaluation::judge(record const& r, std::string const& domain)
{
    for (auto const& d : r.directives) {
        switch (matches(d, domain)) {
            case match::yes: return d.then;
            case match::no: break;
            case match::temporary: return auth_result::temperror;
            case match::permanent: return auth_result::permerror;
        }
    }
    if (r.redirect.empty()) return auth_result::neutral;
    if (!one_more_term()) return auth_result::permerror;
    auto const there = check(expanded(r.redirect, domain));
    return there == auth_result::none ? auth_result::permerror : there;
}

auth_result evaluation::check(std::string const& domain)
{
    // Section 4.3: neither an address nor a single label is a domain.
    if (!is_name(domain) || domain.front() == '[' || domain.find('.') == std::string::npos) return auth_result::none;
    auto const found = dns_.texts(domain);
    if (found.what == answered::failed) return auth_result::temperror;
    std::string const* only = nullptr;
    for (auto const& text : found.records) {
        if (!is_record(text)) continue;
        if (only != nullptr) return auth_result::permerror;
        only = &text;
    }
    if (only == nullptr) return auth_result::none;
    auto const r = parse(*only);
    return r ? judge(*r, domain) : auth_result::permerror;
}

}  // namespace

auth_result evaluate(names& dns, identity const& who) { return evaluation{dns, who}.check(who.domain); }

}  // namespace postern::spf
