#include "doctor/published.hpp"

#include <algorithm>
#include <map>

#include "base/hex.hpp"
#include "base/internet_address.hpp"
#include "base/text.hpp"
#include "checks/spf.hpp"
#include "doctor/gather.hpp"
#include "doctor/judge.hpp"
#include "doctor/round.hpp"

namespace postern::doctor {
namespace {

constexpr std::size_t most_wanted = 64;

/// One question of each kind that is needed, by name.
struct answers {
    std::map<std::string, dns::mx_answer> mx;
    std::map<std::string, dns::txt_answer> txt;
    std::map<std::string, dns::address_answer> addresses;
    std::map<std::string, dns::srv_answer> srv;
    std::map<std::string, dns::tlsa_answer> tlsa;
    caa_answers caa;
};

/// "autoconfig.example.com." without its dot.
std::string plain(std::string_view absolute)
{
    if (absolute.ends_with('.')) absolute.remove_suffix(1);
    return to_lower(absolute);
}

void ask(round& r, answers& a, zone::record const& w)
{
    // Nodes of a map stay where they are.
    if (w.type == "MX" && !a.mx.contains(w.name)) r.mx(w.name, a.mx[w.name]);
    if (w.type == "TXT" && !a.txt.contains(w.name)) r.txt(w.name, a.txt[w.name]);
    if (w.type == "SRV" && !a.srv.contains(w.name)) r.srv(w.name, a.srv[w.name]);
    if (w.type == "TLSA" && !a.tlsa.contains(w.name)) r.tlsa(w.name, a.tlsa[w.name]);
    auto const address = [&](std::string const& name) {
        if (!a.addresses.contains(name)) r.addresses(name, a.addresses[name]);
    };
    if (w.type == "CAA")
        for (auto const& at : caa_names(w.name))
            if (!a.caa.contains(at)) r.caa(at, a.caa[at]);
    if (w.type == "A" || w.type == "AAAA" || w.type == "CNAME") address(w.name);
    if (w.type == "CNAME") address(plain(w.value));
}

std::vector<std::string> texts_of(dns::address_answer const& a)
{
    std::vector<std::string> list;
    for (auto const* some : {&a.v4, &a.v6})
        for (auto const& one : *some) list.push_back(one.to_string());
    std::sort(list.begin(), list.end());
    return list;
}

template <class Answer>
bool is_open(Answer const& a, published_record& out)
{
    if (a.what == dns::finding::found) return true;
    bool const none = a.what == dns::finding::no_such_name || a.what == dns::finding::no_data;
    out.state = none ? published::missing : published::unknown;
    if (!none) out.problem = a.problem;
    return false;
}

void settle(published_record& out, bool right)
{
    out.state = right ? published::right : out.found.empty() ? published::missing : published::different;
}

void judge_mx(dns::mx_answer const& a, published_record& out)
{
    if (!is_open(a, out)) return;
    auto const host = plain(std::string_view{out.wanted.value}.substr(out.wanted.value.find(' ') + 1));
    bool right = false;
    for (auto const& m : a.records) {
        out.found.push_back(std::to_string(m.preference) + ' ' + zone::absolute(m.host));
        right = right || m.host == host;
    }
    settle(out, right);
}

/// "v=spf1" of "v=spf1 mx -all": records of other purposes under the same name are no answer.
std::string_view purpose_in(std::string_view text) { return text.substr(0, text.find_first_of(" ;")); }

void judge_txt(dns::txt_answer const& a, published_record& out)
{
    if (!is_open(a, out)) return;
    auto const purpose = purpose_in(out.wanted.value);
    bool right = false;
    for (auto const& text : a.records) {
        if (!starts_with_ignoring_case(text, purpose)) continue;
        out.found.push_back(printable(text, 600));
        right = right || text == out.wanted.value;
        // Its owner decides how strict it is.
        right =
            right || starts_with_ignoring_case(purpose, "v=DMARC1") || starts_with_ignoring_case(purpose, "v=TLSRPTv1");
    }
    settle(out, right);
}

void judge_srv(dns::srv_answer const& a, published_record& out)
{
    if (!is_open(a, out)) return;
    bool right = false;
    for (auto const& s : a.records) {
        out.found.push_back(std::to_string(s.priority) + ' ' + std::to_string(s.weight) + ' ' + std::to_string(s.port) +
                            ' ' + (s.host.empty() ? "." : zone::absolute(s.host)));
        auto const end = std::to_string(s.port) + ' ' + zone::absolute(s.host);
        right = right || out.wanted.value.ends_with(' ' + end);
    }
    // "0 0 0 .": that there is no such service.
    if (out.wanted.value.ends_with(" ."))
        right = std::any_of(a.records.begin(), a.records.end(), [](auto const& s) { return s.host.empty(); });
    settle(out, right);
}

void judge_tlsa(dns::tlsa_answer const& a, published_record& out)
{
    if (!is_open(a, out)) return;
    bool right = false;
    for (auto const& t : a.records) {
        out.found.push_back(std::to_string(t.usage) + ' ' + std::to_string(t.selector) + ' ' +
                            std::to_string(t.matching) + ' ' + to_hex(t.data));
        right = right || equal_ignoring_case(out.found.back(), out.wanted.value);
    }
    settle(out, right);
}

/// Whatever it looks like: what counts is what it allows.
void judge_caa(caa_answers const& all, certificates_wanted const& certified, published_record& out)
{
    auto const own = judge_caa(out.wanted.name, all, certified.from);
    for (auto const& r : own.records) out.found.push_back(to_text(r));
    auto worst = own;
    for (auto const& name : certified.names) {
        auto one = judge_caa(name, all, certified.from);
        if (worst.what != consent::refused && (one.what == consent::refused || one.what == consent::unknown))
            worst = std::move(one);
    }
    out.state = worst.what == consent::given     ? published::right
                : worst.what == consent::unasked ? published::advised
                : worst.what == consent::refused ? published::different
                                                 : published::unknown;
    out.problem = worst.problem;
}

void judge_address(dns::address_answer const& a, published_record& out)
{
    if (!is_open(a, out)) return;
    out.found = texts_of(a);
    settle(out, std::find(out.found.begin(), out.found.end(), out.wanted.value) != out.found.end());
}

void judge_alias(answers const& all, published_record& out)
{
    auto const& here = all.addresses.at(out.wanted.name);
    if (!is_open(here, out)) return;
    if (!here.canonical.empty()) out.found.push_back(zone::absolute(here.canonical));
    auto const addresses = texts_of(here);
    out.found.insert(out.found.end(), addresses.begin(), addresses.end());
    auto const target = plain(out.wanted.value);
    settle(out, here.canonical == target || addresses == texts_of(all.addresses.at(target)));
}

/// Whether what is published allows each of our addresses, in whatever words.
bool allows_us(config::settings const& s, std::string const& domain, std::vector<ip_address> const& ours,
               std::chrono::seconds limit)
{
    auto names = checks::waiting_names::make(options_for(s, limit));
    if (!names || ours.empty()) return false;
    checks::inquiry asked{**names, steady_clock::now() + limit};
    mail::path from;
    from.address = {"postmaster", domain};
    return std::all_of(ours.begin(), ours.end(), [&](ip_address const& a) {
        return checks::check_spf(asked, a, s.hostname, from).what == mail::auth_result::pass;
    });
}

}  // namespace

listener_facts facts_of(config::listener const& l)
{
    auto const* const tls = l.tls == config::tls_mode::implicit   ? "implicit"
                            : l.tls == config::tls_mode::starttls ? "starttls"
                                                                  : "none";
    return {l.address, l.role == config::role::mx ? "mx" : "submission", tls};
}

zone::server server_of(config::settings const& s)
{
    facts f;
    f.settings = s;
    for (auto const& l : s.listeners) f.listeners.push_back(facts_of(l));
    gather_certificates(f);
    gather_machine(f, "");
    for (auto const& a : f.machine.addresses)
        if (is_of_internet(a)) f.addresses.push_back({a, {}, {}});
    // The name is to lead to each of them: that is what these records are for.
    for (auto const& a : f.addresses) (a.address.is_v4() ? f.own_name.v4 : f.own_name.v6).push_back(a.address);
    return zone_server(f);
}

std::string_view purpose_of(zone::need n)
{
    switch (n) {
        case zone::need::mail_arrives: return "so that mail arrives";
        case zone::need::mail_is_trusted: return "so that others trust its mail";
        case zone::need::clients_find_us: return "so that mail programs find their settings";
        case zone::need::encryption_holds: return "so that nobody on the way can take the encryption out";
    }
    return "";
}

std::string_view to_string(published p) noexcept
{
    switch (p) {
        case published::right: return "right";
        case published::missing: return "missing";
        case published::different: return "different";
        case published::advised: return "advised";
        case published::unknown: break;
    }
    return "unknown";
}

std::vector<published_record> look_up(config::settings const& s, std::vector<zone::record> const& wanted,
                                      std::chrono::seconds limit, certificates_wanted const& certified)
{
    std::vector<published_record> out;
    for (auto const& w : wanted)
        if (out.size() < most_wanted) out.push_back({w, {}, published::unknown, {}});
    answers all;
    std::string problem;
    auto const o = options_for(s, limit);
    auto const asking = round::make(
        [o](boost::asio::any_io_executor const& executor) { return dns::make_resolver(executor, o); }, problem);
    if (!asking) {
        for (auto& one : out) one.problem = problem;
        return out;
    }
    for (auto const& one : out) ask(*asking, all, one.wanted);
    for (auto const& name : certified.names) ask(*asking, all, {name, "CAA", {}});
    asking->wait();
    for (auto& one : out) {
        auto const& name = one.wanted.name;
        auto const& type = one.wanted.type;
        if (type == "MX") judge_mx(all.mx.at(name), one);
        if (type == "TXT") judge_txt(all.txt.at(name), one);
        if (type == "SRV") judge_srv(all.srv.at(name), one);
        if (type == "TLSA") judge_tlsa(all.tlsa.at(name), one);
        if (type == "CAA") judge_caa(all.caa, certified, one);
        if (type == "A" || type == "AAAA") judge_address(all.addresses.at(name), one);
        if (type == "CNAME") judge_alias(all, one);
        bool const spf = one.state == published::different && purpose_in(one.wanted.value) == "v=spf1";
        if (spf && allows_us(s, name, server_of(s).addresses, limit)) one.state = published::right;
    }
    return out;
}

}  // namespace postern::doctor
