#include "moving/passdbs.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "config/values.hpp"
#include "moving/remote_passdbs.hpp"

namespace postern::moving {
namespace {

struct passwd_file {
    std::string path, scheme, format;
    bool bare_names = false;  // some name in the file has no domain
    std::string problem;
};

// args = scheme=SHA512-CRYPT username_format=%n /etc/dovecot/users
passwd_file file_of(planner& p, section const& passdb)
{
    passwd_file f;
    std::string_view rest = passdb.find("args") == nullptr ? std::string_view{} : passdb.find("args")->value;
    while (!rest.empty() && !rest.starts_with('/')) {
        auto const blank = std::min(rest.find(' '), rest.size());
        auto const [key, value] = split_pair(rest.substr(0, blank));
        if (key == "scheme") f.scheme = to_upper(value);
        if (key == "username_format") f.format = value;
        rest = trimmed(rest.substr(blank));
    }
    f.path = rest;
    if (f.path.empty()) {
        f.problem = "This passdb names no file.";
    } else if (f.path.find('%') != std::string::npos) {
        f.problem = "There is one file for each domain or user (" + f.path + "), which Postern has not got.";
    } else if (auto const content = p.disk.read(f.path, longest_table)) {
        for_each_line(content->reveal(), [&](std::string_view line, unsigned) {
            auto const name = trimmed(line.substr(0, line.find(':')));
            f.bare_names =
                f.bare_names || (!name.empty() && !name.starts_with('#') && name.find('@') == std::string_view::npos);
            return !f.bare_names;
        });
    }
    return f;
}

bool cuts_domain(std::string_view format)
{
    return !format.empty() && format.find('u') == std::string_view::npos && format.find("%d") == std::string_view::npos;
}

class mapping {
public:
    explicit mapping(planner& p) : p_(p) {}

    mapped_passdbs run()
    {
        for (auto const* db : p_.dovecot().all("passdb")) {
            if (is_yes(db->value("deny"))) {
                give_up(*db, "A passdb with deny = yes keeps some users out, and Postern has no such list.");
                continue;
            }
            if (is_yes(db->value("master"))) {
                made_.findings.push_back({weight::differs, db->at, "passdb", "master = yes",
                                          "Master users log in as others; Postern has none, they stay Dovecot's."});
                p_.seen.insert(db);
                continue;
            }
            auto const driver = db->value("driver");
            if (driver == "passwd-file")
                passwd(*db);
            else if (driver == "pam")
                pam(*db);
            else if (driver == "shadow")
                shadow(*db);
            else if (driver == "ldap" || driver == "sql")
                remote(*db, driver);
            else
                give_up(*db, "The passdb " + (driver.empty() ? db->name : driver) + " has no counterpart in Postern.");
            rest(*db);
        }
        if (made_.rows.empty() && made_.complete) give_up(p_.dovecot(), "No passdb was found.");
        // Files are asked first, whatever the order.
        bool const mixed = !std::is_partitioned(made_.rows.begin(), made_.rows.end(), is_files);
        std::stable_partition(made_.rows.begin(), made_.rows.end(), is_files);
        if (mixed)
            made_.findings.push_back(
                {weight::differs,
                 {},
                 "passdb",
                 "",
                 "Postern asks files before other programs, so the order is another one. The first "
                 "that knows a name decides: a wrong password there is not tried elsewhere."});
        else if (made_.rows.size() > 1)
            made_.findings.push_back({weight::differs,
                                      {},
                                      "passdb",
                                      std::to_string(made_.rows.size()) + " of them",
                                      "The first that knows a name decides: a wrong password there is not tried in the "
                                      "next one, as Dovecot does."});
        return std::move(made_);
    }

private:
    static bool is_files(row const& r) { return r.find("type")->toml == "\"files\""; }

    void give_up(section const& db, std::string why)
    {
        if (made_.complete) {
            made_.why_not = std::move(why);
            made_.why_not_at = db.at;
        }
        made_.complete = false;
    }

    row& begin(section const& db, std::string const& name, std::string_view type)
    {
        p_.seen.insert(&db);
        row r{"backend", db.at.to_string() + ": passdb, driver = " + db.value("driver"), {}};
        auto unique = name;
        for (unsigned n = 2;
             std::any_of(made_.rows.begin(), made_.rows.end(),
                         [&](auto const& other) { return other.find("name")->toml == config::quote(unique); });
             ++n)
            unique = name + std::to_string(n);
        r.set("name", config::quote(unique));
        r.set("type", config::quote(type));
        made_.rows.push_back(std::move(r));
        return made_.rows.back();
    }

    // Names without a domain need one here.
    void domain(row& r, section const& db, std::string_view why)
    {
        auto const domain = p_.users_domain();
        if (domain.empty()) {
            made_.findings.push_back({weight::act, db.at, "passdb", db.value("driver"),
                                      "Its names have no domain, and which one they belong to was not found out: set "
                                      "`domain` in its [[backend]]."});
            if (r.find("type")->toml != "\"files\"") r.set("domain", "\"example.com\"", "to be changed");
            return;
        }
        r.set("domain", config::quote(domain), std::string(why));
        if (p_.domains.size() > 1)
            made_.findings.push_back({weight::act, db.at, "passdb", db.value("driver"),
                                      "Its names have no domain; here they belong to " + domain +
                                          ". For users of another local domain add a further [[backend]] with that "
                                          "`domain`."});
    }

    void passwd(section const& db)
    {
        auto const f = file_of(p_, db);
        if (!f.problem.empty()) return give_up(db, f.problem);
        auto& r = begin(db, "users", "files");
        r.set("path", config::quote(f.path));
        r.set("format", "\"dovecot\"");
        if (!f.scheme.empty()) r.set("scheme", config::quote(f.scheme));
        if (f.bare_names || cuts_domain(f.format) || names_lack_domains(p_)) domain(r, db, "of names without one");
        made_.findings.push_back({weight::act, db.at, "passdb passwd-file", f.path,
                                  "The user postern has to be able to read it: setfacl -m u:postern:r " + f.path});
    }

    void pam(section const& db)
    {
        std::string service = "dovecot";
        for (auto const& word : words(db.value("args"))) {
            auto const [key, value] = split_pair(word);
            if (value.empty() && word.find('%') == std::string::npos && word != "*") service = key;
            if (word == "%s" || word == "*") service = "smtp";
            if (key == "service" && value.find('%') == std::string_view::npos) service = value;
        }
        auto& r = begin(db, "system", "pam");
        r.set("service", config::quote(service), "/etc/pam.d/" + service);
        domain(r, db, "PAM's names have none");
        made_.findings.push_back({weight::act, db.at, "passdb pam", service,
                                  "The user postern has to be in the group shadow where PAM reads /etc/shadow: "
                                  "SupplementaryGroups=shadow in a drop-in of the unit. See docs/backends.md."});
    }

    void shadow(section const& db)
    {
        auto& r = begin(db, "system", "files");
        r.set("path", "\"/etc/shadow\"");
        r.set("format", "\"shadow\"");
        domain(r, db, "the system's names have none");
        made_.findings.push_back({weight::act, db.at, "passdb shadow", "",
                                  "The user postern has to be able to read /etc/shadow: setfacl -m u:postern:r "
                                  "/etc/shadow"});
    }

    void remote(section const& db, std::string const& driver)
    {
        auto const path = db.value("args");
        auto settings = read_dovecot(p_.disk, path);
        if (!settings) return give_up(db, settings.error().to_string() + '.');
        auto mapped = driver == "ldap" ? map_ldap(*settings) : map_sql(*settings);
        if (!mapped.why_not.empty()) return give_up(db, mapped.why_not);
        auto& r = begin(db, driver == "ldap" ? "ldap" : "sql", driver == "ldap" ? "ldap" : "postgresql");
        r.from += ", args = " + path;
        for (auto& e : mapped.entries) r.entries.push_back(std::move(e));
        for (auto& f : mapped.findings) made_.findings.push_back(std::move(f));
        if (mapped.needs_domain || (names_lack_domains(p_) && mapped.takes_domain))
            domain(r, db, "of names without one");
    }

    // What a passdb says besides what it is.
    void rest(section const& db)
    {
        for (auto const& s : db.settings) {
            if (s.key == "driver" || s.key == "args" || s.key == "name") continue;
            made_.findings.push_back({weight::act, s.at, "passdb " + s.key, blanked(s.key, s.value),
                                      "Postern's back ends have nothing like it. Where it matters, let Postern ask "
                                      "Dovecot (--users socket)."});
        }
    }

    planner& p_;
    mapped_passdbs made_;
};

}  // namespace

bool names_lack_domains(planner& p)
{
    if (!p.has_dovecot()) return false;
    auto const* format = p.dovecot().find("auth_username_format");
    return format != nullptr && cuts_domain(format->value);
}

std::optional<std::string> import_command(planner& p, section const& passdb)
{
    if (passdb.value("driver") != "passwd-file" || is_yes(passdb.value("deny"))) return std::nullopt;
    auto const f = file_of(p, passdb);
    if (!f.problem.empty()) return std::nullopt;
    auto command = "postern import " + shell_word(f.path);
    auto const domain = p.users_domain();
    if ((f.bare_names || cuts_domain(f.format) || names_lack_domains(p)) && !domain.empty())
        command += " --domain " + shell_word(domain);
    if (!f.scheme.empty()) command += " --scheme " + shell_word(f.scheme);
    return command;
}

mapped_passdbs map_passdbs(planner& p) { return mapping{p}.run(); }

}  // namespace postern::moving
