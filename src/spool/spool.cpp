// The spool itself: opens what it consists of, and answers what is asked of it. Changes go
// through the writer, questions through the reader.
#include "spool/spool.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "spool/content.hpp"
#include "spool/handouts.hpp"
#include "spool/reader.hpp"
#include "spool/record.hpp"
#include "spool/schema.hpp"
#include "spool/store.hpp"
#include "spool/workers.hpp"
#include "spool/writer.hpp"

namespace postern::spool {
namespace {

using namespace std::chrono_literals;

// Content of messages that are out for delivery and were small; beyond it, it is read when needed.
constexpr std::uint64_t memory_for_content = 64u << 20;
constexpr unsigned sync_threads = 4;
constexpr std::size_t retry_at_once = 2000;

error const no_such_message{status{5, 0, 0}, "There is no such message in the queue", "no such message"};

/// Makes sure that one process at a time uses the folder; freed when the process ends, however.
class folder_lock {
public:
    folder_lock() = default;
    folder_lock(folder_lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    folder_lock& operator=(folder_lock&&) = delete;
    ~folder_lock()
    {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    result<> take(std::filesystem::path const& folder)
    {
        auto const file = folder / "lock";
        descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (descriptor_ < 0) return file_failure("opening", file, errno);
        if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return done{};
        if (errno != EWOULDBLOCK) return file_failure("locking", file, errno);
        return error{status{4, 3, 0}, "The message could not be stored",
                     "the spool in " + folder.string() + " is in use by another process; stop that one first"};
    }

private:
    int descriptor_ = -1;
};

/// Room on the file system, asked for once a second at most.
class room {
public:
    room(std::filesystem::path folder, std::uint64_t floor) : folder_(std::move(folder)), floor_(floor) {}
    result<> check(std::uint64_t octets)
    {
        std::int64_t const now =
            std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now().time_since_epoch()).count();
        if (std::int64_t seen = asked_at_; now - seen >= 1000 && asked_at_.compare_exchange_strong(seen, now)) {
            struct statvfs found {};
            if (::statvfs(folder_.c_str(), &found) != 0) return file_failure("looking at", folder_, errno);
            // Without inodes to count (as on btrfs) none is missing.
            bool const inodes = found.f_files == 0 || found.f_favail > 0;
            free_ = inodes ? static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize : 0;
        }
        std::uint64_t const left = free_;
        if (left >= floor_ && left - floor_ >= octets) return done{};
        return error{status{4, 3, 1}, "No room to store the message",
                     std::to_string(left) + " octets are free under " + folder_.string() + ", " +
                         std::to_string(floor_) + " are to stay free"};
    }

private:
    std::filesystem::path folder_;
    std::uint64_t floor_;
    std::atomic<std::int64_t> asked_at_ = -1'000'000;
    std::atomic<std::uint64_t> free_ = 0;
};

class sqlite_spool final : public spool {
public:
    sqlite_spool(options o, folder_lock lock, std::shared_ptr<content_files> files, std::shared_ptr<reader> source,
                 store db, std::int64_t next_id, std::uint64_t count)
        : options_(std::move(o)),
          lock_(std::move(lock)),
          files_(std::move(files)),
          budget_(std::make_shared<memory_budget>(memory_for_content)),
          source_(std::move(source)),
          room_(options_.folder, options_.free_space_floor),
          helpers_(sync_threads),
          writer_(
              writer::shared{options_.folder / "spool.db", options_.log_size, files_, budget_, source_, out_, helpers_},
              std::move(db), next_id, count)
    {
    }
    // Files that are being synced still become messages; then the writer does the rest.
    ~sqlite_spool() override { helpers_.finish(); }

    result<> room_for(std::uint64_t octets) override
    {
        if (auto const trouble = writer_.trouble()) return *trouble;
        return room_.check(octets);
    }

    std::unique_ptr<content_writer> new_content() override
    {
        return std::make_unique<buffered_content>(files_, options_.memory_limit);
    }

    void accept(message what, std::unique_ptr<content_writer> body, accept_handler handler) override;
    void on_arrival(arrival_handler handler) override { writer_.on_arrival(std::move(handler)); }
    result<std::vector<queued_message>> take_due(wall_time now, std::size_t limit) override;
    result<std::optional<wall_time>> next_due() override;
    void settle(settlement what, std::optional<std::pair<message, std::string>> bounce,
                accept_handler handler) override;
    result<std::vector<summary>> list(filter const& f) override;
    result<queued_message> find(std::string_view queue_id) override;
    result<> hold(std::string_view queue_id, bool held) override;
    result<> retry_now(std::string_view queue_id) override;
    result<> remove(std::string_view queue_id) override;
    result<std::uint64_t> count() override { return writer_.count(); }

private:
    /// Id of a message, handed out or not.
    result<std::optional<std::int64_t>> id_of(std::string_view queue_id);
    result<queued_message> ready_for_delivery(stored_message& m);
    void set_aside(stored_message const& m);
    void forget_missing(std::int64_t id);
    bool hand_out(std::int64_t id, wall_time now, std::vector<queued_message>& to, result<>& failed);

    options options_;
    folder_lock lock_;
    std::shared_ptr<content_files> files_;
    std::shared_ptr<memory_budget> budget_;
    std::shared_ptr<reader> source_;
    room room_;
    handouts out_;
    std::mutex taking_;
    std::mutex next_due_mutex_;
    std::optional<std::optional<wall_time>> next_due_;
    std::uint64_t next_due_as_of_ = 0;
    workers helpers_;
    writer writer_;
};

void sqlite_spool::accept(message what, std::unique_ptr<content_writer> body, accept_handler handler)
{
    std::unique_ptr<buffered_content> content{dynamic_cast<buffered_content*>(body.get())};
    if (content == nullptr) {
        incoming m = make_incoming(std::move(what), {}, nullptr, std::move(handler));
        m.failed = error{status{4, 3, 0}, "The message could not be stored", "content that is not from this spool"};
        return writer_.accept(std::move(m));
    }
    static_cast<void>(body.release());
    if (!content->in_file()) {
        auto const failed = content->failed();
        incoming m = make_incoming(std::move(what), content->take_octets(), nullptr, std::move(handler));
        if (failed) m.failed = failed;
        return writer_.accept(std::move(m));
    }
    // std::function wants what it holds to be copyable.
    auto m = std::make_shared<incoming>(make_incoming(std::move(what), {}, std::move(content), std::move(handler)));
    helpers_.submit([this, m] {
        auto synced = m->file->flush();
        if (synced) synced = m->file->sync();
        if (!synced) {
            m->failed = synced.error();
            m->file.reset();
            log::event(log::level::error, "spool-failing",
                       {{"status", to_string(m->failed->code)}, {"error", m->failed->logged}});
        }
        writer_.accept(std::move(*m));
    });
}

result<queued_message> sqlite_spool::ready_for_delivery(stored_message& m)
{
    queued_message q;
    std::uint64_t const size = m.what.size;
    if (!m.file.empty()) {
        auto const file = files_->path_of(m.file);
        if (auto fine = check_content_file(file, size); !fine) {
            m.damage = fine.error().logged;
            return fine.error();
        }
        q.body = content_in_file(file, size);
    } else if (budget_->take(size)) {
        auto octets = source_->read_content(m.id, 0, static_cast<std::size_t>(size) + 1);
        if (!octets) {
            budget_->give_back(size);
            return octets.error();
        }
        if (octets->size() != size || checksum(*octets) != m.content_checksum) {
            budget_->give_back(size);
            m.damage = "its content is not as it was written";
            return error{status{4, 3, 0}, "The message is damaged", m.damage};
        }
        q.body = content_in_memory(std::move(*octets), budget_);
    } else {
        q.body = content_in_database(source_, m.id, size);
    }
    q.what = std::make_shared<message const>(std::move(m.what));
    return q;
}

// A message that can't be read is no reason to keep the others.
void sqlite_spool::set_aside(stored_message const& m)
{
    log::event(log::level::error, "spool-message-damaged",
               {{"queue_id", printable(m.what.queue_id, 64)}, {"row", m.id}, {"error", m.damage}});
    out_.claim(m.id);
    writer_.perform_later([this, id = m.id, why = m.damage](result<>&) { return writer_.quarantine(id, why); });
}

void sqlite_spool::forget_missing(std::int64_t id)
{
    out_.claim(id);
    writer_.perform_later([this, id](result<>&) { return writer_.forget_missing(id); });
}

// False when reading failed, and it is better to stop.
bool sqlite_spool::hand_out(std::int64_t id, wall_time now, std::vector<queued_message>& to, result<>& failed)
{
    auto loaded = source_->load(id);
    if (!loaded) {
        failed = loaded.error();
        return false;
    }
    if (!*loaded) {
        forget_missing(id);
        return true;
    }
    stored_message& m = **loaded;
    if (m.damage.empty()) {
        handout h = make_handout(m.id, m.scheduled, m.file, m.what, now);
        std::string queue_id = m.what.queue_id;
        auto ready = ready_for_delivery(m);
        if (ready) {
            out_.add(std::move(queue_id), std::move(h));
            to.push_back(std::move(*ready));
            return true;
        }
        if (m.damage.empty()) {
            failed = ready.error();
            return false;
        }
    }
    set_aside(m);
    return true;
}

result<std::vector<queued_message>> sqlite_spool::take_due(wall_time now, std::size_t limit)
{
    std::scoped_lock lock{taking_};
    struct reading {
        explicit reading(handouts& h) : out(h) { out.begin_reading(); }
        ~reading() { out.end_reading(); }
        handouts& out;
    } const guard{out_};

    auto const due = source_->due(now, limit, [this](std::int64_t id) { return out_.is_claimed(id); });
    if (!due) return due.error();
    std::vector<queued_message> found;
    found.reserve(due->size());
    result<> failed;
    for (auto const& m : *due)
        if (!hand_out(m.id, now, found, failed)) break;
    // What is out already must be delivered; the rest can be asked for again.
    if (!failed && found.empty()) return failed.error();
    return found;
}

// Asked again and again while mail goes through, and mostly the answer is the same.
result<std::optional<wall_time>> sqlite_spool::next_due()
{
    std::scoped_lock lock{next_due_mutex_};
    std::uint64_t const changes = out_.changes();
    if (next_due_ && changes == next_due_as_of_) return *next_due_;
    auto const due = source_->due(std::nullopt, 1, [this](std::int64_t id) { return out_.is_claimed(id); });
    if (!due) return due.error();
    next_due_ = due->empty() ? std::optional<wall_time>{} : std::optional{due->front().at};
    next_due_as_of_ = changes;
    return *next_due_;
}

void sqlite_spool::settle(settlement what, std::optional<std::pair<message, std::string>> bounce,
                          accept_handler handler)
{
    if (out_.id_of(what.queue_id) == std::nullopt) {
        // Not handed out: after the fact, as it were. Then it is handed out for this.
        std::scoped_lock lock{taking_};
        auto const id = source_->scheduled_id(what.queue_id);
        if (id && *id && !out_.is_claimed(**id)) {
            auto loaded = source_->load(**id);
            if (loaded && *loaded && (*loaded)->damage.empty()) {
                stored_message& m = **loaded;
                out_.add(what.queue_id, make_handout(m.id, m.scheduled, m.file, m.what, wall_time::min()));
            }
        }
    }
    outcome_of_attempt s;
    s.what = std::move(what);
    if (bounce) s.bounce = make_incoming(std::move(bounce->first), std::move(bounce->second), nullptr, {});
    s.handler = std::move(handler);
    writer_.settle(std::move(s));
}

result<std::optional<std::int64_t>> sqlite_spool::id_of(std::string_view queue_id)
{
    if (auto const id = out_.id_of(queue_id)) return id;
    return source_->scheduled_id(queue_id);
}

result<std::vector<summary>> sqlite_spool::list(filter const& f)
{
    std::vector<summary> out;
    if (!f.queue_id.empty()) {
        auto const id = id_of(f.queue_id);
        if (!id) return id.error();
        if (!*id || f.limit == 0) return out;
        auto loaded = source_->load(**id);
        if (!loaded) return loaded.error();
        if (*loaded && (*loaded)->damage.empty()) out.push_back(summary{std::move((*loaded)->what)});
        return out;
    }
    auto all = source_->list(f.limit);
    if (!all) return all.error();
    for (stored_message& m : *all)
        if (m.damage.empty()) out.push_back(summary{std::move(m.what)});
    return out;
}

result<queued_message> sqlite_spool::find(std::string_view queue_id)
{
    auto const id = id_of(queue_id);
    if (!id) return id.error();
    if (!*id) return no_such_message;
    auto loaded = source_->load(**id);
    if (!loaded) return loaded.error();
    if (!*loaded) return no_such_message;
    stored_message& m = **loaded;
    if (!m.damage.empty()) return error{status{4, 3, 0}, "The message is damaged", m.damage};
    return ready_for_delivery(m);
}

result<> sqlite_spool::hold(std::string_view queue_id, bool held)
{
    auto const id = id_of(queue_id);
    if (!id) return id.error();
    if (!*id) return no_such_message;
    return writer_.perform([&](result<>& outcome) { return writer_.set_held(queue_id, **id, held, outcome); });
}

result<> sqlite_spool::retry_now(std::string_view queue_id)
{
    wall_time const now = wall_clock::now();
    if (!queue_id.empty()) {
        auto const id = id_of(queue_id);
        if (!id) return id.error();
        if (!*id) return no_such_message;
        return writer_.perform([&](result<>& outcome) { return writer_.retry(**id, now, outcome); });
    }
    // In portions, so that nobody's mail waits for a million rows.
    for (std::size_t changed = retry_at_once; changed == retry_at_once;) {
        auto const portion = writer_.perform([&](result<>&) {
            auto const count = writer_.db().bring_forward(to_microseconds(now), retry_at_once);
            changed = count.value_or(0);
            return count.has_value();
        });
        if (!portion) return portion;
    }
    writer_.nudge();
    return done{};
}

result<> sqlite_spool::remove(std::string_view queue_id)
{
    auto const id = id_of(queue_id);
    if (!id) return id.error();
    if (!*id) return no_such_message;
    auto const loaded = source_->load(**id);
    if (!loaded) return loaded.error();
    if (!*loaded) return no_such_message;
    return writer_.perform([&](result<>& outcome) { return writer_.remove(queue_id, **id, (*loaded)->file, outcome); });
}

/// After a stop in mid-flight: what was at its first attempt is due, as everything else.
result<> schedule_interrupted(connection& db)
{
    return db.execute(
        "BEGIN IMMEDIATE;"
        "INSERT INTO schedule (message, queue_id, next_attempt)"
        " SELECT m.id, m.queue_id, m.accepted_at FROM message AS m"
        " WHERE m.id >= (SELECT value FROM state WHERE name = 'first_attempts_from')"
        " AND NOT EXISTS (SELECT 1 FROM schedule AS s WHERE s.message = m.id);"
        "UPDATE state SET value = 1 + max((SELECT ifnull(max(id), 0) FROM message), (SELECT ifnull(max(id), 0) FROM "
        "damaged))"
        " WHERE name = 'first_attempts_from';"
        "COMMIT");
}

result<> sweep(connection& db, content_files const& files)
{
    auto wanted = db.prepare("SELECT 1 FROM file WHERE name = ?1");
    if (!wanted) return wanted.error();
    auto const swept = files.sweep([&](std::string_view name) -> result<bool> {
        reset_after const end{*wanted};
        step_result const found = wanted->bind_text(1, name).step();
        if (found == step_result::failed) return db.failure("looking for content files");
        return found == step_result::row;
    });
    if (!swept) return swept.error();
    if (*swept > 0) log::event(log::level::info, "spool-swept", {{"files", *swept}});
    return done{};
}

}  // namespace

result<std::unique_ptr<spool>> open(options o)
{
    std::error_code failed;
    if (auto const parent = o.folder.parent_path(); !parent.empty())
        std::filesystem::create_directories(parent, failed);
    // Nobody else's business; but what was there before keeps the mode that it was given.
    if (::mkdir(o.folder.c_str(), 0700) != 0 && errno != EEXIST) failed = {errno, std::system_category()};
    if (failed) return file_failure("making the folder", o.folder, failed.value());
    folder_lock lock;
    if (auto taken = lock.take(o.folder); !taken) return taken.error();

    auto const database = o.folder / "spool.db";
    auto files = std::make_shared<content_files>(o.folder / "content");
    auto db = store::open(database, o.log_size);
    if (!db) return db.error();
    if (auto made = files->create_folder(); !made) return made.error();
    if (auto scheduled = schedule_interrupted(db->db()); !scheduled) return scheduled.error();
    if (auto swept = sweep(db->db(), *files); !swept) return swept.error();
    auto const next = db->db().number("SELECT value FROM state WHERE name = 'first_attempts_from'");
    if (!next) return next.error();
    auto const count = db->db().number("SELECT count(*) FROM schedule");
    if (!count) return count.error();
    if (auto renewed = renew_log(db->db(), database, o.log_size); !renewed) return renewed.error();
    auto source = reader::open(database);
    if (!source) return source.error();
    std::unique_ptr<spool> opened =
        std::make_unique<sqlite_spool>(std::move(o), std::move(lock), std::move(files), std::move(*source),
                                       std::move(*db), *next, static_cast<std::uint64_t>(*count));
    return opened;
}

}  // namespace postern::spool
