// The records of each local domain, against those that it should have.
#include <algorithm>

#include "base/internet_address.hpp"
#include "base/text.hpp"
#include "doctor/judge.hpp"
#include "doctor/judge_parts.hpp"
#include "doctor/words.hpp"
#include "mail/dmarc.hpp"
#include "mail/tlsrpt_record.hpp"
#include "porter/pacc.hpp"
#include "spf/record.hpp"

namespace postern::doctor {
namespace rules = catalogue::rules;
namespace {

class domain_judge {
public:
    domain_judge(facts const& f, domain_facts const& d, report& r) : f_(f), d_(d), r_(r), ours_(zone_server(f)) {}

    void judge()
    {
        mx();
        spf();
        dkim();
        dmarc();
        if (ours_.takes_mail && mx_is_ours_) {
            sts();
            tlsrpt();
        }
        services();
        autoconfig();
        configuration();
        if (!unknown_.empty()) r_.add(dns_unknown(d_.domain, unknown_));
    }

private:
    void say(catalogue::rule const& why, severity how_bad, zone::record const& record,
             std::vector<catalogue::evidence> more = {})
    {
        auto const line = zone::to_line(record);
        more.push_back({"domain", d_.domain});
        more.push_back({"record", line});
        r_.add({area::dns, how_bad, &why, std::move(more), {line}});
    }
    void good(std::string text) { r_.good(area::dns, d_.domain + ": " + std::move(text)); }
    /// The first is told: if the name servers are down, all have the same.
    bool unknown(dns::finding what, std::string const& problem)
    {
        if (is_unknown(what) && unknown_.empty()) unknown_ = problem.empty() ? "nobody answered" : problem;
        return is_unknown(what);
    }

    bool is_ours(std::string const& host)
    {
        if (equal_ignoring_case(host, f_.settings.hostname)) return true;
        auto const found = d_.exchangers.find(host);
        if (found == d_.exchangers.end() || unknown(found->second.what, found->second.problem)) return false;
        return std::ranges::any_of(f_.addresses, [&](address_facts const& a) {
            auto const& list = a.address.is_v4() ? found->second.v4 : found->second.v6;
            return std::ranges::find(list, a.address) != list.end();
        });
    }

    void mx()
    {
        if (unknown(d_.mx.what, d_.mx.problem)) return;
        auto const record = zone::mx_record(d_.domain, ours_);
        std::vector<std::string> hosts;
        for (auto const& m : d_.mx.records) hosts.push_back(m.host.empty() ? "." : m.host);
        mx_is_ours_ = std::ranges::any_of(hosts, [this](auto const& h) { return is_ours(h); });
        if (mx_is_ours_) {
            good("its mail comes to this server (MX " + joined(hosts) + ")");
            certificate_for(hosts);
        } else if (!unknown_.empty()) {
            // Whose the exchanger is, nobody could say.
        } else if (ours_.takes_mail && hosts.empty()) {
            say(rules::own_mx_missing, severity::failure, record);
        } else if (ours_.takes_mail) {
            say(rules::own_mx_elsewhere, severity::warning, record, {{"found", joined(hosts)}});
        }
    }

    /// Senders compare the certificate with the name of the MX, and insist on it where a policy says so.
    void certificate_for(std::vector<std::string> const& hosts)
    {
        std::vector<std::string> names;
        for (auto const& c : f_.certificates) names.insert(names.end(), c.names.begin(), c.names.end());
        bool const demanded = d_.policy && d_.policy->policy && d_.policy->policy->mode == mail::sts_mode::enforce;
        for (auto const& host : hosts) {
            // The server's own name is judged with the certificate.
            if (names.empty() || !is_ours(host) || equal_ignoring_case(host, f_.settings.hostname) ||
                covers(names, host))
                continue;
            r_.add({area::dns,
                    demanded ? severity::failure : severity::hint,
                    &rules::own_certificate_name,
                    {{"listener", f_.certificates.front().file}, {"name", host}, {"names", joined(names)}},
                    {"certbot certonly -d " + f_.settings.hostname + " -d " + host}});
        }
    }

    static bool is_spf(std::string_view text)
    {
        return starts_with_ignoring_case(text, "v=spf1") && (text.size() == 6 || text[6] == ' ');
    }

    void spf()
    {
        if (unknown(d_.texts.what, d_.texts.problem)) return;
        std::vector<std::string> records;
        for (auto const& t : d_.texts.records)
            if (is_spf(t)) records.push_back(t);
        std::vector<ip_address> missing;
        std::string problem;
        std::size_t allowed = 0;
        auto how_bad = severity::hint;
        for (auto const& one : d_.spf) {
            allowed += one.what.what == mail::auth_result::pass;
            if (one.what.what == mail::auth_result::pass || one.what.what == mail::auth_result::temperror) continue;
            missing.push_back(one.address);
            // Nobody outside sees an address of an inside network.
            if (is_of_internet(one.address) || one.what.what == mail::auth_result::permerror)
                how_bad = severity::failure;
            problem = one.what.what == mail::auth_result::permerror
                          ? "verifiers can't evaluate it (permerror): a mistake, or more than 10 look-ups"
                          : "it does not allow " + one.address.to_string() + ", from where this server sends (" +
                                std::string{mail::to_string(one.what.what)} + ")";
        }
        if (records.empty()) {
            say(rules::own_spf_missing, severity::warning, zone::spf_record(d_.domain, ours_, {}, missing));
            return;
        }
        if (records.size() > 1) {
            problem = "there are " + std::to_string(records.size()) + " of them";
            how_bad = severity::failure;
        }
        if (problem.empty()) {
            auto const end = end_of(records.front());
            if (end == mail::auth_result::pass) {
                problem = "it allows everybody";
                how_bad = severity::failure;
            } else if (end == mail::auth_result::neutral) {
                problem = "it says nothing of all the others (neutral), so it protects nobody";
                how_bad = severity::warning;
            }
        }
        if (!problem.empty()) {
            say(rules::own_spf_wrong, how_bad, zone::spf_record(d_.domain, ours_, records, missing),
                {{"problem", problem}});
        } else if (allowed != 0 && allowed == d_.spf.size()) {
            good("SPF allows this server");
        } else {
            unknown(dns::finding::temporary,
                    d_.spf.empty()
                        ? "no address of this server is known, or no time was left, to see what SPF says of it"
                        : "names in the SPF record could not be looked up");
        }
    }

    /// What it says of whoever is not named; `none`: another record says it.
    static mail::auth_result end_of(std::string const& text)
    {
        auto const record = spf::parse(text);
        if (!record) return mail::auth_result::permerror;
        for (auto const& d : record->directives)
            if (d.what == spf::mechanism::all) return d.then;
        return record->redirect.empty() ? mail::auth_result::neutral : mail::auth_result::none;
    }

    void dkim()
    {
        if (!d_.keys_known) return;
        if (d_.keys.empty()) {
            auto const command = "postern dkim create " + d_.domain;
            r_.add({area::dns,
                    severity::warning,
                    &rules::own_dkim_missing,
                    {{"domain", d_.domain}, {"record", "what `" + command + "` shows"}},
                    {command}});
        }
        for (auto const& k : d_.keys) judge_key(k);
    }

    void judge_key(signing_key_facts const& k)
    {
        auto const record = zone::dkim_record(k.name, k.value);
        auto const how_bad = k.active ? severity::failure : severity::hint;
        if (k.published == "matches") {
            good("the DNS has the DKIM key " + k.name);
        } else if (k.published == "missing") {
            say(rules::own_dkim_missing, how_bad, record);
        } else if (k.published == "unknown") {
            unknown(dns::finding::temporary, k.problem);
        } else {
            auto const problem = k.published == "revoked"    ? "it is revoked (p= is empty)"
                                 : k.published == "several"  ? "there are several records"
                                 : k.published == "testing"  ? "it says t=y, so verifiers don't rely on it"
                                 : k.published == "unusable" ? "no verifier can read it"
                                                             : "it is another key";
            say(rules::own_dkim_wrong, how_bad, record, {{"problem", problem}});
        }
    }

    void dmarc()
    {
        if (unknown(d_.dmarc.what, d_.dmarc.problem)) return;
        auto const record = zone::dmarc_record(d_.domain);
        auto const found = mail::dmarc_records_of(d_.dmarc.records);
        if (found.empty()) {
            // Below another domain, that one's record may hold (RFC 7489 section 6.6.3).
            bool const below = std::ranges::count(d_.domain, '.') > 1;
            say(rules::own_dmarc_missing, below ? severity::hint : severity::warning, record);
        } else if (found.size() > 1) {
            say(rules::own_dmarc_wrong, severity::failure, record,
                {{"problem", "there are " + std::to_string(found.size()) + " of them, so none counts"}});
        } else if (!mail::parse_dmarc_record(found.front())) {
            say(rules::own_dmarc_wrong, severity::failure, record,
                {{"problem", "nobody can read `" + printable(found.front(), 100) + '`'}});
        } else {
            good("it has a DMARC record");
        }
    }

    void sts()
    {
        if (unknown(d_.sts.what, d_.sts.problem)) return;
        std::vector<std::string> hosts;
        for (auto const& m : d_.mx.records)
            if (!m.host.empty()) hosts.push_back(m.host);
        auto const policy = zone::sts_policy(hosts, d_.policy && d_.policy->policy ? d_.policy->policy : std::nullopt);
        auto const record = zone::sts_record(d_.domain, policy);
        auto const with_policy = [&](catalogue::rule const& why, severity how_bad, std::string const& problem) {
            say(why, how_bad, record, {{"problem", problem}});
            auto& lines = r_.findings.back().change;
            lines.push_back("https://mta-sts." + d_.domain + "/.well-known/mta-sts.txt:");
            std::string_view rest = policy;
            while (!rest.empty()) {
                auto const end = rest.find("\r\n");
                lines.push_back("    " + std::string{rest.substr(0, end)});
                rest.remove_prefix(end + 2);
            }
        };
        if (!mail::parse_sts_record(d_.sts.records)) {
            with_policy(rules::own_mta_sts_missing, severity::hint, {});
            return;
        }
        if (!d_.policy) return;
        if (!d_.policy->policy) {
            // From here it can't be had; whether that is so elsewhere, nobody said.
            bool const unreached = !d_.policy->answered;
            with_policy(rules::own_mta_sts_wrong, unreached ? severity::warning : severity::failure,
                        d_.policy->problem + (unreached ? " (from here)" : ""));
            return;
        }
        for (auto const& host : hosts) {
            if (d_.policy->policy->mode == mail::sts_mode::none || mail::allows(*d_.policy->policy, host)) continue;
            with_policy(rules::own_mta_sts_wrong, severity::failure, "it does not name the MX " + host);
            return;
        }
        good("its MTA-STS policy names its MX");
    }

    void tlsrpt()
    {
        if (unknown(d_.tlsrpt.what, d_.tlsrpt.problem)) return;
        auto const record = zone::tlsrpt_record(d_.domain);
        bool const there = std::ranges::any_of(
            d_.tlsrpt.records, [](auto const& t) { return starts_with_ignoring_case(t, "v=TLSRPTv1"); });
        if (mail::parse_tlsrpt_record(d_.tlsrpt.records)) {
            good("it asks for reports about encryption (TLSRPT)");
        } else if (there) {
            say(rules::own_tlsrpt_wrong, severity::warning, record,
                {{"problem", "it names no address that reports can go to, or is there twice"}});
        } else {
            say(rules::own_tlsrpt_missing, severity::hint, record);
        }
    }

    void services()
    {
        for (auto const& wanted : zone::srv_records(d_.domain, ours_)) {
            auto const found = std::ranges::find(d_.services, wanted.name, &service_facts::name);
            if (found == d_.services.end() || unknown(found->answer.what, found->answer.problem)) continue;
            // Priority and weight are the operator's choice.
            std::vector<std::string> places;
            bool here = false;
            for (auto const& s : found->answer.records) {
                places.push_back(std::to_string(s.port) + ' ' + zone::absolute(s.host));
                here = here || wanted.value.ends_with(' ' + places.back());
            }
            bool const absent = wanted.value.ends_with(" .");
            if (absent && places.empty()) continue;
            if (absent && !here) {
                say(rules::own_srv_wrong, severity::hint, wanted,
                    {{"found", joined(places)}, {"problem", "this server knows of no such service"}});
            } else if (absent) {
                good(wanted.name + " says that there is no such service");
            } else if (places.empty()) {
                say(rules::own_srv_missing, severity::hint, wanted);
            } else if (here) {
                good(wanted.name + " leads here");
            } else {
                say(rules::own_srv_wrong, severity::warning, wanted,
                    {{"found", joined(places)}, {"problem", "that is not a port of this server"}});
            }
        }
    }

    void autoconfig()
    {
        if (unknown(d_.autoconfig.what, d_.autoconfig.problem)) return;
        if (d_.autoconfig.what == dns::finding::found) {
            auto const& host = f_.settings.hostname;
            auto const where =
                d_.settings_url.empty() ? "https://autoconfig." + d_.domain + "/mail/config-v1.1.xml" : d_.settings_url;
            bool const names_us =
                d_.settings_file && to_lower(*d_.settings_file).find(to_lower(host)) != std::string::npos;
            if (names_us) {
                good(where + " names this server");
                return;
            }
            auto const problem = d_.settings_file ? "they do not name " + host : d_.settings_problem;
            r_.add({area::dns,
                    d_.settings_unreached ? severity::hint : severity::warning,
                    &rules::own_autoconfig_wrong,
                    {{"domain", d_.domain}, {"problem", problem}, {"record", where}},
                    {where + ": an outgoingServer with hostname " + host}});
        } else {
            say(rules::own_autoconfig_missing, severity::hint, zone::autoconfig_record(d_.domain, ours_));
            if (d_.autodiscover.what != dns::finding::found && !is_unknown(d_.autodiscover.what))
                r_.findings.back().change.push_back(zone::to_line(zone::autodiscover_record(d_.domain, ours_)));
        }
    }

    /// PACC: the records, the document, and that each fits the other.
    void configuration()
    {
        if (unknown(d_.configuration_texts.what, d_.configuration_texts.problem) ||
            unknown(d_.configuration_host.what, d_.configuration_host.problem))
            return;
        auto facts = porter::facts_of(f_.settings, {});
        if (f_.announced) facts.announced = *f_.announced;
        auto const texts = porter::pacc_records(facts, d_.domain);
        if (texts.empty()) return;
        auto const host = zone::configuration_host_record(d_.domain, ours_);
        auto const& published = d_.configuration_texts.records;
        auto const is_published = [&](std::string const& text) {
            return std::ranges::find(published, text) != published.end();
        };
        bool const led_here = d_.configuration_host.what == dns::finding::found;
        if (published.empty() && !led_here) {
            say(rules::own_pacc_missing, severity::hint, host);
            add_texts(texts);
            return;
        }
        std::string problem;
        if (!led_here)
            problem = "there is no " + host.name;
        else if (!d_.configuration)
            problem = d_.configuration_problem;
        else if (!is_published(porter::pacc_record(*d_.configuration)))
            problem = "no record has the digest of the document";
        if (problem.empty()) {
            good("its configuration for mail programs is what the DNS vouches for");
            if (texts.size() > 1 && !is_published(texts.back()))
                say(rules::own_pacc_missing, severity::hint, zone::configuration_record(d_.domain, texts.back()));
            return;
        }
        say(rules::own_pacc_wrong, severity::warning, zone::configuration_record(d_.domain, texts.front()),
            {{"problem", problem}});
        if (!led_here) r_.findings.back().change.push_back(zone::to_line(host));
    }
    void add_texts(std::vector<std::string> const& texts)
    {
        for (auto const& text : texts)
            r_.findings.back().change.push_back(zone::to_line(zone::configuration_record(d_.domain, text)));
    }

    facts const& f_;
    domain_facts const& d_;
    report& r_;
    zone::server ours_;
    std::string unknown_;
    bool mx_is_ours_ = false;
};

}  // namespace

void judge_domains(facts const& f, report& r)
{
    for (auto const& d : f.domains) domain_judge{f, d, r}.judge();
}

}  // namespace postern::doctor
