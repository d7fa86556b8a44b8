// Who may enter: local domains, accounts, their addresses and credentials. Behind
// this interface stands the embedded database (SQLite), and behind that the back ends of
// backend.hpp: the first one that knows a name decides.
// Knows nothing of SMTP. All functions may be called from any thread.
//
// "unavailable" (database locked, damaged, full; hashing pool full) is an error with
// a 4.x.x status and never looks like "wrong password" or "no such user".
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "directory/app_password.hpp"
#include "directory/backend.hpp"
#include "directory/login_cause.hpp"
#include "directory/role.hpp"
#include "mail/address.hpp"
#include "sasl/mechanism.hpp"

namespace postern::directory {

/// Whether basic passwords (accounts' own) are taken, as somebody set it.
struct basic_setting {
    bool allowed = true;
    std::string by{};
    wall_time since{};
};
/// What holds for an account, and on which level it was said.
struct basic_passwords {
    enum class level : std::uint8_t { nobody, organisation, domain, account };
    level from = level::nobody;
    basic_setting now{};  // `by` and `since` mean nothing where nobody set it
};
std::string_view to_string(basic_passwords::level l) noexcept;

struct account {
    std::string address;               // the full address: the login name, as mailbox::key()
    std::string login_name;            // where another one is used to log in; else empty
    std::string back_end;              // the name of the one that knows the user; empty: the database
    std::vector<std::string> aliases;  // further addresses of its own, as keys
    std::vector<std::string> send_as;  // granted: "address", or "@domain" for all of a domain
    bool enabled = true;
    bool smtp_auth = true;
    std::string smtp_auth_by;            // who set that last; empty: nobody did
    std::optional<basic_setting> basic;  // the account's own setting
    std::string scheme;                  // of the verifier: "argon2id", "$6$", ... for `account show`
    std::vector<hash> scram_hashes;      // those that there are SCRAM keys for
    bool has_cram_md5 = false;
    std::vector<std::shared_ptr<app_password const>> app_passwords;  // those that work no more too
    wall_time created;
    wall_time password_set;

    bool has_scram(hash h = hash::sha256) const
    {
        return std::find(scram_hashes.begin(), scram_hashes.end(), h) != scram_hashes.end();
    }
    char recipient_delimiter = '+';  // begins what may stand behind the own name; NUL: nothing may

    /// How an address is the account's to send as. A sub-address only looks like its own: it may
    /// be the very address of somebody else, which the account can't know. directory::may_send_as() does.
    enum class claim : std::uint8_t { none, sub_address, own_or_granted };
    claim claim_to(mail::mailbox const& sender) const;
};

enum class login_state {
    accepted,
    bad_credentials,      // unknown account or wrong password: the client must not learn which
    unsure,               // the same, but somebody who may know better can't be asked (454)
    disabled,             // right credentials, but the account is off (525 5.7.13)
    smtp_auth_off,        // right credentials, but SMTP AUTH is off for it (535 5.7.8 in the catalogue)
    app_password_needed,  // the right password, but what is no password or an app password is wanted (534 5.7.9)
};
struct login {
    login_state state = login_state::bad_credentials;
    std::shared_ptr<account const> who;         // set when accepted, disabled or smtp_auth_off
    std::string cause;                          // for the log: "no such account", "wrong password", "cached", ...;
                                                // unsure: who can't be asked, and why
    std::shared_ptr<app_password const> app{};  // what it was proven with, if that was one
    login_cause why = login_cause::none;        // it failed
    /// Looks closer for that, when the answer is out of the house; null: there is nothing to find. Only
    /// while the directory is there.
    std::function<void(cause_handler)> look_closer{};
};
/// One with bad credentials, and why, as `cause` says for the log.
login refused(login_cause why, std::string cause);
/// What does not fit while `silent`, who can't be asked, may know better.
login unsure(error const& silent);
/// What `account app-password add` asks for.
struct new_app_password {
    std::string label;
    std::string created_by;
    std::optional<wall_time> expires;
    app_password_limits limits;  // in any spelling
};
struct made_app_password {
    std::int64_t id = 0;
    std::string address;  // whose it is
    secret text;          // to be shown once
};
/// What CRAM-MD5 is computed from. Made up, but always the same, for accounts without one.
struct shared_secret {
    secret password;
    std::string stored_key;  // for authorize(), when the exchange went well
    bool real = false;
    char const* note = "no such account";  // for the log, when not real; a literal
    bool unsure = false;                   // as in sasl::scram_keys
};
/// Whether all whose answer counts could be asked.
enum class certainty : std::uint8_t { sure, unsure };
using login_handler = std::function<void(result<login>)>;

struct options {
    std::filesystem::path folder;  // holds accounts.db
    unsigned hash_threads = 0;     // 0: one per core
    std::size_t hash_queue = 256;  // further log-ins that may wait for a hash; beyond: unavailable
    std::chrono::seconds cache_life{300};
    std::size_t cache_entries = 100'000;
    bool upgrade_hashes = true;                    // hashes of others become ours after a log-in
    std::vector<std::string> configured_domains;   // [domains] local
    bool basic_passwords = true;                   // [auth] basic_passwords
    char recipient_delimiter = '+';                // of sub-addresses; NUL: there are none
    std::vector<hash> scram_hashes{hash::sha256};  // that keys are made for; SHA-256 always is
    std::vector<backend_options> backends;         // asked in this order for names that the database lacks
};

/// The hashes of the SCRAM mechanisms among these, and SHA-256: options::scram_hashes.
std::vector<hash> scram_hashes_of(std::vector<std::string> const& mechanisms);

class directory {
public:
    virtual ~directory() = default;

    // -- before the other questions --

    /// Has the back ends asked that stand behind a network or a socket. Afterwards, for some seconds,
    /// the questions below about this name or address are answered from memory; no question waits.
    /// One that was not prepared, or about which a back end could not be asked, is answered with
    /// "unavailable", unless the database or a file knows the answer. Calls the handler once: at
    /// once when nobody has to be asked, else later, on another thread.
    using ready_handler = std::function<void()>;
    using login_ready_handler = std::function<void(certainty)>;
    /// Whether there are such back ends at all.
    virtual bool asks_others() const { return false; }
    /// As it is "now" is what whoever claims a name wants to know, who may measure how long it takes:
    /// then all back ends are asked that may have the name, whoever has it.
    virtual void prepare_login(std::string_view name, freshness how, login_ready_handler ready);
    virtual void prepare_address(mail::mailbox const& address, ready_handler ready);
    /// For threads that may wait: those of commands.
    void wait_for_login(std::string_view name);
    void wait_for_address(mail::mailbox const& address);

    // -- asked on the way of a message: memory, or one indexed read --

    /// Whether mail to this domain (as in mailbox::domain) ends here.
    virtual result<bool> is_local(std::string_view domain) = 0;
    /// The account that receives mail for a local address (own address, alias, sub-address,
    /// postmaster), or null.
    virtual result<std::shared_ptr<account const>> find_recipient(mail::mailbox const& address) = 0;
    /// By login name, any letter case; or null.
    virtual result<std::shared_ptr<account const>> find_account(std::string_view address) = 0;
    /// The account that has exactly this address, its own or an alias, local or not; or null.
    virtual result<std::shared_ptr<account const>> find_owner(mail::mailbox const& address) = 0;
    /// Whether the account may put this address into MAIL FROM or the header From.
    result<bool> may_send_as(account const& who, mail::mailbox const& sender);

    // -- log-ins --

    /// One spelling of a name that a client sent, whoever has it: with the domain that a back end puts behind
    /// names without one. What is counted or made up for a name is counted or made up for that.
    virtual std::string whole_name(std::string_view name) const;
    /// What some account can log in with at this moment. Asked for every connection.
    virtual sasl::account_means means() { return {}; }
    /// Verifies and calls the handler once: before returning when the cache knows the
    /// credentials (costs microseconds), else later, on a hashing thread. An unknown
    /// account costs the same work as a wrong password, and while somebody can't be asked who may
    /// know the name, both are "unsure".
    virtual void verify_password(std::string_view authcid, std::string_view authzid, secret password,
                                 login_handler handler) = 0;
    /// Keys for a SCRAM exchange; made up, but always the same, for unknown accounts. `prepared`: as
    /// prepare_login() said. Where it is not sure, everybody gets keys, and nobody's are.
    virtual result<sasl::scram_keys> scram(std::string_view authcid, postern::hash h, certainty prepared) = 0;
    result<sasl::scram_keys> scram(std::string_view authcid, postern::hash h)
    {
        return scram(authcid, h, certainty::sure);
    }
    /// For CRAM-MD5, which needs the password itself: of accounts that opted in.
    virtual result<shared_secret> cram_md5(std::string_view authcid, certainty prepared) = 0;
    result<shared_secret> cram_md5(std::string_view authcid) { return cram_md5(authcid, certainty::sure); }
    /// After a mechanism proved the identity by itself (SCRAM, CRAM-MD5): may it log in? `stored_key`:
    /// of the keys that scram() or cram_md5() gave; the password may have changed since.
    virtual result<login> authorize(std::string_view authcid, std::string_view authzid,
                                    std::string_view stored_key) = 0;

    /// After the identity was proven elsewhere (a token, a certificate): is there such an
    /// account, and may it log in? `cause`: for the log.
    virtual result<login> admit(std::string_view address, std::string_view authzid, std::string cause);

    /// The same as login::look_closer for an exchange in which no password was seen.
    virtual std::function<void(cause_handler)> explain_failure(std::string_view) { return {}; }
    /// A log-in with it went well. Stored soon, off the way of whoever calls.
    virtual void note_use(app_password const& p, ip_address const& client) = 0;

    // -- management; each takes effect at once, also in other threads' caches --

    /// The password is kept as argon2id and SCRAM keys; 1 to 255 octets. An account's CRAM-MD5
    /// secret goes when the password changes.
    virtual result<> add_account(mail::mailbox const& address, secret const& password) = 0;
    enum class keep : std::uint8_t {
        hashes,    // from which nobody can tell the password
        cram_md5,  // the password too, sealed with the key file: CRAM-MD5 can't do without
    };
    virtual result<> set_password(std::string_view address, secret const& password, keep what) = 0;
    result<> set_password(std::string_view address, secret const& password)
    {
        return set_password(address, password, keep::hashes);
    }
    virtual result<> remove_account(std::string_view address) = 0;
    virtual result<made_app_password> add_app_password(std::string_view address, new_app_password wanted) = 0;
    /// As they are now, last uses and those that work no more included.
    virtual result<std::vector<app_password>> list_app_passwords(std::string_view address) = 0;
    virtual result<> revoke_app_password(std::string_view address, std::int64_t id) = 0;
    virtual result<> set_enabled(std::string_view address, bool on) = 0;
    /// `by`: who wants it so.
    virtual result<> set_smtp_auth(std::string_view address, bool on, std::string_view by) = 0;
    result<> set_smtp_auth(std::string_view address, bool on) { return set_smtp_auth(address, on, "operator"); }
    /// Of accounts wherever they are; what nobody gave is none. Goes with the account.
    virtual role role_of(account const&) const { return role::none; }
    virtual result<> set_role(account const& who, role r) = 0;
    /// Nothing: as the domain, or else the configuration, says. `by`: who wants it so.
    virtual result<> set_basic_passwords(std::string_view address, std::optional<bool> allowed,
                                         std::string_view by) = 0;
    virtual result<> set_domain_basic_passwords(std::string_view domain, std::optional<bool> allowed,
                                                std::string_view by) = 0;
    /// Of the domains that have a setting of their own.
    virtual std::vector<std::pair<std::string, basic_setting>> domain_basic_passwords() const { return {}; }
    virtual basic_passwords basic_passwords_of(account const&) const { return {}; }
    virtual result<> add_alias(std::string_view address, mail::mailbox const& alias) = 0;
    virtual result<> remove_alias(std::string_view address, mail::mailbox const& alias) = 0;
    virtual result<> grant_send_as(std::string_view address, std::string_view address_or_at_domain) = 0;
    virtual result<> revoke_send_as(std::string_view address, std::string_view address_or_at_domain) = 0;
    virtual result<std::vector<account>> list_accounts() = 0;
    /// All or none: the lines of another program's file; `problems` names the bad ones
    /// ("line 3: ..."). Gives the number of accounts added or changed.
    virtual result<std::size_t> import_accounts(std::string_view text, file_format const& format,
                                                std::vector<std::string>& problems) = 0;
    result<std::size_t> import_accounts(std::string_view text, std::vector<std::string>& problems)
    {
        return import_accounts(text, file_format{}, problems);
    }

    /// How the back ends are, in their order.
    virtual std::vector<backend_health> backends() const { return {}; }

    virtual result<> add_domain(std::string_view domain) = 0;
    virtual result<> remove_domain(std::string_view domain) = 0;
    /// Those of the database and those of the configuration.
    virtual result<std::vector<std::string>> list_domains() = 0;
    /// Reload: the new [domains] local.
    virtual void set_configured_domains(std::vector<std::string> domains) = 0;
    /// Reload: the new auth.basic_passwords.
    virtual void set_configured_basic_passwords(bool allowed) = 0;
    /// Reload: the new submission.recipient_delimiter.
    virtual void set_recipient_delimiter(char delimiter) = 0;
    /// Reload: the new options::scram_hashes. Accounts get what is missing when they next log
    /// in with their password.
    virtual void set_scram_hashes(std::vector<hash> hashes) = 0;
};

/// For `config check`: whether a back end answers, and takes what the configuration asks of it. An error of
/// class 4: it may be down; of class 5: the configuration or the back end has to be changed.
result<> try_back_end(backend_options const& o);

/// Opens or creates folder/accounts.db (mode 0600). Errors: unreadable, damaged, of a newer version.
result<std::unique_ptr<directory>> open_embedded(options o);

}  // namespace postern::directory
