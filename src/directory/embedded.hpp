// The directory on the embedded database: the store behind memory. What is asked on the
// way of a message is answered from caches; whatever changes the database, in this
// process or another, empties them.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "directory/back_ends.hpp"
#include "directory/cause_search.hpp"
#include "directory/directory.hpp"
#include "directory/generation_cache.hpp"
#include "directory/hash_pool.hpp"
#include "directory/published.hpp"
#include "directory/store.hpp"
#include "directory/use_recorder.hpp"

namespace postern::directory {

class embedded final : public directory {
public:
    embedded(options o, std::unique_ptr<store> s, back_ends others);
    ~embedded() override;
    /// Reads what must be known before the first question.
    result<> begin();

    result<bool> is_local(std::string_view domain) override;
    result<std::shared_ptr<account const>> find_recipient(mail::mailbox const& address) override;
    result<std::shared_ptr<account const>> find_account(std::string_view address) override;
    result<std::shared_ptr<account const>> find_owner(mail::mailbox const& address) override;

    bool asks_others() const override { return !authenticators_.empty(); }
    void prepare_login(std::string_view name, freshness how, login_ready_handler ready) override;
    void prepare_address(mail::mailbox const& address, ready_handler ready) override;

    sasl::account_means means() override;
    void verify_password(std::string_view authcid, std::string_view authzid, secret password,
                         login_handler handler) override;
    std::string whole_name(std::string_view name) const override;
    using directory::scram;
    result<sasl::scram_keys> scram(std::string_view authcid, postern::hash h, certainty prepared) override;
    using directory::cram_md5;
    result<shared_secret> cram_md5(std::string_view authcid, certainty prepared) override;
    result<login> authorize(std::string_view authcid, std::string_view authzid, std::string_view stored_key) override;

    result<> add_account(mail::mailbox const& address, secret const& password) override;
    using directory::set_password;
    result<> set_password(std::string_view address, secret const& password, keep what) override;
    result<> remove_account(std::string_view address) override;
    result<made_app_password> add_app_password(std::string_view address, new_app_password wanted) override;
    result<std::vector<app_password>> list_app_passwords(std::string_view address) override;
    result<> revoke_app_password(std::string_view address, std::int64_t id) override;
    void note_use(app_password const& p, ip_address const& client) override;
    std::function<void(cause_handler)> explain_failure(std::string_view authcid) override;
    result<> set_enabled(std::string_view address, bool on) override;
    using directory::set_smtp_auth;
    result<> set_smtp_auth(std::string_view address, bool on, std::string_view by) override;
    role role_of(account const& who) const override;
    result<> set_role(account const& who, role r) override;
    result<> set_basic_passwords(std::string_view address, std::optional<bool> allowed, std::string_view by) override;
    result<> set_domain_basic_passwords(std::string_view domain, std::optional<bool> allowed,
                                        std::string_view by) override;
    std::vector<std::pair<std::string, basic_setting>> domain_basic_passwords() const override;
    basic_passwords basic_passwords_of(account const& a) const override;
    void set_configured_basic_passwords(bool allowed) override;
    result<> add_alias(std::string_view address, mail::mailbox const& alias) override;
    result<> remove_alias(std::string_view address, mail::mailbox const& alias) override;
    result<> grant_send_as(std::string_view address, std::string_view address_or_at_domain) override;
    result<> revoke_send_as(std::string_view address, std::string_view address_or_at_domain) override;
    result<std::vector<account>> list_accounts() override;
    using directory::import_accounts;
    result<std::size_t> import_accounts(std::string_view text, file_format const& format,
                                        std::vector<std::string>& problems) override;
    std::vector<backend_health> backends() const override;
    /// How many passwords were checked so far.
    std::uint64_t checks() const noexcept { return pool_.checks(); }
    result<> add_domain(std::string_view domain) override;
    result<> remove_domain(std::string_view domain) override;
    result<std::vector<std::string>> list_domains() override;
    void set_configured_domains(std::vector<std::string> domains) override;
    void set_recipient_delimiter(char delimiter) override;
    void set_scram_hashes(std::vector<hash> hashes) override;

private:
    using entry = std::shared_ptr<stored_account const>;
    /// What the database said about names. Strangers choose the unknown ones, so those have
    /// a room of their own and can't push accounts out. Both are asked whatever the answer:
    /// what it costs does not tell whether there is such an account.
    class entry_cache {
    public:
        entry_cache(std::size_t known, std::size_t unknown) : known_(known), unknown_(unknown) {}
        /// `in_trouble`: the database can't be asked. Then nobody is told that there is no such
        /// account, even if that was so a moment ago.
        std::optional<entry> get(std::string_view key, bool in_trouble)
        {
            auto known = known_.get(key);
            auto unknown = unknown_.get(key);
            if (known || in_trouble) return known;
            return unknown;
        }
        template <class Check>
        void put(std::string_view key, entry const& e, Check&& still_good)
        {
            (e ? known_ : unknown_).put(key, e, still_good);
        }
        void erase(std::string_view key)
        {
            known_.erase(key);
            unknown_.erase(key);
        }
        void clear()
        {
            known_.clear();
            unknown_.clear();
        }

    private:
        generation_cache<entry> known_;
        generation_cache<entry> unknown_;
    };
    struct domain_list {
        std::vector<std::string> configured;
        std::vector<std::string> stored;
        std::unordered_set<std::string> all;
    };
    /// What is remembered of a check. A right password and a wrong one alike.
    struct memory {
        bool right = false;
        sasl::password_candidate::form as = sasl::password_candidate::form::prepared;
        steady_time until;
        login_cause why = login_cause::none;
    };
    /// One check under way, and who waits for it.
    struct waiter {
        std::string authcid;  // key
        login_handler handler;
    };

    /// A user of a program that judges passwords: as it was when that last took one. `recognised`: it also said
    /// so without a password, so that it can be asked whether that is still so.
    struct outside_entry {
        entry who;
        steady_time when;
        bool recognised = false;
    };

    // embedded.cpp: caches
    result<> look_at_database();
    void begin_reopening(std::int64_t now);
    void reopen();
    void note_trouble();
    void sources_changed();
    result<> refresh();
    result<> refresh_dummy();
    result<> refresh_domains(std::vector<std::string> const* configured);

    // roles.cpp
    result<> refresh_roles();

    // lookups.cpp
    result<entry> load_login(std::string_view key);
    result<entry> load_claimed(std::string_view key);
    result<entry> ask_sources(std::string_view key);
    result<entry> completed(entry const& e);
    result<entry> outside_app_passwords(std::string_view address);
    bool has_others() const { return !sources_.empty() || !authenticators_.empty(); }
    result<entry> known_recipient(mail::mailbox const& address);
    result<entry> load_recipient(mail::mailbox const& address);
    result<entry> find_postmaster(std::string_view domain);

    // management.cpp
    result<> changed(result<> outcome);
    result<std::string> seal_cram_md5(std::string const& address, secret const& password);

    // doubts.cpp
    std::optional<error> silent_here(std::string const& name) const;
    std::optional<error> silent(std::string const& name) const;
    void refuse_unsure(std::size_t index, std::string const& name, secret const& password, error const& silent,
                       login_handler const& handler);
    void settle_known(std::size_t index, std::string const& name, result<login> l, login_handler const& handler);
    void check_known(std::size_t index, std::string const& name, entry const& e, secret password,
                     login_handler handler);

    // outsiders.cpp
    bool may_be_outside(std::string_view name) const;
    result<bool> is_taken(std::string const& name, std::string const& address);
    void ask_outside(std::string const& name, secret password, login_handler handler);
    void ask_outside(std::size_t index, std::string const& name, secret const& password, std::string const& causes,
                     login_handler const& handler);
    void refuse_unknown(std::string const& name, secret const& password, std::string const& causes,
                        login_handler const& handler);
    void settle_fetched(std::size_t index, std::string const& name, secret const& password, result<entry> const& found,
                        std::string const& causes, login_handler const& handler);
    void settle_outside(std::size_t index, std::string const& name, secret const& password, result<judgement> j,
                        std::string causes, login_handler const& handler);
    void verify_outside(std::size_t index, std::string const& name, secret const& password, std::string const& causes,
                        login_handler const& handler);
    entry outsider(user_facts const& user, bool enabled, backend_health const& from) const;
    void remember_outsider(std::string const& name, entry const& who, bool recognised);
    void recognise_outsider(authenticator& a, std::string const& name, entry const& who);
    std::optional<outside_entry> known_outsider(std::string const& name);
    result<entry> outsider_as_of_now(std::string const& name, outside_entry const& then, result<entry> const& now);
    void upgrade_outside(entry const& e, std::string const& verifier);
    bool is_asked(authenticator const& a, std::string const& name, freshness how);
    result<entry> fetched_outside(std::string const& name, freshness how);
    result<entry> looked_up_outside(std::string const& key);
    void fetch_outside(std::size_t index, std::string const& name, freshness how, login_ready_handler const& ready);
    void look_up_outside(std::size_t index, std::string const& key, std::optional<mail::mailbox> const& then,
                         ready_handler const& ready);

    // basic_passwords.cpp
    using basic_rules = std::unordered_map<std::string, basic_setting>;  // by scope
    result<> refresh_basic();
    result<> refresh_means();

    // login_causes.cpp
    cause_search::finding look_at_name(std::string const& name);
    std::function<void(cause_handler)> look_closer(std::string const& name, entry const& e, secret password,
                                                   std::string key, login_cause otherwise);

    // app_passwords.cpp
    std::shared_ptr<app_password const> find_app_password(entry const& e, secret const& letters) const;
    login state_of_app(entry const& e, std::shared_ptr<app_password const> app) const;
    std::vector<app_password_key> make_app_keys(stored_account const& a, secret const& letters,
                                                std::vector<hash> const& hashes) const;
    result<entry> account_to_change(std::string_view address);

    // outside_apps.cpp
    result<entry> find_outside(std::string const& address);
    result<entry> find_owner_to_be(std::string_view address);
    result<entry> find_owner_of_some(std::string_view address);
    entry known_by_app_passwords(std::string const& name);
    entry told_before(std::string const& name);

    // logins.cpp
    struct found_name {
        std::string name;  // as it is compared
        entry who;
        char const* form;
        bool doubtful = false;  // of a stranger: somebody who may know the name did not say
    };
    enum class claimant : std::uint8_t {
        stranger,  // who may measure how long it takes
        proven,
    };
    /// `outside`: also among those whom back ends told of lately.
    result<found_name> find_name(std::string_view text, bool outside, claimant who);
    std::string credential_key(std::string_view name, std::string_view verifier, std::string_view password) const;
    std::string dummy_for(std::string const& name) const;
    result<entry> find_login(std::string const& name);
    void check(std::string const& name, entry const& e, secret password, login_handler handler);
    void begin_check(std::string const& name, entry const& e, std::string verifier, std::string const& key,
                     secret password, login_handler handler);
    /// What a check is about. `told`: the account, when a back end told of it. `learns`: better keys can be made of
    /// the password. `why`: the cause if it is wrong.
    struct subject {
        std::string verifier;
        entry told;
        secret password;
        bool learns = false;
        login_cause why = login_cause::none;
    };
    void finish_check(std::string const& key, subject const& s, verified found);

    // better_keys.cpp
    bool lacks_scram(stored_account const& a) const;
    void learn_scram(entry const& e, secret const& password);
    bool lacks_scram(stored_account const& a, app_password const& p) const;
    void learn_scram(entry const& e, std::shared_ptr<app_password const> const& p, secret const& letters);
    void upgrade_hash(entry const& e, secret const& password);
    void upgrade(entry const& e, secret const& password);
    bool is_upgrade(std::string const& verifier, std::string const& now);
    result<login> settle(std::string const& name, subject const& s, verified found, std::string const& key);
    login state_of(entry const& e, std::string cause, std::shared_ptr<app_password const> app = nullptr) const;

    // exchanges.cpp
    std::string cram_key(stored_account const& a) const;
    bool can_open_secrets();

    // salts.cpp
    std::string with_domain(std::string const& name) const;
    scram_salt made_up_salt(std::string const& name, hash h) const;
    scram_salt made_up_salt(std::string const& name, hash h, scram_shape const& shape) const;
    scram_salt salt_to_be(std::string const& address, hash h, stored_account const* before) const;
    scram_salt strangers_salt(std::string const& name, hash h) const;
    sasl::scram_keys made_up_keys(std::string const& name, hash h) const;

    options const options_;
    std::unique_ptr<store> store_;
    std::vector<std::unique_ptr<account_source>> const sources_;
    std::vector<std::unique_ptr<authenticator>> const authenticators_;
    std::string const process_key_;
    std::string const dummy_sealed_;
    scram_companions const no_companions_;

    std::atomic<std::uint64_t> epoch_{0};     // counts changes: what was read before one is not cached after it
    std::atomic<std::int64_t> next_poll_{0};  // steady clock, nanoseconds
    std::atomic<std::int64_t> last_good_{0};  // the same
    std::atomic<bool> in_trouble_{false};
    std::mutex refresh_lock_;
    std::atomic<bool> must_refresh_{false};  // the last one did not get to its end
    std::atomic<bool> reopening_{false};
    std::atomic<std::int64_t> next_reopening_{0};  // steady clock, nanoseconds
    std::chrono::nanoseconds reopening_pause_{};   // only the one who is reopening touches it, and
    std::thread reopener_;                         // this

    published<domain_list> domains_;
    published<std::vector<hash>> scram_hashes_;
    std::atomic<bool> configured_basic_;
    published<basic_rules> basic_;
    published<role_map> roles_{std::make_shared<role_map const>()};
    published<sasl::account_means> means_;
    std::atomic<std::int64_t> means_until_{INT64_MAX};  // microseconds since 1970
    published<secret> sealing_key_;                     // empty until it was needed
    std::atomic<bool> key_missed_{false};               // and that was said
    published<std::string> dummy_;                      // the verifier that unknown names are checked against
    published<shapes_by_domain> own_shapes_;            // of SCRAM keys in the database
    published<std::string> decoy_;                      // the account that is read for unknown names
    entry_cache logins_;
    entry_cache recipients_;
    entry_cache outside_apps_;  // app passwords of back ends' users, by address
    generation_cache<memory> memories_;
    generation_cache<steady_time> failures_;
    generation_cache<outside_entry> outsiders_;  // who logged in
    generation_cache<std::string> upgrades_;     // from a verifier to what replaced it for the same password

    use_recorder uses_;
    std::atomic<int> searches_{0};  // for causes, under way

    std::mutex flights_lock_;
    std::unordered_map<std::string, std::vector<waiter>> flights_;
    hash_pool pool_;  // last: its threads use all of the above
};

}  // namespace postern::directory
