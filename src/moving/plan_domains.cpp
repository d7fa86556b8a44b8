// The server's name and its domains.
#include <algorithm>

#include "base/text.hpp"
#include "config/values.hpp"
#include "mail/address.hpp"
#include "moving/planner.hpp"

namespace postern::moving {
namespace {

constexpr std::size_t most_domains = 1000;  // in the configuration; more are commands

class domain_list {
public:
    domain_list(planner& p, std::string_view parameter) : p_(p), parameter_(parameter) {}

    void add_value(std::string const& value)
    {
        for (auto const& word : words(value)) add_word(word, 0);
    }

private:
    void add_word(std::string const& word, unsigned depth)
    {
        if (word.starts_with('/')) return add_file(word, depth);
        if (is_table(word)) return add_table(word);
        if (is_local_name(to_lower(word))) return;  // programs of this machine write there, by sendmail(1)
        auto const domain = mail::parse_domain(word);
        if (!domain) {
            p_.out.tell(weight::lost, p_.where(parameter_), std::string(parameter_), word,
                        "This is no domain that Postern can have in domains.local.");
            return;
        }
        if (std::find(p_.domains.begin(), p_.domains.end(), *domain) == p_.domains.end()) p_.domains.push_back(*domain);
    }

    void add_file(std::string const& path, unsigned depth)
    {
        auto const content = p_.disk.read(path, longest_configuration);
        if (!content || depth > 3) {
            p_.out.tell(weight::act, p_.where(parameter_), std::string(parameter_), path,
                        "Can't be read" + (content ? std::string{" so deep"} : ": " + content.error().why) +
                            ". Add its domains with `postern domain add`.");
            return;
        }
        for_each_line(content->reveal(), [&](std::string_view line, unsigned) {
            for (auto const& word : words(line.substr(0, line.find('#')))) add_word(word, depth + 1);
            return true;
        });
    }

    void add_table(std::string const& word)
    {
        auto const rows = p_.rows_of(word, parameter_, "Add its domains with `postern domain add`.");
        if (!rows) return;
        for (auto const& r : *rows)
            if (r.key.find('@') == std::string::npos && r.key.find('.') != std::string::npos) add_word(r.key, 4);
    }

    planner& p_;
    std::string_view parameter_;
};

void hostname(planner& p)
{
    auto const name = p.main().take("myhostname");
    auto const domain = mail::parse_domain(name);
    if (p.main().find("myhostname") != nullptr && domain)
        p.out.set("hostname", config::quote(*domain), p.origin("myhostname"));
    else if (p.main().find("myhostname") != nullptr)
        p.tell_parameter(weight::act, "myhostname", "Postern can't have this name; set hostname.");
}

}  // namespace

void plan_domains(planner& p)
{
    if (!p.has_postfix()) return;
    hostname(p);
    auto& main = p.main();
    std::string origins;
    for (std::string_view const name : {"mydestination", "virtual_mailbox_domains", "virtual_alias_domains"}) {
        auto const value = main.take(name);
        // By default the domains are those that the tables of addresses name.
        bool const of_addresses = main.find(name) == nullptr && name != "mydestination";
        if (value.empty() || (p.wish.submission_only && name != "mydestination" && of_addresses)) continue;
        auto const before = p.domains.size();
        if (of_addresses) {
            for (auto const& word : words(value))
                if (auto const t = split_table(word); !t.path.empty()) {
                    auto const content = p.disk.read(t.path, longest_table);
                    if (content) domain_list(p, name).add_value(word);
                }
        } else {
            domain_list(p, name).add_value(value);
        }
        if (p.domains.size() > before || main.find(name) != nullptr)
            origins += (origins.empty() ? "" : "; ") + p.origin(name);
    }
    if (p.domains.empty()) return;
    if (p.wish.submission_only) return;  // they stay Postfix's
    if (p.domains.size() <= most_domains) {
        p.out.set("domains.local", toml_list(p.domains), origins);
    } else {
        for (auto const& d : p.domains) p.out.commands.push_back("postern domain add " + shell_word(d));
        p.out.tell(weight::act, p.where("virtual_mailbox_domains"), "virtual_mailbox_domains",
                   std::to_string(p.domains.size()) + " domains", "They are commands in the script of --commands.");
    }
}

}  // namespace postern::moving
