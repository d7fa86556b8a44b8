// A back end of files: the users of a Dovecot passwd-file, an htpasswd or a shadow file, in
// memory, read again when the file changes.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "directory/backend.hpp"
#include "directory/file_mark.hpp"
#include "directory/import.hpp"
#include "directory/passwd_file.hpp"
#include "directory/published.hpp"
#include "directory/store.hpp"
#include "directory/stored_user.hpp"

namespace postern::directory {
namespace {

constexpr std::size_t largest_file = 64u << 20;
constexpr std::chrono::milliseconds between_looks{500};
constexpr std::size_t most_notes = 5;

struct users {
    std::unordered_map<std::string, std::shared_ptr<stored_account const>> by_name;
    std::string typical;
    std::map<std::pair<std::string, hash>, scram_shape> shapes;  // by domain
};

std::string domain_of(std::string_view address) { return std::string{address.substr(address.rfind('@') + 1)}; }

/// What most users of each domain have.
std::map<std::pair<std::string, hash>, scram_shape> usual_shapes(users const& all)
{
    using shape = std::pair<std::uint32_t, std::size_t>;
    std::map<std::pair<std::string, hash>, std::map<shape, std::size_t>> counts;
    for (auto const& [address, a] : all.by_name)
        for (hash const h : a->who.scram_hashes)
            ++counts[{domain_of(address), h}][{a->scram[h].iterations, a->scram[h].salt.size()}];
    std::map<std::pair<std::string, hash>, scram_shape> usual;
    for (auto const& [where, shapes] : counts) {
        auto const most = std::max_element(shapes.begin(), shapes.end(),
                                           [](auto const& a, auto const& b) { return a.second < b.second; });
        usual[where] = {most->first.first, most->first.second};
    }
    return usual;
}

class file_source final : public account_source {
public:
    explicit file_source(backend_options o) : options_(std::move(o)), users_(nullptr)
    {
        look();  // so that the first log-in finds them
    }
    ~file_source() override { stop(); }

    backend_health health() const override
    {
        auto const now = users_.get();
        std::string said;
        {
            std::lock_guard lock{lock_};
            said = trouble_;
        }
        backend_health h{options_.name, "files", now != nullptr, {}};
        if (now) h.detail = std::to_string(now->by_name.size()) + " users";
        if (!said.empty()) h.detail += (now ? ", as read before: " : "") + said;
        return h;
    }

    result<std::shared_ptr<stored_account const>> find(std::string_view name) const override
    {
        auto const now = users_.get();
        if (!now) {
            std::lock_guard lock{lock_};
            return error{{4, 3, 0}, "The accounts are not available", "back end " + options_.name + ": " + trouble_};
        }
        auto const found = now->by_name.find(address_of(name));
        return found == now->by_name.end() ? nullptr : found->second;
    }

    std::string address_of(std::string_view name) const override
    {
        std::string address{name};
        if (!options_.format.domain.empty() && address.find('@') == std::string::npos)
            address += "@" + options_.format.domain;
        return address;
    }

    std::optional<scram_shape> usual_shape(std::string_view address, hash h) const override
    {
        auto const now = users_.get();
        if (!now) return std::nullopt;
        auto const found = now->shapes.find({domain_of(address), h});
        return found == now->shapes.end() ? std::nullopt : std::optional{found->second};
    }

    std::size_t count() const override
    {
        auto const now = users_.get();
        return now ? now->by_name.size() : 0;
    }
    std::string typical_verifier() const override
    {
        auto const now = users_.get();
        return now ? now->typical : std::string{};
    }

    void start(std::function<void()> changed) override
    {
        watcher_ = std::thread{[this, changed = std::move(changed)] { watch(changed); }};
    }

    void stop() override
    {
        {
            std::lock_guard lock{wait_lock_};
            stopping_ = true;
        }
        wake_.notify_all();
        if (watcher_.joinable()) watcher_.join();
    }

private:
    void watch(std::function<void()> const& changed)
    {
        std::unique_lock lock{wait_lock_};
        while (!wake_.wait_for(lock, between_looks, [this] { return stopping_; })) {
            lock.unlock();
            if (look()) changed();
            lock.lock();
        }
    }

    /// Reads the file if it is another one than before. Whether the users are new.
    bool look()
    {
        struct stat about {};
        file_mark now;
        int failed = 0;
        if (::stat(options_.path.c_str(), &about) == 0)
            now = mark_of(about);
        else
            failed = errno;
        if (looked_ && now == seen_ && failed == failed_) return false;
        looked_ = true;
        seen_ = now;
        failed_ = failed;
        if (failed != 0) {
            complain(std::strerror(failed));
            return false;
        }
        auto text = read(now);
        return text && take(text->reveal());
    }

    /// The file's text, unless somebody writes to it right now: then the next look takes it.
    std::optional<secret> read(file_mark const& expected)
    {
        struct closer {
            int descriptor;
            ~closer()
            {
                if (descriptor >= 0) ::close(descriptor);
            }
        } const file{::open(options_.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
        struct stat about {};
        if (file.descriptor < 0 || ::fstat(file.descriptor, &about) != 0) {
            complain(std::strerror(errno));
            return std::nullopt;
        }
        if (!S_ISREG(about.st_mode)) {
            complain("is not a file");
            return std::nullopt;
        }
        if (about.st_size > static_cast<std::int64_t>(largest_file)) {
            complain("is larger than 64 MiB");
            return std::nullopt;
        }
        std::string text(static_cast<std::size_t>(about.st_size), '\0');
        std::size_t size = 0;
        while (size < text.size()) {
            auto const got = ::read(file.descriptor, text.data() + size, text.size() - size);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) {
                complain(std::strerror(errno));
                wipe(text.data(), text.size());
                return std::nullopt;
            }
            if (got == 0) break;
            size += static_cast<std::size_t>(got);
        }
        if (::fstat(file.descriptor, &about) != 0 || mark_of(about) != expected || size != text.size()) {
            seen_ = {};
            wipe(text.data(), text.size());
            return std::nullopt;
        }
        modified_ = wall_time{std::chrono::duration_cast<wall_time::duration>(std::chrono::seconds{expected.seconds})};
        return secret::take(text);
    }

    bool take(std::string_view text)
    {
        std::vector<std::string> problems;
        auto const lines = read_passwd_lines(text, options_.format, wall_clock::now(), problems);
        if (!problems.empty()) {
            complain(problems.front() +
                     (problems.size() > 1 ? ", and " + std::to_string(problems.size() - 1) + " more" : std::string{}));
            return false;
        }
        auto next = std::make_shared<users>();
        std::map<std::string, std::pair<std::size_t, std::string>> costs;
        std::size_t skipped = 0;
        auto const skip = [&](passwd_line const& l, std::string_view why) {
            if (++skipped <= most_notes)
                log::event(log::level::warning, "backend_user_skipped",
                           {{"backend", options_.name}, {"line", l.number}, {"user", l.shown}, {"detail", why}});
        };
        for (auto const& l : lines) {
            if (l.locked) continue;
            if (l.bound_to_networks) {
                skip(l, "allow_nets is not supported; without it the user could log in from everywhere");
                continue;
            }
            if (l.reading.problem != nullptr) {
                skip(l, l.reading.problem);
                continue;
            }
            auto a = std::make_shared<stored_account>();
            a->who.address = l.address;
            a->who.back_end = options_.name;
            a->who.enabled = l.may_log_in;
            a->who.created = modified_;
            a->who.password_set = modified_;
            a->verifier = l.reading.verifier.empty() ? digest_verifier(l.reading.password) : l.reading.verifier;
            a->who.scheme = l.reading.verifier.empty() ? "plain" : scheme_of(a->verifier);
            take_scram(a->verifier, *a);
            auto& sample = costs[cost_of(a->verifier)];
            ++sample.first;
            sample.second = a->verifier;
            next->by_name.emplace(l.address, std::move(a));
        }
        std::size_t most = 0;
        for (auto const& [cost, sample] : costs) {
            if (sample.first <= most) continue;
            most = sample.first;
            next->typical = sample.second;
        }
        next->shapes = usual_shapes(*next);
        auto const number = next->by_name.size();
        users_.set(std::move(next));
        {
            std::lock_guard lock{lock_};
            trouble_.clear();
        }
        log::event(log::level::info, "backend_read",
                   {{"backend", options_.name}, {"users", number}, {"skipped", skipped}});
        return true;
    }

    void complain(std::string const& what)
    {
        std::string text = options_.path.string() + ": " + what;
        log::event(log::level::error, "backend_not_read",
                   {{"backend", options_.name}, {"detail", text}, {"still_in_force", users_.get() != nullptr}});
        std::lock_guard lock{lock_};
        trouble_ = std::move(text);
    }

    backend_options const options_;
    published<users> users_;  // null: never read

    mutable std::mutex lock_;
    std::string trouble_;  // why the file as it is now is not in force

    // Of the one who looks.
    bool looked_ = false;
    file_mark seen_;
    int failed_ = 0;
    wall_time modified_{};

    std::mutex wait_lock_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread watcher_;
};

}  // namespace

std::unique_ptr<account_source> make_file_source(backend_options const& o) { return std::make_unique<file_source>(o); }

}  // namespace postern::directory
