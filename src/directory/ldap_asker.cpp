// An LDAP directory as a back end that tries passwords: finds the user's entry over one
// connection, and binds as the user over another. A connection that breaks is made anew, to
// another server where there is one, before the answer is "not available".
#include <algorithm>

#include <ldap.h>

#include "base/text.hpp"
#include "directory/authenticator.hpp"
#include "directory/ldap_connection.hpp"
#include "directory/ldap_text.hpp"
#include "directory/names.hpp"

namespace postern::directory {
namespace {

using ldapv3::connection;
using ldapv3::entry;

// What is bound as for a name that nobody has, unless the operator says otherwise.
constexpr char const* made_up_entry = "cn=postern-knows-no-such-user";
// Of OpenLDAP's password policies, and of the 389 Directory Server.
constexpr char const* locked_since = "pwdAccountLockedTime";
constexpr char const* locked = "nsAccountLock";
// Of Active Directory.
constexpr char const* windows_flags = "userAccountControl";
constexpr char const* windows_expiry = "accountExpires";

class ldap_asker final : public asker {
public:
    ldap_asker(backend_options const& o, std::shared_ptr<ldapv3::servers> from)
        : options_(o.ldap),
          domain_(o.format.domain),
          servers_(std::move(from)),
          searches_(options_, servers_, connection::use::searches),
          binds_(options_, servers_, connection::use::binds)
    {
        for (auto const& a : {options_.address_attribute, options_.aliases_attribute, options_.smtp_auth_attribute})
            if (!a.empty()) attributes_.push_back(a);
    }

    result<judgement> verify(std::string const& asked, secret const& password, steady_time deadline) override
    {
        about_one_user_ = false;
        auto const name = whole(asked);
        if (password.empty() || !ldapv3::is_askable(name)) return judgement{};
        if (!options_.bind_dn.empty())
            return verify_by_dn(ldapv3::fill(options_.bind_dn, name), name, password, deadline);
        auto found = find(options_.filter, name, attributes_, deadline);
        if (!found) return std::move(found).error();
        // Who has no entry costs a bind, too.
        auto judged = try_password(found->one ? found->one->dn : decoy(), password, deadline);
        if (!judged) return judged;
        if (!found->one) return refused(found->trouble.empty() ? "no such entry" : std::move(found->trouble));
        return describe(std::move(*judged), *found->one, name);
    }

    result<std::optional<stored_user>> fetch(std::string const& asked, steady_time deadline) override
    {
        about_one_user_ = false;
        auto const name = whole(asked);
        if (!ldapv3::is_askable(name)) return std::optional<stored_user>{};
        auto attributes = attributes_;
        if (options_.fetch) attributes.push_back(options_.password_attribute);
        attributes.insert(attributes.end(), {locked_since, locked, windows_flags, windows_expiry});
        auto found = find(options_.filter, name, attributes, deadline);
        if (!found) return std::move(found).error();
        stored_user u;
        u.problem = std::move(found->trouble);
        if (!found->one) return u.problem.empty() ? std::nullopt : std::optional{std::move(u)};
        u.user = facts_of(*found->one, name, u.problem);
        u.enabled = is_on(*found->one);
        if (options_.fetch) u.passwords = std::move(found->one->values[options_.password_attribute]);
        return std::optional<stored_user>{std::move(u)};
    }

    result<std::optional<std::string>> look_up(std::string const& asked, steady_time deadline) override
    {
        about_one_user_ = false;
        auto const name = whole(asked);
        auto const& filter = options_.recipient_filter.empty() ? options_.filter : options_.recipient_filter;
        if (filter.empty() || !ldapv3::is_askable(name)) return std::optional<std::string>{};
        auto found = find(filter, name, attributes_, deadline);
        if (!found) return std::move(found).error();
        user_facts facts;
        if (found->one) facts = facts_of(*found->one, name, found->trouble);
        // Mail waits until somebody has mended the entry.
        if (!found->trouble.empty()) return unclear(std::move(found->trouble));
        if (!found->one) return std::optional<std::string>{};
        return std::optional<std::string>{std::move(facts.name)};
    }

    std::optional<result<>> probe(steady_time deadline) override
    {
        about_one_user_ = false;
        if (options_.base.empty()) {
            binds_.close();
            return binds_.open(deadline);
        }
        auto found = with(searches_, deadline, [&](steady_time until) {
            return searches_.search(options_.base, connection::scope::entry, "(objectClass=*)", {}, until);
        });
        if (!found) return std::move(found).error();
        return result<>{done{}};
    }

    bool lost() const override { return !about_one_user_; }

private:
    /// The name with its domain, which is left out where the configuration has one for all.
    std::string whole(std::string const& name) const
    {
        return domain_.empty() || name.find('@') != std::string::npos ? name : name + "@" + domain_;
    }

    /// The back end itself is well.
    error unclear(std::string text)
    {
        about_one_user_ = true;
        return {{4, 3, 0}, "The account is not available", "LDAP: " + std::move(text)};
    }

    static judgement refused(std::string cause)
    {
        judgement j;
        j.cause = std::move(cause);
        return j;
    }

    /// As far as the entry says so without a bind.
    static bool is_on(entry const& e)
    {
        // RFC 4517 section 3.3.13 has no such year: an operator locked the account, for good.
        if (e.first(locked_since) == "000001010000Z" || equal_ignoring_case(e.first(locked), "TRUE")) return false;
        return !ldapv3::windows_says_off(e.first(windows_flags), e.first(windows_expiry), wall_clock::now());
    }

    std::string decoy() const
    {
        if (!options_.decoy_dn.empty()) return options_.decoy_dn;
        return std::string{made_up_entry} + "," + options_.base;
    }

    /// Does something over a connection, which may have to be opened for that, or again.
    template <class Doing>
    std::invoke_result_t<Doing, steady_time> with(connection& c, steady_time deadline, Doing doing)
    {
        for (std::size_t failures = 0;;) {
            bool const fresh = !c.is_open();
            if (fresh)
                if (auto r = c.open(deadline); !r) return std::move(r).error();
            auto const now = steady_clock::now();
            // A server that keeps silent leaves time for another one.
            auto const until = servers_->size() > 1 ? now + (deadline - now) / 2 : deadline;
            auto answer = doing(until);
            if (answer) {
                c.worked();
                return answer;
            }
            // One that was open before may have been closed since, which says nothing of the server.
            auto const after = steady_clock::now();
            if (!fresh && after < until) {
                c.close();
                continue;
            }
            c.failed(answer.error().logged);
            if (++failures >= servers_->size() || after >= deadline) return answer;
        }
    }

    /// The one entry, or none; `trouble`: it can't be told which, and to strangers that is none.
    struct finding {
        std::optional<entry> one{};
        std::string trouble{};
    };
    result<finding> find(std::string const& pattern, std::string const& name,
                         std::vector<std::string> const& attributes, steady_time deadline)
    {
        auto const filter = ldapv3::fill(pattern, name);
        auto found = with(searches_, deadline, [&](steady_time until) {
            return searches_.search(options_.base, connection::scope::subtree, filter, attributes, until);
        });
        if (!found) return std::move(found).error();
        if (found->size() > 1)
            return finding{{}, "several entries match " + filter + ": " + (*found)[0].dn + " and " + (*found)[1].dn};
        if (found->empty()) return finding{};
        // The root's name is empty, and binding with an empty name proves nothing.
        if (found->front().dn.empty()) return finding{{}, "the entry that matches " + filter + " has no name"};
        return finding{std::move(found->front()), {}};
    }

    result<judgement> try_password(std::string const& dn, secret const& password, steady_time deadline)
    {
        auto answer = with(binds_, deadline, [&](steady_time until) -> result<ldapv3::bind_answer> {
            auto got = binds_.bind(dn, password, until);
            // Another server may have time.
            if (got && (got->code == LDAP_BUSY || got->code == LDAP_UNAVAILABLE)) return ldapv3::judge(*got).error();
            return got;
        });
        if (!answer) return std::move(answer).error();
        auto judged = ldapv3::judge(*answer);
        // Whatever else a server has against one user, the others can log in all the same.
        bool const of_the_server = answer->code == LDAP_BUSY || answer->code == LDAP_UNAVAILABLE ||
                                   answer->code == LDAP_CONFIDENTIALITY_REQUIRED ||
                                   answer->code == LDAP_STRONG_AUTH_REQUIRED;
        if (!judged && !of_the_server) about_one_user_ = true;
        return judged;
    }

    /// The user reads the own entry.
    result<judgement> verify_by_dn(std::string const& dn, std::string const& name, secret const& password,
                                   steady_time deadline)
    {
        auto judged = try_password(dn, password, deadline);
        if (!judged || judged->what == judgement::kind::refused || attributes_.empty()) return judged;
        if (judged->what == judgement::kind::disabled) {
            judged->user.name = name;
            return judged;
        }
        auto own = binds_.search(dn, connection::scope::entry, "(objectClass=*)", attributes_, deadline);
        if (!own) {
            binds_.close();
            return std::move(own).error();
        }
        return describe(std::move(*judged), own->empty() ? entry{dn, {}} : own->front(), name);
    }

    result<judgement> describe(judgement j, entry const& e, std::string const& name)
    {
        if (j.what == judgement::kind::refused) return j;
        std::string trouble;
        j.user = facts_of(e, name, trouble);
        if (!trouble.empty()) return refused(std::move(trouble));
        return j;
    }

    /// The name, the aliases and what else the entry says; `trouble`: why that is not enough.
    user_facts facts_of(entry const& e, std::string const& name, std::string& trouble) const
    {
        user_facts u;
        u.name = name;
        if (!options_.smtp_auth_attribute.empty())
            u.smtp_auth = !ldapv3::says_off(e.first(options_.smtp_auth_attribute));
        if (!options_.address_attribute.empty()) {
            auto key = login_key(e.first(options_.address_attribute));
            if (key)
                u.name = std::move(*key);
            else
                trouble = e.dn + " has no " + options_.address_attribute +
                          " that is an address and may be read; address_attribute = \"\" takes the name";
        }
        for (auto const& attribute : {options_.address_attribute, options_.aliases_attribute}) {
            auto const values = e.values.find(attribute);
            if (values == e.values.end()) continue;
            for (auto const& v : values->second)
                if (auto key = login_key(v.reveal()); key && *key != u.name) u.aliases.push_back(std::move(*key));
        }
        return u;
    }

    ldap_options const options_;
    std::string const domain_;
    std::shared_ptr<ldapv3::servers> const servers_;
    std::vector<std::string> attributes_;
    connection searches_;
    connection binds_;
    bool about_one_user_ = false;  // the last error
};

}  // namespace

std::function<std::unique_ptr<asker>()> ldap_askers(backend_options const& o)
{
    std::vector<ldapv3::server> list;
    for (auto const& url : o.ldap.urls)
        if (auto s = ldapv3::server::parse(url)) list.push_back(std::move(*s));
    auto const shared = std::make_shared<ldapv3::servers>(std::move(list));
    return [o, shared] { return std::make_unique<ldap_asker>(o, shared); };
}

}  // namespace postern::directory
