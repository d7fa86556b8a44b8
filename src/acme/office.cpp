#include "acme/office.hpp"

#include <algorithm>

#include <pthread.h>

#include "acme/schedule.hpp"
#include "base/log.hpp"

namespace postern::acme {
namespace {

using namespace std::chrono_literals;

// How often files are looked at, and whether a certificate's time has come.
constexpr auto between_looks = 2s;
// Names begin to lead to us, domains are added.
constexpr auto between_plans = 1h;
// An authority must not be asked for the same again at once.
constexpr std::chrono::seconds after_exception = 10min;

}  // namespace

result<std::unique_ptr<office>> office::open(office_options o)
{
    auto kept = shelf::open(o.settings()->data_dir);
    if (!kept) return std::move(kept.error());
    return std::unique_ptr<office>{new office(std::move(o), std::move(*kept))};
}

office::office(office_options o, shelf s) : options_(std::move(o)), shelf_(std::move(s))
{
    attempts_ = shelf_.read_attempts();
    for (auto const& [id, a] : attempts_)
        all_not_before_ = std::max(all_not_before_, all_wait_until(a.last, a.failed_at, a.not_before));
    ask_for_domains();
    thread_ = std::thread{[this] { work(); }};
    ::pthread_setname_np(thread_.native_handle(), "certificates");
}

office::~office() { stop(); }

void office::wake()
{
    {
        std::lock_guard const hold{lock_};
        woken_ = true;
        planned_at_.reset();
        bundle_.reset();
    }
    wake_.notify_all();
}

void office::stop()
{
    {
        std::lock_guard const hold{lock_};
        stopping_ = true;
    }
    wake_.notify_all();
    done_.notify_all();
    if (thread_.joinable()) thread_.join();
}

bool office::wait(std::chrono::milliseconds time)
{
    std::unique_lock hold{lock_};
    wake_.wait_for(hold, time, [this] { return stopping_.load(); });
    return !stopping_;
}

void office::look_at_files(config::settings const& s)
{
    std::unique_lock hold{lock_};
    auto const found = files_.look(s);
    if (found.any) bundle_.reset();
    hold.unlock();
    if (found.mail) options_.changed();
}

/// What failed with another authority, or with what was mended since, is tried at once.
void office::forget_failures_of_others(config::settings const& s)
{
    auto now = s.acme.directory + '\n' + s.acme.contact + '\n' + s.acme.external_account + '\n' +
               s.acme.external_key_file.string() + '\n' + s.acme.authorities.string() + '\n' +
               std::to_string(static_cast<int>(s.acme.challenge));
    std::lock_guard const hold{lock_};
    if (!asked_as_.empty() && asked_as_ != now) {
        for (auto& [id, a] : attempts_) a.not_before = {};
        all_not_before_ = {};
        refused_.clear();
        suggestions_at_.reset();
        authority_names_.clear();
    }
    asked_as_ = std::move(now);
}

void office::work()
{
    while (!stopping_) {
        std::chrono::seconds pause = between_looks;
        try {
            turn();
        } catch (std::exception const& e) {
            // Mail goes on, whatever happens here.
            log::event(log::level::error, "certificates_failed", {{"problem", e.what()}});
            pause = after_exception;
        }
        std::unique_lock hold{lock_};
        wake_.wait_for(hold, pause, [this] { return stopping_ || woken_; });
    }
}

void office::turn()
{
    bool old = false;
    {
        std::lock_guard const hold{lock_};
        woken_ = false;
        old = !planned_at_ || steady_clock::now() - *planned_at_ > between_plans;
    }
    auto const s = options_.settings();
    look_at_files(*s);
    forget_failures_of_others(*s);
    if (old) plan(*s);
    try_due(*s);
}

std::vector<std::string> office::renew(std::string const& name, std::chrono::seconds limit)
{
    std::vector<std::string> ids;
    std::unique_lock hold{lock_};
    for (auto const& p : plan_) {
        bool const meant =
            name.empty() || p.what.id == name || std::ranges::find(p.what.names, name) != p.what.names.end();
        if (!meant) continue;
        ids.push_back(p.what.id);
        forced_.insert(p.what.id);
    }
    if (ids.empty()) return ids;
    refused_.clear();
    all_not_before_ = {};
    planned_at_.reset();
    woken_ = true;
    wake_.notify_all();
    done_.wait_for(hold, limit, [&] {
        return stopping_ || std::ranges::none_of(ids, [&](auto const& id) { return forced_.contains(id); });
    });
    return ids;
}

std::optional<std::string> office::key_authorization(std::string_view token) const
{
    std::lock_guard const hold{lock_};
    auto const found =
        std::ranges::find_if(proofs_, [&](proof const& p) { return p.type == "http-01" && p.token == token; });
    if (found == proofs_.end()) return std::nullopt;
    return found->key_authorization;
}

}  // namespace postern::acme
