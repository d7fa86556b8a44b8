#include "directory/token_verifier.hpp"

#include <fstream>

#include <boost/json.hpp>

#include "base/log.hpp"
#include "directory/token_fetch.hpp"

namespace postern::directory {
namespace {

error unavailable(std::string logged) { return {{4, 7, 0}, "Tokens can't be checked now", std::move(logged)}; }

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

class https_source final : public key_source {
public:
    https_source(std::string url, std::filesystem::path authorities)
        : url_(std::move(url)), authorities_(std::move(authorities))
    {
    }
    result<std::string> fetch(std::atomic<bool> const& stop) override { return fetch_https(url_, authorities_, stop); }
    bool changed() override { return false; }

private:
    std::string const url_;
    std::filesystem::path const authorities_;
};

}  // namespace

std::unique_ptr<key_source> make_key_source(std::string const& where, std::filesystem::path const& authorities)
{
    if (where.starts_with("https://")) return std::make_unique<https_source>(where, authorities);
    return std::make_unique<file_source>(where);
}

token_verifier::token_verifier(token_options o, std::unique_ptr<key_source> source)
    : options_(std::move(o)), source_(std::move(source)), thread_([this] { run(); })
{
}

token_verifier::~token_verifier()
{
    {
        std::lock_guard lock{lock_};
        stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
    for (auto& w : waiters_) w.answer(unavailable("the server is stopping"));
}

bool token_verifier::may_fetch(steady_time now) const { return !ever_tried_ || now - tried_ >= options_.pause; }

void token_verifier::verify(secret token, handler h)
{
    bool const changed = source_->changed();
    std::unique_lock lock{lock_};
    auto const now = steady_clock::now();
    bool const usable = keys_ && now - fetched_ < options_.usable_for;
    if (usable && now - fetched_ >= options_.renew_after && may_fetch(now)) wanted_ = true;
    if (usable && !changed) {
        auto const keys = keys_;
        lock.unlock();
        auto judged = judge_token(token.reveal(), *keys, options_.rules, wall_clock::now());
        if (judged.what != token_judgement::state::unknown_key) {
            wake_.notify_one();
            return h(std::move(judged));
        }
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
    if (waiters_.size() >= options_.queue) {
        lock.unlock();
        return h(unavailable("too many tokens wait for the issuer's keys"));
    }
    waiters_.push_back({std::move(token), std::move(h)});
    wanted_ = true;
    lock.unlock();
    wake_.notify_one();
}

void token_verifier::run()
{
    std::unique_lock lock{lock_};
    while (!stop_) {
        if (!wanted_) {
            wake_.wait(lock);
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

void token_verifier::fetch()
{
    auto text = source_->fetch(stop_);
    auto parsed = text ? key_set::parse(*text) : result<key_set>{text.error()};
    if (!parsed && !stop_) log::event(log::level::warning, "token_keys_failed", {{"detail", parsed.error().logged}});
    if (parsed) log::event(log::level::info, "token_keys", {{"keys", static_cast<std::int64_t>(parsed->size())}});
    std::lock_guard lock{lock_};
    tried_ = steady_clock::now();
    ever_tried_ = true;
    failed_ = !parsed;
    if (!parsed) return;
    fetched_ = tried_;
    keys_ = std::make_shared<key_set const>(std::move(*parsed));
}

void token_verifier::answer(std::vector<waiter> waiters)
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

std::string token_verifier::refusal(token_judgement const& why, bool google_format) const
{
    bool const scope = why.what == token_judgement::state::insufficient_scope;
    boost::json::object o;
    if (google_format) {
        o["status"] = scope ? "403" : "401";
        o["schemes"] = "Bearer";
    } else {
        o["status"] = scope ? "insufficient_scope" : "invalid_token";
    }
    if (!options_.rules.scope.empty()) o["scope"] = options_.rules.scope;
    if (!google_format) {
        std::string issuer = options_.rules.issuer;
        while (issuer.ends_with('/')) issuer.pop_back();
        o["openid-configuration"] = issuer + "/.well-known/openid-configuration";
    }
    return boost::json::serialize(o);
}

}  // namespace postern::directory
