// Opening the spool, and putting in order what a crash left behind.
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "base/log.hpp"
#include "spool/failures.hpp"
#include "spool/schema.hpp"
#include "spool/sqlite_spool.hpp"

namespace postern::spool {
namespace {

/// After a stop in mid-flight: what was at its first attempt is due, as everything else.
result<> schedule_interrupted(tables& db)
{
    auto begun = db.db().execute("BEGIN IMMEDIATE");
    if (!begun) return begun;
    auto unscheduled = db.db().prepare(
        "SELECT " + std::string{row_columns} +
        " FROM message AS m LEFT JOIN schedule AS s ON s.message = m.id"
        " WHERE m.id >= (SELECT value FROM state WHERE name = 'first_attempts_from') AND s.message IS NULL");
    if (!unscheduled) return unscheduled.error();
    for (;;) {
        auto const now = unscheduled->step();
        if (now == store::step_result::finished) break;
        stored_message const m = now == store::step_result::row ? decode_row(*unscheduled) : stored_message{};
        bool scheduled = now == store::step_result::row;
        std::int64_t earliest = to_microseconds(m.what.env.release_at.value_or(m.what.accepted_at));
        for (stored_recipient const& r : m.what.recipients)
            scheduled = scheduled && (!m.damage.empty() || db.add_recipient(m.id, r));
        if (!scheduled || !db.schedule(m.id, m.what, earliest))
            return db.failure("putting what was interrupted into the schedule");
    }
    unscheduled->reset();
    return db.db().execute(
        // No id is given while some table still has a row of the message that had it.
        "UPDATE state SET value = max(value, 1 + max((SELECT ifnull(max(id), 0) FROM message),"
        " (SELECT ifnull(max(id), 0) FROM damaged), (SELECT ifnull(max(message), 0) FROM schedule),"
        " (SELECT ifnull(max(message), 0) FROM recipient), (SELECT ifnull(max(message), 0) FROM file)))"
        " WHERE name = 'first_attempts_from';"
        "COMMIT");
}

result<> sweep(store::connection& db, content_files const& files)
{
    auto wanted = db.prepare("SELECT 1 FROM file WHERE name = ?1");
    if (!wanted) return wanted.error();
    auto const swept = files.sweep([&](std::string_view name) -> result<bool> {
        store::reset_after const end{*wanted};
        store::step_result const found = wanted->bind_text(1, name).step();
        if (found == store::step_result::failed) return db.failure("looking for content files");
        return found == store::step_result::row;
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
    auto lock = lock_folder(o.folder);
    if (!lock) return lock.error();

    auto const database = o.folder / "spool.db";
    auto files = std::make_shared<content_files>(o.folder / "content");
    auto db = tables::open(database, o.log_size);
    if (!db) {
        store::remove_if_empty(database);
        return db.error();
    }
    if (auto made = files->create_folder(); !made) return made.error();
    if (auto scheduled = schedule_interrupted(*db); !scheduled) return scheduled.error();
    if (auto swept = sweep(db->db(), *files); !swept) return swept.error();
    auto const next = db->db().number("SELECT value FROM state WHERE name = 'first_attempts_from'");
    if (!next) return next.error();
    auto const count = db->db().number("SELECT count(*) FROM schedule");
    if (!count) return count.error();
    if (auto renewed = renew_log(db->db(), database, o.log_size); !renewed) return renewed.error();
    auto source = reader::open(database);
    if (!source) return source.error();
    std::unique_ptr<spool> opened =
        std::make_unique<sqlite_spool>(std::move(o), std::move(*lock), std::move(files), std::move(*source),
                                       std::move(*db), *next, static_cast<std::uint64_t>(*count));
    return opened;
}

}  // namespace postern::spool
