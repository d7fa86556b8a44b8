#include "directory/kerberos_keytab.hpp"

#include <utility>

#include "base/log.hpp"

namespace postern::directory {
namespace {

file_mark look_at(std::filesystem::path const& file)
{
    struct stat about {};
    return ::stat(file.c_str(), &about) == 0 ? mark_of(about) : file_mark{};
}

}  // namespace

kerberos_keytab::kerberos_keytab(kerberos_options o) : options_(std::move(o)) { read(); }

std::shared_ptr<kerberos_keys const> kerberos_keytab::keys() const
{
    std::lock_guard lock{lock_};
    return keys_;
}

std::string kerberos_keytab::problem() const
{
    std::lock_guard lock{lock_};
    return problem_;
}

bool kerberos_keytab::changed() const
{
    auto const now = look_at(options_.keytab);
    std::lock_guard lock{lock_};
    return now != seen_;
}

bool kerberos_keytab::wants_reading() { return changed() && !reading_.exchange(true); }

std::shared_ptr<kerberos_keys const> kerberos_keytab::fresh()
{
    std::lock_guard lock{one_reader_};
    if (changed()) read();
    return keys();
}

void kerberos_keytab::read()
{
    // Before it is read: what is written meanwhile is one more change.
    auto const mark = look_at(options_.keytab);
    auto keys = read_keys(options_);
    if (keys) {
        log::event(log::level::info, "kerberos_keys",
                   {{"keytab", options_.keytab.string()}, {"keys", (*keys)->count}, {"for", (*keys)->names}});
        if ((*keys)->open_to_all)
            log::event(log::level::warning, "kerberos_keytab_open",
                       {{"keytab", options_.keytab.string()},
                        {"remedy", "everybody on this machine can read the keys and so forge tickets: chmod o= it"}});
    } else {
        log::event(log::level::warning, "kerberos_keytab_failed",
                   {{"detail", keys.error().logged},
                    {"remedy", "GSSAPI is not offered until the keytab can be read and has a key of the service"}});
    }
    std::lock_guard lock{lock_};
    seen_ = mark;
    problem_ = keys ? std::string{} : keys.error().logged;
    keys_ = keys ? std::move(*keys) : nullptr;
}

}  // namespace postern::directory
