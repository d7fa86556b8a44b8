#include "store/stamped.hpp"

namespace postern::store {
namespace {

/// Whether it is there already.
result<bool> is_made(connection& db, std::string const& name, texts const& told, stamp of)
{
    auto const application = db.number("PRAGMA application_id");
    if (!application) return application.error();
    auto const version = db.number("PRAGMA user_version");
    if (!version) return version.error();
    if (*application == of.application && *version == of.version) return true;
    if (*application == 0 && *version == 0) return false;
    return error{{4, 3, 0},
                 told.failed,
                 name + " is " + of.other + " of this version: move it away, or install the version that wrote it"};
}

}  // namespace

result<connection> open_stamped(std::filesystem::path const& file, texts told, std::string const& settings, stamp of,
                                std::string const& tables)
{
    auto db = connection::open(file, access::create, told);
    if (!db) return std::move(db.error());
    if (auto r = db->execute(settings.c_str()); !r) return std::move(r.error());
    auto made = is_made(*db, file.string(), told, of);
    if (!made) return std::move(made.error());
    if (*made) return std::move(*db);
    {
        auto t = transaction::begin(*db);
        if (!t) return std::move(t.error());
        // Another process may have been quicker.
        if (made = is_made(*db, file.string(), told, of); !made) return std::move(made.error());
        if (!*made) {
            auto const sql = tables + ";PRAGMA application_id = " + std::to_string(of.application) +
                             ";PRAGMA user_version = " + std::to_string(of.version);
            if (auto r = db->execute(sql.c_str()); !r) return std::move(r.error());
            if (auto r = t->commit(); !r) return std::move(r.error());
        }
    }
    return std::move(*db);
}

}  // namespace postern::store
