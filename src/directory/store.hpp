// The account database: one SQLite file, its schema, and the reads and writes on it.
// No caches and no passwords in the clear here. Safe from several threads: reads go
// over a pool of connections, writes over one, behind a lock.
//
// A file that was removed, replaced or damaged while the program runs is noticed by
// poll() or by a failing read; from then on everything fails with 4.3.0 until reopen()
// finds a good file again. That looks the whole file over, so it is not for threads that
// have something better to do.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/secret.hpp"
#include "directory/app_password_rows.hpp"
#include "directory/basic_rows.hpp"
#include "directory/directory.hpp"
#include "directory/sqlite.hpp"

namespace postern::directory {

/// SCRAM keys by hash. Those that are not there are not `real`.
class scram_set {
public:
    sasl::scram_keys const& operator[](hash h) const noexcept { return keys_[static_cast<std::size_t>(h)]; }
    void set(hash h, sasl::scram_keys keys) { keys_[static_cast<std::size_t>(h)] = std::move(keys); }
    static constexpr std::array<hash, 3> hashes{hash::sha1, hash::sha256, hash::sha512};

private:
    std::array<sasl::scram_keys, 3> keys_;
};

/// What SCRAM tries besides an account's own keys: those of its app passwords with the same salt
/// and iterations, and made-up ones, so that there are always as many.
using scram_companions = std::array<std::shared_ptr<std::vector<sasl::scram_companion> const>, 3>;

/// An account with what verifies its password.
struct stored_account {
    account who;
    std::int64_t id = 0;  // 0: of a back end
    std::string verifier;
    std::string previous_verifier;  // of the password before; empty: none
    std::string cram_md5;           // sealed; empty: none
    scram_set scram;
    std::vector<app_password_key> app_keys;
    scram_companions companions;  // the same, as exchanges want them
    std::string name{};           // what a back end was asked for, when it told of this user
    secret text{};                // and how it had written the verifier
    char const* problem{};        // why no password can be right here; a literal
};

struct scram_salt {
    std::string octets;
    std::uint32_t iterations = 0;
};
/// What exchanges with the account begin with, where it has keys: its own, else its app passwords'.
std::optional<scram_salt> exchange_salt(stored_account const& a, hash h);
/// For an account with all its keys, or, null, for one without any.
scram_companions make_companions(stored_account const* a);

struct new_credentials {
    std::string verifier;
    std::string cost;  // cost_of(verifier)
    scram_set scram;
    std::string cram_md5;  // sealed; empty: none
};

struct imported_account {
    std::string address;
    std::string verifier;
    std::string cost;
    scram_set scram;
};

/// What SCRAM keys look like, by the domain of the accounts and by hash; the commonest first, a few of them.
using shapes_by_domain =
    std::unordered_map<std::string, std::array<std::vector<scram_shape>, scram_set::hashes.size()>>;

/// By address.
using role_map = std::unordered_map<std::string, role>;

class store {
public:
    static constexpr int schema_version = 5;

    /// Opens or creates folder/accounts.db.
    static result<std::unique_ptr<store>> open(std::filesystem::path const& folder);
    ~store();
    store(store const&) = delete;
    store& operator=(store const&) = delete;

    enum class news { none, changed, trouble };
    /// Whether another process changed the database since the last call, or a write went to
    /// another file than was read before. Cheap; never waits for a writer, and never opens the file.
    news poll();
    /// Whether the file has to be opened anew, and one is there.
    bool wants_reopen() const noexcept { return must_reopen_; }
    /// Does it. What was read before is outdated then.
    result<> reopen();
    /// How often the file was opened for writing, or tried to be.
    std::uint64_t openings() const noexcept { return openings_.load(std::memory_order_relaxed); }
    /// What poll() last ran into, for the log; empty when all is well.
    std::string trouble() const;

    /// What the accounts that are read from now on take for the begin of a detail.
    void set_recipient_delimiter(char delimiter) noexcept { recipient_delimiter_ = delimiter; }
    char recipient_delimiter() const noexcept { return recipient_delimiter_; }

    // -- reads; null: no such row --
    result<std::shared_ptr<stored_account const>> find_login(std::string_view address);
    /// By own address or alias.
    result<std::shared_ptr<stored_account const>> find_address(std::string_view address);
    /// The oldest account, one that is enabled if there is one.
    result<std::shared_ptr<stored_account const>> oldest_account();
    /// The app passwords of a back end's user, in an account that has nothing else; null: there are none.
    result<std::shared_ptr<stored_account const>> find_app_passwords(std::string_view address);
    result<std::vector<account>> list_accounts();
    result<std::vector<std::string>> list_domains();
    result<std::vector<basic_scope>> list_basic_scopes();
    result<role_map> list_roles();
    result<means_found> find_means(bool organisation, wall_time now);
    /// A verifier of the cost that most of a sample of the accounts have; empty: no accounts.
    result<std::string> typical_verifier();
    /// The same of SCRAM keys; an account without some counts as if it had those that `ours` says.
    result<shapes_by_domain> typical_shapes(scram_shape const& ours);
    /// Whether an account has a CRAM-MD5 secret.
    result<bool> has_cram_md5();
    /// An account that has one; null: there is none.
    result<std::shared_ptr<stored_account const>> some_cram_md5();
    result<std::size_t> count_accounts();
    /// Whether an account has an address there, its own or an alias.
    result<bool> domain_in_use(std::string_view domain);
    /// What was kept under a name besides accounts; empty: nothing.
    result<std::string> find_note(std::string_view name);
    /// 32 octets, made with the database: what made-up SCRAM keys derive from.
    std::string server_secret() const;
    /// How often the database was read so far.
    std::uint64_t reads() const noexcept { return reads_.load(std::memory_order_relaxed); }

    // -- writes: each one transaction --
    result<> add_account(std::string_view address, new_credentials const& c, wall_time now);
    result<> set_credentials(std::string_view address, new_credentials const& c, wall_time now);
    /// Those that are real. Only while the account still has that verifier.
    result<> set_scram(std::int64_t id, std::string_view verifier, scram_set const& keys);
    /// Another verifier of the same password; only while the account still has the old one.
    result<> upgrade_verifier(std::int64_t id, std::string_view old, std::string_view verifier, std::string_view cost);
    result<> remove_account(std::string_view address);
    /// Gives its id.
    result<std::int64_t> add_app_password(app_password_owner const& whose, app_password const& p,
                                          std::vector<app_password_key> const& keys, wall_time now);
    result<> put_app_password_keys(std::int64_t app_password, std::vector<app_password_key> const& keys);
    result<> revoke_app_password(app_password_owner const& whose, std::int64_t id, wall_time now);
    result<> put_uses(std::vector<use_of_app_password> const& uses);
    result<> set_enabled(std::string_view address, bool on);
    result<> set_smtp_auth(std::string_view address, bool on, std::string_view by);
    /// Of an account wherever it is.
    result<> set_role(std::string_view address, role r);
    result<> set_basic(std::string_view address, std::optional<bool> allowed, std::string_view by, wall_time now);
    result<> set_basic_scope(std::string_view scope, std::optional<bool> allowed, std::string_view by, wall_time now);
    result<> add_alias(std::string_view address, std::string_view alias);
    result<> remove_alias(std::string_view address, std::string_view alias);
    result<> grant_send_as(std::string_view address, std::string_view sender);
    result<> revoke_send_as(std::string_view address, std::string_view sender);
    /// The number of accounts that were added or changed.
    result<std::size_t> import_accounts(std::vector<imported_account> const& list, wall_time now);
    result<> put_note(std::string_view name, std::string_view text);
    result<> add_domain(std::string_view name);
    result<> remove_domain(std::string_view name);

private:
    struct reader;
    class lease;
    explicit store(std::filesystem::path file);

    result<> open_writer(connection::mode m);
    result<> reopen_for_writing();
    result<lease> borrow();
    result<> write(std::function<result<>(connection&)> const& work);
    /// A write to one account, which must exist.
    result<> change(std::string_view address, std::function<result<>(connection&, std::int64_t id)> const& work);
    error lost() const;
    void note_trouble(std::string text);

    std::filesystem::path file_;
    std::atomic<char> recipient_delimiter_{'+'};
    std::atomic<std::uint64_t> reads_{0};
    std::atomic<std::uint64_t> openings_{0};

    mutable std::mutex writer_lock_;
    std::unique_ptr<connection> writer_;
    statement data_version_;
    std::int64_t last_data_version_ = 0;
    std::uint64_t device_ = 0;
    std::uint64_t inode_ = 0;

    std::mutex readers_lock_;
    std::vector<std::unique_ptr<reader>> idle_readers_;
    std::atomic<std::uint64_t> opening_{0};  // counts openings: readers of an older one are dropped
    std::atomic<bool> must_reopen_{false};   // something failed in a way that only opening anew may help
    std::atomic<bool> reopened_{false};      // by a writer, and poll() has not said so yet
    std::atomic<bool> lost_{false};          // gone, replaced or damaged: nothing is asked of it

    mutable std::mutex notes_lock_;
    std::string trouble_;
    std::string server_secret_;
};

}  // namespace postern::directory
