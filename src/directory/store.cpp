#include "directory/store.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory/schema.hpp"
#include "directory/verifier.hpp"

namespace postern::directory {
namespace {

constexpr std::size_t most_idle_readers = 8;
constexpr int reader_patience = 20;    // milliseconds; readers run on connections' threads
constexpr int writer_patience = 2000;  // milliseconds

constexpr public_text unavailable = "The account database is not available";

constexpr char const* columns =
    "a.id, a.address, a.enabled, a.smtp_auth, a.verifier, a.previous_verifier, a.cram_md5, a.created, a.password_set,"
    " a.basic_passwords, a.basic_passwords_by, a.basic_passwords_since, a.smtp_auth_by";

std::string select(char const* rest) { return std::string{"SELECT "} + columns + " FROM accounts a " + rest; }

error system_error(std::string what, int number)
{
    return {{4, 3, 0}, unavailable, std::move(what) + ": " + std::strerror(number)};
}

}  // namespace

struct store::reader {
    std::unique_ptr<connection> db;
    statement by_login;
    statement by_alias;
    statement aliases;
    statement grants;
    statement scram;
    app_password_reader app_passwords;
    std::uint64_t opening = 0;
    char recipient_delimiter = '+';

    result<> prepare()
    {
        struct {
            statement& to;
            std::string sql;
        } const list[] = {
            {by_login, select("WHERE a.address = ?1")},
            {by_alias, select("WHERE a.id = (SELECT account FROM aliases WHERE address = ?1)")},
            {aliases, "SELECT address FROM aliases WHERE account = ?1 ORDER BY address"},
            {grants, "SELECT sender FROM grants WHERE account = ?1 ORDER BY sender"},
            {scram, "SELECT hash, iterations, salt, stored_key, server_key FROM scram_keys WHERE account = ?1"},
        };
        for (auto const& item : list) {
            auto s = db->prepare(item.sql.c_str());
            if (!s) return std::move(s).error();
            item.to = std::move(*s);
        }
        return app_passwords.prepare(*db);
    }

    result<> list(statement& s, std::int64_t id, std::vector<std::string>& out)
    {
        reset_at_end at_end{s};
        s.bind(1, id);
        for (;;) {
            auto row = s.step();
            if (!row) return std::move(row).error();
            if (!*row) return done{};
            out.push_back(s.text(0));
        }
    }

    result<> fill_scram(stored_account& a)
    {
        reset_at_end at_end{scram};
        scram.bind(1, a.id);
        for (;;) {
            auto row = scram.step();
            if (!row) return std::move(row).error();
            if (!*row) return done{};
            for (hash const h : scram_set::hashes) {
                auto const size = digest_size(h);
                if (scram.number(0) != static_cast<std::int64_t>(size)) continue;
                std::int64_t const iterations = scram.number(1);
                sasl::scram_keys keys;
                keys.salt = scram.text(2);
                keys.stored_key = scram.text(3);
                keys.server_key = scram.text(4);
                // A row that someone edited must not take part in an exchange.
                if (iterations < 4096 || iterations > 10'000'000 || keys.salt.empty() ||
                    keys.stored_key.size() != size || keys.server_key.size() != size)
                    continue;
                keys.iterations = static_cast<std::uint32_t>(iterations);
                keys.real = true;
                a.scram.set(h, std::move(keys));
                a.who.scram_hashes.push_back(h);
            }
        }
    }

    /// The account of the row that `s` stands on.
    result<> fill(statement const& s, stored_account& a)
    {
        a.id = s.number(0);
        a.who.address = s.text(1);
        a.who.enabled = s.number(2) != 0;
        a.who.smtp_auth = s.number(3) != 0;
        a.verifier = s.text(4);
        a.who.scheme = scheme_of(a.verifier);
        a.previous_verifier = s.text(5);
        a.cram_md5 = s.text(6);
        a.who.has_cram_md5 = !a.cram_md5.empty();
        a.who.created = from_microseconds(s.number(7));
        a.who.password_set = from_microseconds(s.number(8));
        if (!s.is_null(9)) a.who.basic = basic_setting{s.number(9) != 0, s.text(10), from_microseconds(s.number(11))};
        a.who.smtp_auth_by = s.text(12);
        a.who.recipient_delimiter = recipient_delimiter;
        if (auto r = fill_scram(a); !r) return r;
        if (auto r = app_passwords.fill(a); !r) return r;
        if (!a.app_keys.empty()) a.companions = make_companions(&a);
        if (auto r = list(aliases, a.id, a.who.aliases); !r) return r;
        return list(grants, a.id, a.who.send_as);
    }

    result<std::shared_ptr<stored_account const>> one(statement& s)
    {
        auto row = s.step();
        if (!row) return std::move(row).error();
        if (!*row) return std::shared_ptr<stored_account const>{};
        auto a = std::make_shared<stored_account>();
        if (auto r = fill(s, *a); !r) return std::move(r).error();
        return std::shared_ptr<stored_account const>{std::move(a)};
    }
};

/// A reader for as long as this lives.
class store::lease {
public:
    lease() = default;
    lease(store& s, std::unique_ptr<reader> r) : store_(&s), reader_(std::move(r)) {}
    lease(lease&&) = default;
    lease& operator=(lease&&) = delete;
    ~lease()
    {
        if (!reader_) return;
        if (reader_->db->lost()) {
            store_->must_reopen_ = true;
            return;
        }
        std::lock_guard lock{store_->readers_lock_};
        if (reader_->opening == store_->opening_ && store_->idle_readers_.size() < most_idle_readers)
            store_->idle_readers_.push_back(std::move(reader_));
    }
    reader* operator->() const { return reader_.get(); }

private:
    store* store_ = nullptr;
    std::unique_ptr<reader> reader_;
};

store::store(std::filesystem::path file) : file_(std::move(file)) {}
store::~store() = default;

result<std::unique_ptr<store>> store::open(std::filesystem::path const& folder)
{
    std::error_code failed;
    if (!std::filesystem::is_directory(folder, failed)) {
        std::filesystem::create_directories(folder, failed);
        if (failed) return error{{4, 3, 0}, unavailable, "can't make " + folder.string() + ": " + failed.message()};
        std::filesystem::permissions(folder, std::filesystem::perms::owner_all, failed);
    }
    std::unique_ptr<store> s{new store{folder / "accounts.db"}};
    if (auto const empty = postern::store::trouble_with_empty(s->file_); !empty.empty())
        return error{{4, 3, 0}, unavailable, empty};
    // SQLite gives its other files the mode of this one.
    int const descriptor = ::open(s->file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return system_error("can't open " + s->file_.string(), errno);
    struct stat about {};
    bool const tight = fstat(descriptor, &about) == 0 && (about.st_mode & 0077) == 0;
    int const changed = tight ? 0 : fchmod(descriptor, 0600);
    int const number = errno;
    close(descriptor);
    if (changed != 0) return system_error("can't set the mode of " + s->file_.string() + " to 0600", number);
    if (auto r = s->open_writer(connection::mode::create); !r) {
        postern::store::remove_if_empty(s->file_);
        return std::move(r).error();
    }
    return s;
}

result<> store::open_writer(connection::mode m)
{
    struct stat about {};
    if (stat(file_.c_str(), &about) != 0) return system_error(file_.string(), errno);
    openings_.fetch_add(1, std::memory_order_relaxed);
    auto c = connection::open(file_, m, writer_patience);
    if (!c) return std::move(c).error();
    auto secret = prepare_schema(**c, file_.string(), schema_version);
    if (!secret) {
        error e = std::move(secret).error();
        if ((*c)->lost() && e.logged.find("restore it") == std::string::npos)
            e.logged = file_.string() + ": " + e.logged + ": restore it from a backup, or move it away";
        return e;
    }
    auto version = (*c)->prepare("PRAGMA data_version");
    if (!version) return std::move(version).error();
    auto row = version->step();
    if (!row) return std::move(row).error();
    last_data_version_ = version->number(0);
    version->reset();
    data_version_ = statement{};
    writer_ = std::move(*c);
    data_version_ = std::move(*version);
    device_ = about.st_dev;
    inode_ = about.st_ino;
    {
        std::lock_guard lock{notes_lock_};
        server_secret_ = *secret;
        trouble_.clear();
    }
    std::lock_guard lock{readers_lock_};
    ++opening_;
    idle_readers_.clear();
    must_reopen_ = false;
    lost_ = false;
    return done{};
}

store::news store::poll()
{
    // Whoever writes now invalidates the caches when done.
    std::unique_lock lock{writer_lock_, std::try_to_lock};
    if (!lock) return lost_ ? news::trouble : news::none;
    struct stat about {};
    if (stat(file_.c_str(), &about) != 0) {
        lost_ = true;
        must_reopen_ = false;  // there is nothing to open
        note_trouble(file_.string() + ": " + std::strerror(errno));
        return news::trouble;
    }
    if (about.st_ino != inode_ || about.st_dev != device_ || lost_) must_reopen_ = true;
    if (must_reopen_) return lost_ ? news::trouble : news::none;
    auto row = data_version_.step();
    std::int64_t const version = row && *row ? data_version_.number(0) : last_data_version_;
    data_version_.reset();
    if (!row) {
        if (writer_->lost()) must_reopen_ = true;
        note_trouble(row.error().logged);
        return news::trouble;
    }
    {
        std::lock_guard notes{notes_lock_};
        trouble_.clear();
    }
    bool const another_file = reopened_.exchange(false);
    if (version == last_data_version_ && !another_file) return news::none;
    last_data_version_ = version;
    return news::changed;
}

result<> store::reopen()
{
    std::lock_guard lock{writer_lock_};
    return reopen_for_writing();
}

/// Under the writer's lock.
result<> store::reopen_for_writing()
{
    if (!must_reopen_) return done{};
    auto opened = open_writer(connection::mode::existing);
    if (!opened) {
        lost_ = true;
        note_trouble(opened.error().logged);
    }
    return opened;
}

void store::note_trouble(std::string text)
{
    std::lock_guard lock{notes_lock_};
    trouble_ = std::move(text);
}

std::string store::trouble() const
{
    std::lock_guard lock{notes_lock_};
    return trouble_;
}

std::string store::server_secret() const
{
    std::lock_guard lock{notes_lock_};
    return server_secret_;
}

error store::lost() const
{
    std::string why = trouble();
    return {{4, 3, 0}, unavailable, why.empty() ? "account database: must be opened anew" : std::move(why)};
}

result<store::lease> store::borrow()
{
    if (lost_) return lost();
    reads_.fetch_add(1, std::memory_order_relaxed);
    std::unique_ptr<reader> r;
    {
        std::lock_guard lock{readers_lock_};
        if (!idle_readers_.empty()) {
            r = std::move(idle_readers_.back());
            idle_readers_.pop_back();
        }
    }
    if (!r) {
        r = std::make_unique<reader>();
        r->opening = opening_;
        auto c = connection::open(file_, connection::mode::existing, reader_patience);
        if (!c) return std::move(c).error();
        r->db = std::move(*c);
        if (auto prepared = r->prepare(); !prepared) {
            if (r->db->lost()) must_reopen_ = true;
            return std::move(prepared).error();
        }
    }
    r->recipient_delimiter = recipient_delimiter_;
    return lease{*this, std::move(r)};
}

result<std::shared_ptr<stored_account const>> store::find_login(std::string_view address)
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    statement& s = (*r)->by_login;
    reset_at_end at_end{s};
    s.bind(1, address);
    return (*r)->one(s);
}

result<std::shared_ptr<stored_account const>> store::find_address(std::string_view address)
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    for (statement* s : {&(*r)->by_login, &(*r)->by_alias}) {
        reset_at_end at_end{*s};
        s->bind(1, address);
        auto found = (*r)->one(*s);
        if (!found || *found) return found;
    }
    return std::shared_ptr<stored_account const>{};
}

result<std::shared_ptr<stored_account const>> store::oldest_account()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare(select("ORDER BY a.enabled DESC, a.id LIMIT 1").c_str());
    if (!s) return std::move(s).error();
    return (*r)->one(*s);
}

result<std::shared_ptr<stored_account const>> store::find_app_passwords(std::string_view address)
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto a = std::make_shared<stored_account>();
    a->who.address = address;
    if (auto filled = (*r)->app_passwords.fill(*a); !filled) return std::move(filled).error();
    if (a->who.app_passwords.empty()) a = nullptr;
    return std::shared_ptr<stored_account const>{std::move(a)};
}

result<std::vector<account>> store::list_accounts()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare(select("ORDER BY a.address").c_str());
    if (!s) return std::move(s).error();
    std::vector<account> list;
    for (;;) {
        auto row = s->step();
        if (!row) return std::move(row).error();
        if (!*row) return list;
        stored_account a;
        if (auto filled = (*r)->fill(*s, a); !filled) return std::move(filled).error();
        list.push_back(std::move(a.who));
    }
}

result<std::vector<std::string>> store::list_domains()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare("SELECT name FROM domains ORDER BY name");
    if (!s) return std::move(s).error();
    std::vector<std::string> list;
    for (;;) {
        auto row = s->step();
        if (!row) return std::move(row).error();
        if (!*row) return list;
        list.push_back(s->text(0));
    }
}

result<std::string> store::typical_verifier()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare(
        "SELECT verifier, cost, count(*) FROM ("
        "  SELECT * FROM (SELECT verifier, cost FROM accounts ORDER BY id LIMIT 500)"
        "  UNION ALL SELECT * FROM (SELECT verifier, cost FROM accounts ORDER BY id DESC LIMIT 500))"
        " GROUP BY cost ORDER BY count(*) DESC LIMIT 1");
    if (!s) return std::move(s).error();
    auto row = s->step();
    if (!row) return std::move(row).error();
    return *row ? s->text(0) : std::string{};
}

result<shapes_by_domain> store::typical_shapes(scram_shape const& ours)
{
    constexpr std::size_t most_shapes = 4;
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare(
        "SELECT substr(a.address, length(rtrim(a.address, replace(a.address, '@', ''))) + 1), h.column1, k.iterations,"
        " length(k.salt) FROM ("
        "  SELECT * FROM (SELECT id, address FROM accounts ORDER BY id LIMIT 500)"
        "  UNION SELECT * FROM (SELECT id, address FROM accounts ORDER BY id DESC LIMIT 500)) a"
        " JOIN (VALUES (20), (32), (64)) h LEFT JOIN scram_keys k ON k.account = a.id AND k.hash = h.column1"
        " GROUP BY 1, 2, 3, 4 ORDER BY count(*) DESC");
    if (!s) return std::move(s).error();
    shapes_by_domain found;
    for (;;) {
        auto row = s->step();
        if (!row) return std::move(row).error();
        if (!*row) return found;
        auto shape = ours;
        if (!s->is_null(2)) shape = {static_cast<std::uint32_t>(s->number(2)), static_cast<std::size_t>(s->number(3))};
        for (hash const h : scram_set::hashes) {
            if (static_cast<std::int64_t>(digest_size(h)) != s->number(1)) continue;
            auto& list = found[s->text(0)][static_cast<std::size_t>(h)];
            bool const known = std::find(list.begin(), list.end(), shape) != list.end();
            if (!known && list.size() < most_shapes && shape.salt_size != 0) list.push_back(shape);
        }
    }
}

result<std::string> store::find_note(std::string_view name)
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare("SELECT value FROM settings WHERE name = ?1");
    if (!s) return std::move(s).error();
    s->bind(1, name);
    auto row = s->step();
    if (!row) return std::move(row).error();
    return *row ? s->text(0) : std::string{};
}

result<std::vector<basic_scope>> store::list_basic_scopes()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    return read_basic_scopes(*(*r)->db);
}

result<role_map> store::list_roles()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare("SELECT address, role FROM roles");
    if (!s) return std::move(s).error();
    role_map all;
    for (;;) {
        auto row = s->step();
        if (!row) return std::move(row).error();
        if (!*row) return all;
        // A word of a later version, or a slip of somebody's hand, gives nobody anything.
        if (auto const known = parse_role(s->text(1))) all.emplace(s->text(0), *known);
    }
}

result<means_found> store::find_means(bool organisation, wall_time now)
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    return read_means(*(*r)->db, organisation, now);
}

result<bool> store::has_cram_md5()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare("SELECT 1 FROM accounts WHERE cram_md5 IS NOT NULL LIMIT 1");
    if (!s) return std::move(s).error();
    return s->step();
}

result<std::shared_ptr<stored_account const>> store::some_cram_md5()
{
    std::string address;
    {
        auto r = borrow();
        if (!r) return std::move(r).error();
        auto s = (*r)->db->prepare("SELECT address FROM accounts WHERE cram_md5 IS NOT NULL LIMIT 1");
        if (!s) return std::move(s).error();
        auto row = s->step();
        if (!row) return std::move(row).error();
        if (!*row) return std::shared_ptr<stored_account const>{};
        address = s->text(0);
    }
    return find_login(address);
}

result<std::size_t> store::count_accounts()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare("SELECT count(*) FROM accounts");
    if (!s) return std::move(s).error();
    auto row = s->step();
    if (!row) return std::move(row).error();
    return *row ? static_cast<std::size_t>(s->number(0)) : 0;
}

result<bool> store::domain_in_use(std::string_view domain)
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare(
        "SELECT 1 FROM (SELECT address FROM accounts UNION ALL SELECT address FROM aliases)"
        " WHERE substr(address, -length(?1)) = ?1 LIMIT 1");
    if (!s) return std::move(s).error();
    s->bind(1, "@" + std::string{domain});
    return s->step();
}

}  // namespace postern::directory
