// Who may send what: mynetworks and the lists of restrictions.
#include <algorithm>

#include "base/ip.hpp"
#include "base/numbers.hpp"
#include "base/text.hpp"
#include "config/values.hpp"
#include "moving/planner.hpp"

namespace postern::moving {
namespace {

constexpr std::string_view lists[] = {"smtpd_client_restrictions",      "smtpd_helo_restrictions",
                                      "smtpd_sender_restrictions",      "smtpd_relay_restrictions",
                                      "smtpd_recipient_restrictions",   "smtpd_data_restrictions",
                                      "smtpd_end_of_data_restrictions", "smtpd_etrn_restrictions"};

bool anywhere(planner& p, std::string_view restriction)
{
    auto const in = [&](std::span<parameter const> overrides) {
        return std::any_of(std::begin(lists), std::end(lists), [&](std::string_view list) {
            auto const all = words(p.main().value(list, overrides));
            return std::find(all.begin(), all.end(), restriction) != all.end();
        });
    };
    if (in({})) return true;
    auto const& services = p.from.postfix->services;
    return std::any_of(services.begin(), services.end(), [&](auto const& s) {
        return !s.overrides.empty() && (s.command == "smtpd" || s.command == "postscreen") && in(s.overrides);
    });
}

// "[::ffff:127.0.0.0]/104" is 127.0.0.0/8.
std::optional<network> network_of(std::string text)
{
    text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return c == '[' || c == ']'; }), text.end());
    auto const slash = text.find('/');
    if (starts_with_ignoring_case(text, "::ffff:") && slash != std::string::npos) {
        auto const v4 = ip_address::parse(text.substr(0, slash));
        auto const prefix = parse_number<unsigned>(text.substr(slash + 1), 128);
        if (!v4 || !v4->is_v4() || !prefix || *prefix < 96) return std::nullopt;
        return network::parse(v4->to_string() + '/' + std::to_string(*prefix - 96));
    }
    return network::parse(text);
}

class networks {
public:
    explicit networks(planner& p) : p_(p) {}

    void add(std::string const& word, unsigned depth = 0)
    {
        if (word.starts_with('/') && depth < 3) return add_file(word, depth);
        if (auto const n = network_of(word)) {
            if (std::find(found_.begin(), found_.end(), *n) == found_.end()) found_.push_back(*n);
            return;
        }
        p_.out.tell(weight::act, p_.where("mynetworks"), "mynetworks", word,
                    word.starts_with('!')
                        ? "Postern has no exceptions: split the network around it by hand in relay.networks."
                        : "Is no network that can be carried over. Put what belongs to it into relay.networks.");
        excluded_ = excluded_ || word.starts_with('!');
    }

    std::vector<network> const& found() const { return found_; }
    bool excluded() const { return excluded_; }

private:
    void add_file(std::string const& path, unsigned depth)
    {
        auto const content = p_.disk.read(path, longest_configuration);
        if (!content) {
            p_.out.tell(weight::act, p_.where("mynetworks"), "mynetworks", path,
                        content.error().why + ". Put its networks into relay.networks.");
            return;
        }
        for_each_line(content->reveal(), [&](std::string_view line, unsigned) {
            for (auto const& word : words(line.substr(0, line.find('#')))) add(word, depth + 1);
            return true;
        });
    }

    planner& p_;
    std::vector<network> found_;
    bool excluded_ = false;
};

void allowed_networks(planner& p)
{
    auto& main = p.main();
    auto const value = main.take("mynetworks");
    if (!anywhere(p, "permit_mynetworks")) {
        if (main.find("mynetworks") != nullptr)
            p.tell_parameter(weight::fine, "mynetworks",
                             "No list of restrictions has permit_mynetworks, so it lets nobody relay; neither does "
                             "relay.networks, which stays empty.");
        return;
    }
    networks all{p};
    std::string from = p.origin("mynetworks");
    if (main.find("mynetworks") == nullptr) {
        main.mark("mynetworks_style");
        auto style = main.value("mynetworks_style");
        if (style.empty()) style = main.compatibility() >= 200 ? "host" : "subnet";
        from = "mynetworks is not set, mynetworks_style is " + style;
        all.add("127.0.0.0/8");
        all.add("[::1]/128");
        p.out.tell(style == "host" ? weight::differs : weight::act, p.where("mynetworks_style"), "mynetworks_style",
                   style,
                   style == "host"
                       ? "Stands for this machine's own addresses. relay.networks has its loopback addresses only; add "
                         "the others if programs here use them."
                       : "Stands for the networks that this machine is in, which may be the whole data centre's: an "
                         "open relay for neighbours. relay.networks has the loopback addresses only. Add the single "
                         "hosts that send without logging in.");
    }
    for (auto const& word : words(value)) all.add(word);
    std::vector<std::string> texts;
    for (auto const& n : all.found()) {
        texts.push_back(n.to_string());
        bool const one = n.prefix() == (n.base().is_v4() ? 32u : 128u);
        if (n.base().is_loopback() || one) continue;
        p.out.tell(
            weight::act, p.where("mynetworks"), "mynetworks", n.to_string(),
            n.prefix() == 0
                ? "Lets the whole Internet relay, so it was left out."
                : "Every machine in it may send to anybody without logging in, on all of Postern's listeners. If "
                  "it is wider than hosts of your own, that is an open relay: name the hosts in relay.networks.");
    }
    std::erase_if(texts, [](auto const& t) { return t.ends_with("/0"); });
    // With an exception left out, the network around it would let in whom it kept out.
    if (all.excluded()) {
        std::erase_if(texts, [](auto const& t) { return t.find('/') != std::string::npos && t != "127.0.0.0/8"; });
        from += " (networks left out, since some of it is excepted)";
    }
    if (!texts.empty()) p.out.set("relay.networks", toml_list(texts), from);
}

struct meaning {
    std::string_view name;  // of a restriction; one that ends in * is a beginning
    weight how_much;
    std::string_view why;
};

constexpr meaning meanings[] = {
    {"permit_mynetworks", weight::fine, "relay.networks."},
    {"permit_sasl_authenticated", weight::fine, "Whoever has logged in may send to anybody."},
    {"reject_unauth_destination", weight::fine, "Strangers can only write to local domains, always."},
    {"defer_unauth_destination", weight::fine, "Strangers can only write to local domains, always."},
    {"permit_auth_destination", weight::fine, "Strangers can write to local domains."},
    {"reject_unlisted_recipient", weight::fine, "Unknown local recipients are refused, always."},
    {"reject_unlisted_sender", weight::fine, "Who has logged in sends as addresses of the account only."},
    {"reject_unverified_recipient", weight::differs,
     "Postern asks its directory whether a recipient exists; it does not ask other servers."},
    {"reject_sender_login_mismatch", weight::fine, "Who has logged in sends as addresses of the account only."},
    {"reject_authenticated_sender_login_mismatch", weight::fine,
     "Who has logged in sends as addresses of the account only."},
    {"reject_known_sender_login_mismatch", weight::fine, "Who has logged in sends as addresses of the account only."},
    {"reject_unauthenticated_sender_login_mismatch", weight::lost,
     "On port 25 Postern takes mail with a local sender from strangers, as with any other sender."},
    {"reject_unauth_pipelining", weight::lost,
     "Postern takes commands that come early; smuggling is refused otherwise."},
    {"reject_non_fqdn_*", weight::fine, "Addresses need a full domain."},
    {"permit", weight::fine, "The end of a list."},
    {"reject", weight::fine, "The end of a list; a listener with role \"submission\" takes mail after a login only."},
    {"warn_if_reject", weight::fine, "Only logs."},
    {"check_policy_service", weight::act,
     "Postern asks no policy service: greylisting, SPF, quota or rate limits that it does are gone. Sending limits are "
     "in [[limits.sending]]; for the others let Postfix stay in front for mail from other servers."},
    {"reject_rbl_client", weight::act,
     "Postern asks no blocklists, so more spam comes in. Let Postfix stay in front for mail from other servers (only "
     "submission moves)."},
    {"reject_rhsbl_*", weight::act, "Postern asks no blocklists, so more spam comes in."},
    {"permit_dnswl_client", weight::lost, "Postern asks no lists of the DNS."},
    {"check_sender_access", weight::act,
     "Postern has no access tables. Hosts: guard.deny; senders of accounts: send_as grants; the rest has no "
     "counterpart."},
    {"check_client_access", weight::act,
     "Postern has no access tables. Addresses to refuse belong into guard.deny, hosts that may relay into "
     "relay.networks."},
    {"check_*_access", weight::act, "Postern has no access tables."},
    {"reject_unknown_*", weight::lost, "Postern does not ask the DNS about clients and senders."},
    {"reject_unverified_sender", weight::lost, "Postern does not ask other servers about senders."},
    {"reject_invalid_*", weight::lost, "Postern does not judge by the name of EHLO."},
    {"permit_tls_clientcerts", weight::act,
     "Clients with certificates log in with EXTERNAL: [[auth.certificates]], client_certificates."},
    {"permit_tls_all_clientcerts", weight::act,
     "Clients with certificates log in with EXTERNAL: auth.client_authorities, client_certificates."},
    {"permit_mx_backup", weight::lost, "Postern relays for no domains but its own."},
    {"sleep", weight::lost, "Postern does not wait before it answers."},
};

bool fits(std::string_view pattern, std::string_view word)
{
    auto const star = pattern.find('*');
    if (star == std::string_view::npos) return pattern == word;
    auto const tail = pattern.substr(star + 1);
    return word.size() + 1 >= pattern.size() && word.starts_with(pattern.substr(0, star)) && word.ends_with(tail);
}

void tell_restrictions(planner& p, std::string_view list, std::span<parameter const> overrides, place const& at,
                       std::string const& of_service)
{
    auto const all = words(p.main().value(list, overrides));
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto const& word = all[i];
        auto const found =
            std::find_if(std::begin(meanings), std::end(meanings), [&](auto const& m) { return fits(m.name, word); });
        bool const takes_argument = word.starts_with("check_") || word.starts_with("reject_rbl") ||
                                    word.starts_with("reject_rhsbl") || word.starts_with("permit_dnswl") ||
                                    word.starts_with("permit_rhswl") || word == "sleep";
        std::string value = word;
        if (takes_argument && i + 1 < all.size()) value += ' ' + all[++i];
        auto const name = (of_service.empty() ? "" : of_service + " -o ") + std::string(list);
        if (found != std::end(meanings))
            p.out.tell(found->how_much, at, name, value, std::string(found->why));
        else if (is_table(word))
            p.out.tell(weight::act, at, name, value, "Postern has no access tables.");
        else
            p.out.tell(weight::lost, at, name, value, "Postern has no such restriction.");
    }
}

void restrictions(planner& p)
{
    auto& main = p.main();
    for (auto const list : lists) {
        if (p.wish.submission_only) break;  // those are of the services that stay
        main.mark(list);
        if (auto const* set = main.find(list)) tell_restrictions(p, list, {}, set->at, {});
    }
    for (auto const& s : p.from.postfix->services)
        if (s.command == "smtpd" || s.command == "postscreen")
            for (auto const list : lists)
                if (std::any_of(s.overrides.begin(), s.overrides.end(), [&](auto const& o) { return o.name == list; }))
                    tell_restrictions(p, list, s.overrides, s.at, s.name);
}

void senders(planner& p)
{
    auto& main = p.main();
    bool const checked = anywhere(p, "reject_sender_login_mismatch") ||
                         anywhere(p, "reject_authenticated_sender_login_mismatch") ||
                         anywhere(p, "reject_known_sender_login_mismatch");
    if (!checked)
        p.out.tell(weight::act, {p.from.postfix->main_file, 0}, "reject_sender_login_mismatch", "not in use",
                   "So far whoever has logged in may send as anybody. Postern lets an account send only as its own "
                   "addresses, its aliases and what is granted to it: `postern account send-as add ACCOUNT SENDER` for "
                   "programs and people that send as others.");
    p.out.tell(weight::differs, {p.from.postfix->main_file, 0}, "From and Sender fields", "",
               "Postfix looks at the envelope's sender only; Postern wants From and Sender to be addresses of the "
               "account, too. submission.check_header_from = false switches that off.");
    if (p.submission_tls_only && main.find("smtpd_tls_auth_only") != nullptr)
        p.out.set("auth.require_tls", "true", p.origin("smtpd_tls_auth_only"));
    if (!p.submission_tls_only)
        p.out.tell(
            weight::act, p.where("smtpd_tls_auth_only"), "smtpd_tls_auth_only",
            main.find("smtpd_tls_auth_only") == nullptr ? "no (Postfix's default)" : main.value("smtpd_tls_auth_only"),
            "Programs may log in without TLS so far. Postern refuses that, or everybody on the way could read "
            "the password. For single devices that know no TLS: auth.plaintext_networks.");
    main.mark("smtpd_tls_auth_only");
}

}  // namespace

void plan_access(planner& p)
{
    if (!p.has_postfix()) return;
    if (!p.wish.submission_only) allowed_networks(p);
    restrictions(p);
    senders(p);
}

}  // namespace postern::moving
