// Addresses that lead to accounts, and accounts that may send as others: commands, since
// these stand in Postern's database and in no configuration.
#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "mail/address.hpp"
#include "moving/planner.hpp"

namespace postern::moving {
namespace {

constexpr std::size_t most_hops = 10;
constexpr std::size_t most_shown = 10;

// Rows that share a fate: one finding tells of all.
struct group {
    std::size_t count = 0;
    unsigned first_line = 0;
    std::string shown;
    void add(table_row const& r)
    {
        if (count++ == 0) first_line = r.line;
        if (count <= most_shown) shown += (shown.empty() ? "" : ", ") + r.key;
        if (count == most_shown + 1) shown += ", ...";
    }
};

class grants {
public:
    explicit grants(planner& p) : p_(p), own_accounts_(p.wish.users == user_source::taken_over || p.backends.empty())
    {
        home_ = p_.users_domain();
    }

    void aliases(std::string_view parameter)
    {
        auto& main = p_.main();
        auto const value = main.take(parameter);
        for (auto const& table : words(value)) {
            if (!is_table(table)) continue;
            if (main.find(parameter) == nullptr && missing(table)) continue;  // a default that is not there
            auto const rows = p_.rows_of(table, parameter,
                                         "Mail to these addresses is refused until they are aliases: `postern account "
                                         "alias add ACCOUNT ALIAS`.");
            if (rows) alias_rows(*rows, split_table(table).path, parameter);
        }
    }

    void senders()
    {
        constexpr std::string_view parameter = "smtpd_sender_login_maps";
        auto& main = p_.main();
        for (auto const& table : words(main.take(parameter))) {
            if (!is_table(table)) continue;
            auto const rows =
                p_.rows_of(table, parameter,
                           "Grant what accounts may send as besides their own addresses: `postern account "
                           "send-as add ACCOUNT SENDER`. A rule by which each may send as itself needs "
                           "nothing.");
            if (rows) sender_rows(*rows, split_table(table).path);
        }
        for (auto const& s : p_.from.postfix->services)
            for (auto const& o : s.overrides)
                if (o.name == parameter && o.value != "$smtpd_sender_login_maps")
                    p_.out.tell(weight::act, o.at, s.name + " -o " + o.name, o.value,
                                "Set for one service, and not read: `postern account send-as add ACCOUNT SENDER`.");
    }

    /// The commands, those for accounts that other programs hold left out.
    void finish()
    {
        if (commands_.empty()) return;
        if (own_accounts_) {
            for (auto& c : commands_) p_.out.commands.push_back(std::move(c));
            return;
        }
        p_.out.tell(weight::act, first_, std::to_string(commands_.size()) + " aliases and grants", "",
                    "Aliases and send-as grants belong to accounts of Postern's own database, and these accounts are "
                    "somebody else's: mail to such an alias is refused, and sending as it, too. Take the users over "
                    "(--users import, with passwd-files), or let Postfix stay for mail from other servers "
                    "(--submission-only) and list the senders that are needed as accounts of their own.");
    }

private:
    bool missing(std::string const& table)
    {
        auto const path = split_table(table).path;
        return path.empty() || !p_.disk.read(path, longest_table);
    }

    std::string complete(std::string_view name) const
    {
        if (name.find('@') != std::string_view::npos || home_.empty()) return std::string(name);
        return std::string(name) + '@' + home_;
    }

    bool is_local(std::string_view address) const
    {
        auto const at = address.rfind('@');
        if (at == std::string_view::npos) return false;
        return std::find(p_.domains.begin(), p_.domains.end(), address.substr(at + 1)) != p_.domains.end();
    }

    void remember(std::string const& path, unsigned line, std::string command)
    {
        if (commands_.empty()) first_ = {path, line};
        commands_.push_back(std::move(command));
    }

    void tell(weight w, std::string const& path, group const& g, std::string_view parameter, std::string why)
    {
        if (g.count > 0)
            p_.out.tell(w, {path, g.first_line}, std::string(parameter) + " (" + std::to_string(g.count) + " rows)",
                        g.shown, std::move(why));
    }

    void alias_rows(std::vector<table_row> const& rows, std::string const& path, std::string_view parameter)
    {
        std::map<std::string, std::string, std::less<>> single;
        for (auto const& r : rows)
            if (auto const targets = words(r.value); targets.size() == 1)
                single[to_lower(complete(r.key))] = to_lower(complete(targets[0]));
        group several, programs, away, catch_all;
        for (auto const& r : rows) {
            bool const of_domain = parameter != "alias_maps" && r.key.find('@') == std::string::npos &&
                                   r.key.find('.') != std::string::npos;
            if (of_domain) continue;  // "example.com anything": the domain, which plan_domains.cpp has
            auto const targets = words(r.value);
            if (targets.size() > 1) {
                several.add(r);
                continue;
            }
            if (targets.empty()) continue;
            if (targets[0].find_first_of("|/\":") != std::string::npos) {
                programs.add(r);
                continue;
            }
            if (r.key.starts_with('@')) {
                catch_all.add(r);
                continue;
            }
            auto const alias = to_lower(complete(r.key));
            auto target = to_lower(complete(targets[0]));
            for (std::size_t hop = 0; hop < most_hops && single.contains(target) && single[target] != target; ++hop)
                target = single[target];
            if (alias == target) continue;
            if (!is_local(target)) {
                away.add(r);
                continue;
            }
            if (!mail::parse_mailbox(alias) || !mail::parse_mailbox(target)) {
                away.add(r);
                continue;
            }
            remember(path, r.line, "postern account alias add " + shell_word(target) + ' ' + shell_word(alias));
        }
        tell(weight::act, path, several, parameter,
             "Lists: one address leads to several. Run `postern forward add ADDRESS TARGET` for each of them "
             "(docs/incoming.md).");
        tell(weight::act, path, away, parameter,
             "Lead to addresses that are not local. Run `postern forward add ADDRESS TARGET` for each of them "
             "(docs/incoming.md).");
        tell(weight::act, path, programs, parameter,
             "Lead to programs, files or lists in files. Postern has none of that.");
        tell(weight::act, path, catch_all, parameter,
             "Catch whatever is not known in a domain. Postern refuses unknown recipients; add the addresses in use as "
             "aliases.");
    }

    void sender_rows(std::vector<table_row> const& rows, std::string const& path)
    {
        group odd;
        for (auto const& r : rows)
            for (auto const& one : words(r.value)) {
                auto const login = to_lower(complete(one));
                auto const sender = to_lower(r.key.starts_with('@') ? r.key : complete(r.key));
                if (login == sender) continue;
                bool const fits = mail::parse_mailbox(login) &&
                                  (sender.starts_with('@') ? mail::parse_domain(sender.substr(1)).has_value()
                                                           : mail::parse_mailbox(sender).has_value());
                if (!fits) {
                    odd.add(r);
                    continue;
                }
                remember(path, r.line, "postern account send-as add " + shell_word(login) + ' ' + shell_word(sender));
            }
        tell(weight::act, path, odd, "smtpd_sender_login_maps", "Are no addresses that a grant could be for.");
    }

    planner& p_;
    bool own_accounts_;
    std::string home_;
    place first_;
    std::vector<std::string> commands_;
};

}  // namespace

void plan_aliases(planner& p)
{
    if (!p.has_postfix()) return;
    grants g{p};
    if (!p.wish.submission_only) {
        g.aliases("virtual_alias_maps");
        g.aliases("alias_maps");
    }
    g.senders();
    g.finish();
}

}  // namespace postern::moving
