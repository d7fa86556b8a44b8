#include "directory/issuer_keys.hpp"

#include <fstream>

#include "base/log.hpp"
#include "base/text.hpp"
#include "directory/issuer_metadata.hpp"
#include "directory/web_client.hpp"

namespace postern::directory {
namespace {

error unavailable(std::string logged) { return {{4, 3, 0}, "Tokens can't be checked now", std::move(logged)}; }

constexpr std::size_t longest_file = 1 << 20;

class file_source final : public key_source {
public:
    explicit file_source(std::filesystem::path file) : file_(std::move(file)) {}

    result<std::string> fetch(std::atomic<bool> const&) override
    {
        std::error_code ignored;
        {
            // Even when it can't be read: it is not read again for each token then.
            auto const written = std::filesystem::last_write_time(file_, ignored);
            std::lock_guard lock{lock_};
            seen_ = written;
        }
        std::ifstream in{file_, std::ios::binary};
        std::string text(longest_file + 1, '\0');
        if (!in || !(in.read(text.data(), static_cast<std::streamsize>(text.size())) || in.eof()))
            return unavailable("can't read " + file_.string());
        text.resize(static_cast<std::size_t>(in.gcount()));
        return text;
    }

    bool changed() override
    {
        std::error_code failed;
        auto const now = std::filesystem::last_write_time(file_, failed);
        std::lock_guard lock{lock_};
        return !failed && now != seen_;
    }

private:
    std::filesystem::path const file_;
    std::mutex lock_;
    std::filesystem::file_time_type seen_{};
};

class web_source final : public key_source {
public:
    web_source(std::string url, std::filesystem::path authorities, std::shared_ptr<discovery> found)
        : url_(std::move(url)), authorities_(std::move(authorities)), found_(std::move(found))
    {
    }

    result<std::string> fetch(std::atomic<bool> const& stop) override
    {
        web_client::request r;
        r.url = url_;
        r.authorities = authorities_;
        if (url_.empty()) {
            // The keys may have another place by now.
            auto metadata = found_->find(client_, std::chrono::seconds{0}, stop);
            if (!metadata) return std::move(metadata).error();
            if (metadata->keys.empty()) return unavailable("the issuer's metadata has no jwks_uri: set oauth.keys");
            r.url = std::move(metadata->keys);
        }
        auto answer = client_.ask(r, stop);
        if (!answer) return std::move(answer).error();
        if (answer->status != 200) return unavailable(r.url + ": status " + std::to_string(answer->status));
        return std::move(answer->body);
    }
    bool changed() override { return false; }

private:
    std::string const url_;  // empty: discovery
    std::filesystem::path const authorities_;
    std::shared_ptr<discovery> const found_;
    web_client client_;
};

}  // namespace

std::unique_ptr<key_source> make_key_source(std::string const& where, std::filesystem::path const& authorities,
                                            std::shared_ptr<discovery> found)
{
    if (where.empty() || where.find("://") != std::string::npos)
        return std::make_unique<web_source>(where, authorities, std::move(found));
    return std::make_unique<file_source>(where);
}

issuer_keys::issuer_keys(key_options o, std::unique_ptr<key_source> source)
    : options_(std::move(o)), source_(std::move(source)), thread_([this] { run(); })
{
}

issuer_keys::~issuer_keys() { stop(); }

void issuer_keys::stop()
{
    {
        std::lock_guard lock{lock_};
        stop_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
    std::vector<waiter> left;
    {
        std::lock_guard lock{lock_};
        left.swap(waiters_);
    }
    for (auto& w : left) w.answer(unavailable("the server is stopping"));
}

bool issuer_keys::may_fetch(steady_time now) const { return !ever_tried_ || now - tried_ >= options_.pause; }

void issuer_keys::judge(secret token, handler h)
{
    bool const changed = source_->changed();
    std::unique_lock lock{lock_};
    auto const now = steady_clock::now();
    bool const usable = keys_ && now - fetched_ < options_.usable_for;
    if (usable && !changed) {
        auto const keys = keys_;
        lock.unlock();
        auto judged = judge_token(token.reveal(), *keys, options_.rules, wall_clock::now());
        if (judged.what != token_judgement::state::unknown_key) return h(std::move(judged));
        lock.lock();
        // Fetched a moment ago: then it is no key of the issuer's. Who invents names of keys
        // does not make us ask again and again.
        if (!wanted_ && !may_fetch(now)) {
            bool const failed = failed_;
            lock.unlock();
            if (failed) return h(unavailable("the token names a new key, and the keys could not be fetched"));
            return h(std::move(judged));
        }
    } else if (!wanted_ && !changed && !may_fetch(now)) {
        lock.unlock();
        return h(unavailable("the issuer's keys could not be fetched"));
    }
    if (stop_ || waiters_.size() >= options_.queue) {
        lock.unlock();
        if (stop_) return h(unavailable("the server is stopping"));
        return h(unavailable("too many tokens wait for the issuer's keys"));
    }
    waiters_.push_back({std::move(token), std::move(h)});
    wanted_ = true;
    lock.unlock();
    wake_.notify_one();
}

/// When the keys are fetched though nobody asks: one that was withdrawn is not taken much
/// longer, and an issuer that was away is back before the next token comes.
steady_time issuer_keys::next_renewal() const
{
    return failed_ ? tried_ + options_.retry_after : fetched_ + options_.renew_after;
}

void issuer_keys::run()
{
    std::unique_lock lock{lock_};
    while (!stop_) {
        if (!wanted_ && steady_clock::now() < next_renewal()) {
            wake_.wait_until(lock, next_renewal());
            continue;
        }
        lock.unlock();
        fetch();
        lock.lock();
        // Whoever came during the fetch saw the keys of before.
        wanted_ = false;
        auto waiters = std::move(waiters_);
        waiters_.clear();
        lock.unlock();
        answer(std::move(waiters));
        lock.lock();
    }
}

void issuer_keys::fetch()
{
    auto text = source_->fetch(stop_);
    auto parsed = text ? key_set::parse(*text) : result<key_set>{text.error()};
    note(parsed ? nullptr : &parsed.error());
    if (parsed)
        log::event(log::level::info, "token_keys",
                   {{"issuer", options_.rules.issuer}, {"keys", static_cast<std::int64_t>(parsed->size())}});
    std::lock_guard lock{lock_};
    tried_ = steady_clock::now();
    ever_tried_ = true;
    failed_ = !parsed;
    if (!parsed) return;
    fetched_ = tried_;
    keys_ = std::make_shared<key_set const>(std::move(*parsed));
}

/// The same trouble is told once, however long it lasts.
void issuer_keys::note(error const* e)
{
    std::string text = e != nullptr ? printable(e->logged, 300) : std::string{};
    {
        std::lock_guard lock{lock_};
        if (text == trouble_ || stop_) return;
        trouble_ = text;
    }
    if (e != nullptr)
        log::event(log::level::warning, "token_keys_failed", {{"issuer", options_.rules.issuer}, {"detail", text}});
}

key_health issuer_keys::health() const
{
    std::lock_guard lock{lock_};
    key_health h;
    h.trouble = trouble_;
    if (!keys_) return h;
    auto const age = steady_clock::now() - fetched_;
    h.keys = keys_->size();
    h.age = std::chrono::duration_cast<std::chrono::seconds>(age);
    h.usable = age < options_.usable_for;
    return h;
}

void issuer_keys::answer(std::vector<waiter> waiters)
{
    std::shared_ptr<key_set const> keys;
    bool failed = false;
    {
        std::lock_guard lock{lock_};
        failed = failed_;
        if (keys_ && steady_clock::now() - fetched_ < options_.usable_for) keys = keys_;
    }
    for (auto& w : waiters) {
        if (!keys) {
            w.answer(unavailable("the issuer's keys could not be fetched"));
            continue;
        }
        auto judged = judge_token(w.token.reveal(), *keys, options_.rules, wall_clock::now());
        if (failed && judged.what == token_judgement::state::unknown_key)
            w.answer(unavailable("the token names a new key, and the keys could not be fetched"));
        else
            w.answer(std::move(judged));
    }
}

}  // namespace postern::directory
