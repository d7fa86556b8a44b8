#include "delivery/token_desk.hpp"

#include <algorithm>
#include <utility>

#include <pthread.h>

#include "base/crypto.hpp"
#include "base/hex.hpp"
#include "base/log.hpp"
#include "base/whole_file.hpp"
#include "delivery/token_request.hpp"

namespace postern::delivery {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_questions = 10'000;
constexpr auto store_after = 10s;   // what the disk did not take is tried again
constexpr auto failure_life = 10s;  // many connections ask at the same time
// A token that ends in the middle of a log-in is of no use.
constexpr std::chrono::seconds before_the_end{60};

// What two log-ins that can share a token have in common.
std::string key_of(identity const& who)
{
    auto const& s = who.settings;
    return s.token_url + '\n' + s.client_id + '\n' + s.user + '\n' + s.scope + '\n' + s.refresh_token_file.string();
}

error failed(identity const& who, error const& why)
{
    return {why.code, "", who.settings.token_url + ": " + why.logged};
}

}  // namespace

token_desk::token_desk(std::filesystem::path folder) : folder_(std::move(folder)) {}

token_desk::~token_desk()
{
    {
        std::lock_guard const lock{mutex_};
        over_ = true;
    }
    work_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void token_desk::ask(std::shared_ptr<identity const> who, handler then)
{
    bool taken = false;
    {
        std::lock_guard const lock{mutex_};
        taken = !over_ && questions_.size() < most_questions;
        if (taken) {
            questions_.push_back({std::move(who), then});
            if (!thread_.joinable()) {
                thread_ = std::thread{[this] { run(); }};
                ::pthread_setname_np(thread_.native_handle(), "tokens");
            }
        }
    }
    work_.notify_one();
    if (!taken) then(error{{4, 7, 0}, "", "too many log-ins wait for a token"});
}

void token_desk::forget(identity const& who)
{
    std::lock_guard const lock{mutex_};
    kept_.erase(key_of(who));
}

void token_desk::run()
{
    for (;;) {
        question next;
        {
            std::unique_lock lock{mutex_};
            auto const something = [this] { return over_ || !questions_.empty(); };
            if (unstored_.empty()) {
                work_.wait(lock, something);
            } else if (!work_.wait_for(lock, store_after, something)) {
                lock.unlock();
                store_again();
                continue;
            }
            if (questions_.empty()) break;
            next = std::move(questions_.front());
            questions_.pop_front();
        }
        if (over_) {
            next.then(error{{4, 7, 0}, "", "cut off by the end of this server"});
        } else {
            next.then(answer(next.who));
        }
    }
    store_again();
}

void token_desk::store_again()
{
    std::erase_if(unstored_, [this](auto const& each) { return static_cast<bool>(write(each.second)); });
}

result<secret> token_desk::answer(std::shared_ptr<identity const> const& asks)
{
    identity const& who = *asks;
    std::string const key = key_of(who);
    auto const now = steady_clock::now();
    {
        std::lock_guard const lock{mutex_};
        auto const at = kept_.find(key);
        if (at != kept_.end() && at->second.good_until > now) return at->second.token;
        if (at != kept_.end() && at->second.failed_until > now) return at->second.failure;
    }
    auto fresh = fetch(asks);
    std::lock_guard const lock{mutex_};
    auto& k = kept_[key];
    if (!fresh) {
        log::event(log::level::warning, "token_failed",
                   {{"smart_host", who.smart_host}, {"user", who.settings.user}, {"error", fresh.error().logged}});
        k.failure = fresh.error();
        k.failed_until = steady_clock::now() + failure_life;
        return fresh.error();
    }
    log::event(log::level::info, "token_fetched",
               {{"smart_host", who.smart_host}, {"user", who.settings.user}, {"seconds", fresh->life.count()}});
    k.token = std::move(fresh->access_token);
    k.good_until = now + fresh->life - std::min(before_the_end, fresh->life / 4);
    k.failed_until = {};
    return k.token;
}

result<token_answer> token_desk::fetch(std::shared_ptr<identity const> const& asks)
{
    identity const& who = *asks;
    auto const& s = who.settings;
    auto form = token_request::make(who);
    if (!form) return form.error();
    if (s.refresh_token_file.empty()) {
        form->add("grant_type", "client_credentials");
    } else {
        auto const refresh = current_refresh_token(who);
        if (!refresh) return refresh.error();
        form->add("grant_type", "refresh_token").add("refresh_token", refresh->reveal());
    }
    if (!s.scope.empty()) form->add("scope", s.scope);
    auto const said = form->send(web_, who, s.token_url, over_);
    if (!said) return said.error();
    auto a = parse_token_answer(said->status, said->body);
    if (!a) return failed(who, a.error());
    if (!a->refresh_token.empty() && !s.refresh_token_file.empty()) {
        // The old one may be worth nothing any more.
        auto const stored = keep_refresh_token(asks, a->refresh_token);
        if (!stored)
            log::event(log::level::error, "refresh_token_not_stored",
                       {{"smart_host", who.smart_host},
                        {"user", s.user},
                        {"error", stored.error().logged},
                        {"text", "kept in memory, and tried again: a server that ends now needs a new sign-in"}});
    }
    return a;
}

std::filesystem::path token_desk::place_of(identity const& who) const
{
    return folder_ / (to_hex(digest(hash::sha256, key_of(who))).substr(0, 32) + ".refresh-token");
}

// The file in data_dir begins with the digest of the token that its own came from: whoever signs
// in anew writes another one into the configured file, and that one counts.
result<secret> token_desk::current_refresh_token(identity const& who) const
{
    auto first = read_secret_line(who.settings.refresh_token_file);
    if (!first) return first;
    auto const origin = to_hex(digest(hash::sha256, first->reveal()));
    auto const here = unstored_.find(key_of(who));
    if (here != unstored_.end() && here->second.origin == origin) return here->second.token;
    auto const stored = read_whole_file(place_of(who), 64u << 10);
    if (!stored) return stored.error();
    if (!*stored) return first;
    std::string_view const text = (*stored)->reveal();
    auto const end = text.find('\n');
    if (end == std::string_view::npos || text.substr(0, end) != origin) return first;
    auto const token = text.substr(end + 1, text.find('\n', end + 1) - end - 1);
    return token.empty() ? first : result<secret>{secret{token}};
}

result<> token_desk::keep_refresh_token(std::shared_ptr<identity const> const& who, secret const& fresh)
{
    auto const first = read_secret_line(who->settings.refresh_token_file);
    if (!first) return first.error();
    auto const now = current_refresh_token(*who);
    if (now && now->reveal() == fresh.reveal()) return done{};
    unstored u{who, to_hex(digest(hash::sha256, first->reveal())), fresh};
    auto const written = write(u);
    auto const key = key_of(*who);
    unstored_.erase(key);
    if (!written) unstored_.emplace(key, std::move(u));
    return written;
}

result<> token_desk::write(unstored const& u) const
{
    if (auto made = make_private_folder(folder_); !made) return made;
    std::string text = u.origin + '\n';
    text.reserve(text.size() + u.token.size() + 1);
    text.append(u.token.reveal()).append("\n");
    auto const stored = replace_whole_file(place_of(*u.who), text);
    wipe(text.data(), text.size());
    return stored;
}

}  // namespace postern::delivery
