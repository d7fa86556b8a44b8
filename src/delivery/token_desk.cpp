#include "delivery/token_desk.hpp"

#include <algorithm>
#include <utility>

#include <pthread.h>

#include "base/crypto.hpp"
#include "base/hex.hpp"
#include "base/log.hpp"
#include "base/whole_file.hpp"

namespace postern::delivery {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_questions = 10'000;
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

void add(std::string& form, std::string_view name, std::string_view value)
{
    if (!form.empty()) form += '&';
    form.append(name).append("=");
    directory::append_form_encoded(form, value);
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
            work_.wait(lock, [this] { return over_ || !questions_.empty(); });
            if (questions_.empty()) return;
            next = std::move(questions_.front());
            questions_.pop_front();
        }
        if (over_) {
            next.then(error{{4, 7, 0}, "", "cut off by the end of this server"});
        } else {
            next.then(answer(*next.who));
        }
    }
}

result<secret> token_desk::answer(identity const& who)
{
    std::string const key = key_of(who);
    auto const now = steady_clock::now();
    {
        std::lock_guard const lock{mutex_};
        auto const at = kept_.find(key);
        if (at != kept_.end() && at->second.good_until > now) return at->second.token;
        if (at != kept_.end() && at->second.failed_until > now) return at->second.failure;
    }
    auto fresh = fetch(who);
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

result<token_answer> token_desk::fetch(identity const& who)
{
    auto const& s = who.settings;
    std::string form;
    if (s.refresh_token_file.empty()) {
        add(form, "grant_type", "client_credentials");
    } else {
        auto const refresh = current_refresh_token(who);
        if (!refresh) return refresh.error();
        form.reserve(refresh->size() * 3 + 4096);
        add(form, "grant_type", "refresh_token");
        add(form, "refresh_token", refresh->reveal());
    }
    add(form, "client_id", s.client_id);
    if (!s.client_secret_file.empty()) {
        auto const client_secret = read_secret_file(s.client_secret_file);
        if (!client_secret) return client_secret.error();
        add(form, "client_secret", client_secret->reveal());
    }
    if (!s.scope.empty()) add(form, "scope", s.scope);
    directory::web_client::request r;
    r.url = s.token_url;
    r.authorities = who.authorities;
    r.form = secret::take(form);
    r.longest = 64u << 10;
    auto const said = web_.ask(r, over_);
    if (!said) return said.error();
    auto a = parse_token_answer(said->status, said->body);
    if (!a) return failed(who, a.error());
    if (!a->refresh_token.empty() && !s.refresh_token_file.empty()) {
        // The old one may be worth nothing any more.
        if (auto stored = keep_refresh_token(who, a->refresh_token); !stored) return stored.error();
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
    auto first = read_secret_file(who.settings.refresh_token_file);
    if (!first) return first;
    auto const stored = read_whole_file(place_of(who), 64u << 10);
    if (!stored) return stored.error();
    if (!*stored) return first;
    std::string_view const text = (*stored)->reveal();
    auto const end = text.find('\n');
    if (end == std::string_view::npos || text.substr(0, end) != to_hex(digest(hash::sha256, first->reveal())))
        return first;
    auto const token = text.substr(end + 1, text.find('\n', end + 1) - end - 1);
    return token.empty() ? first : result<secret>{secret{token}};
}

result<> token_desk::keep_refresh_token(identity const& who, secret const& fresh) const
{
    auto const first = read_secret_file(who.settings.refresh_token_file);
    if (!first) return first.error();
    auto const now = current_refresh_token(who);
    if (now && now->reveal() == fresh.reveal()) return done{};
    if (auto made = make_private_folder(folder_); !made) return made;
    std::string text = to_hex(digest(hash::sha256, first->reveal())) + '\n';
    text.reserve(text.size() + fresh.size() + 1);
    text.append(fresh.reveal()).append("\n");
    auto const stored = replace_whole_file(place_of(who), text);
    wipe(text.data(), text.size());
    return stored;
}

}  // namespace postern::delivery
