// Opens the account database and notices when its file is gone, replaced or damaged; lends the connections that read.
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory/schema.hpp"
#include "directory/store_reader.hpp"

namespace postern::directory {
namespace {

constexpr int reader_patience = 20;    // milliseconds; readers run on connections' threads
constexpr int writer_patience = 2000;  // milliseconds

constexpr public_text unavailable = "The account database is not available";

error system_error(std::string what, int number)
{
    return {{4, 3, 0}, unavailable, std::move(what) + ": " + std::strerror(number)};
}

}  // namespace

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

}  // namespace postern::directory
