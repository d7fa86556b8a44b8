#include "directory/introspector.hpp"

#include <algorithm>
#include <mutex>

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "base/whole_file.hpp"
#include "directory/issuer_metadata.hpp"
#include "directory/web_client.hpp"

namespace postern::directory {
namespace {

constexpr unsigned threads = 4;
constexpr std::size_t room_to_wait = 256;
constexpr std::size_t most_answers = 20'000;
constexpr std::size_t longest_answer = 64 << 10;
// A refused token may be taken a moment later: the issuer's machines may not agree yet.
constexpr std::chrono::seconds remember_refusal{10};
constexpr std::chrono::hours metadata_age{1};

error unavailable(std::string logged) { return {{4, 3, 0}, "Tokens can't be checked now", std::move(logged)}; }

result<secret> read_secret(std::filesystem::path const& file)
{
    auto line = read_secret_line(file);
    if (!line) return unavailable(std::move(line).error().logged);
    return line;
}

}  // namespace

struct introspector::inside {
    inside(introspection_options o, token_rules r, std::shared_ptr<discovery> f)
        : options(std::move(o)), rules(std::move(r)), found(std::move(f)), memories(most_answers)
    {
    }

    std::string memory_key(secret const& token) const { return hmac(hash::sha256, process_key, token.reveal()); }

    result<std::string> endpoint(web_client& client)
    {
        if (!options.endpoint.empty()) return options.endpoint;
        auto metadata = found->find(client, metadata_age, stop);
        if (!metadata) return std::move(metadata).error();
        if (metadata->introspection.empty())
            return unavailable("the issuer's metadata has no introspection_endpoint: set oauth.introspection");
        return std::move(metadata->introspection);
    }

    result<web_client::request> question(web_client& client, secret const& token, steady_time deadline)
    {
        web_client::request r;
        auto url = endpoint(client);
        if (!url) return std::move(url).error();
        r.url = std::move(*url);
        r.authorities = options.authorities;
        r.longest = longest_answer;
        constexpr std::string_view begin = "token=", end = "&token_type_hint=access_token";
        std::string form;
        form.reserve(begin.size() + 3 * token.size() + end.size());
        form += begin;
        append_form_encoded(form, token.reveal());
        form += end;
        r.form = secret::take(form);
        if (!options.client_id.empty()) {
            auto password = read_secret(options.client_secret);
            if (!password) return std::move(password).error();
            // RFC 6749 section 2.3.1: both encoded as in a form first.
            r.user = form_encoded(options.client_id);
            std::string encoded;
            encoded.reserve(3 * password->size());
            append_form_encoded(encoded, password->reveal());
            r.password = secret::take(encoded);
        } else if (!options.bearer.empty()) {
            auto bearer = read_secret(options.bearer);
            if (!bearer) return std::move(bearer).error();
            r.bearer = std::move(*bearer);
        }
        auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
        if (left.count() <= 0) return unavailable("no answer in time");
        r.timeout = left;
        return r;
    }

    result<introspected> ask(web_client& client, secret const& token, optional_claims may_lack, steady_time deadline)
    {
        auto r = question(client, token, deadline);
        if (!r) return std::move(r).error();
        auto answer = client.ask(*r, stop);
        if (!answer) return std::move(answer).error();
        auto const at = [&](std::string const& what) { return unavailable(r->url + ": " + what); };
        // RFC 7662 section 2.3: it is us whom it does not like, not the token.
        if (answer->status == 401 || answer->status == 403)
            return at("does not let us ask (status " + std::to_string(answer->status) +
                      "): see oauth.client_id, client_secret and bearer");
        if (answer->status != 200) return at("status " + std::to_string(answer->status));
        auto read = parse_introspection(answer->body, rules, may_lack, wall_clock::now());
        if (!read) return at(read.error().logged);
        return read;
    }

    void remember(std::string const& key, introspected const& answer)
    {
        bool const good = answer.judgement.what == token_judgement::state::good;
        std::chrono::nanoseconds life = options.cache_life;
        if (!good) life = std::min<std::chrono::nanoseconds>(life, remember_refusal);
        if (good && answer.ends) life = std::min<std::chrono::nanoseconds>(life, *answer.ends - wall_clock::now());
        if (life.count() > 0) memories.put(key, memory{answer.judgement, steady_clock::now() + life});
    }

    /// Says in the log when the issuer goes, and when it is back.
    void note(error const* e)
    {
        std::string text = e != nullptr ? printable(e->logged, 300) : std::string{};
        {
            std::lock_guard lock{trouble_lock};
            if (text == trouble) return;
            trouble = text;
        }
        if (stop) return;
        if (e != nullptr)
            log::event(log::level::error, "introspection_failed", {{"issuer", rules.issuer}, {"detail", text}});
        else
            log::event(log::level::info, "introspection_works", {{"issuer", rules.issuer}});
    }

    introspection_options const options;
    token_rules const rules;
    std::shared_ptr<discovery> const found;
    std::string const process_key = random_octets(32);
    std::atomic<bool> stop{false};
    generation_cache<memory> memories;
    std::mutex trouble_lock;
    std::string trouble;
};

namespace {

/// A JWT's account is its own; the issuer may not say it, but not another one.
token_judgement of_account(token_judgement j, std::string const& account)
{
    if (j.what != token_judgement::state::good || account.empty()) return j;
    if (!j.account.empty() && j.account != account) return refused_token("the issuer says that it is somebody else's");
    j.account = account;
    return j;
}

}  // namespace

introspector::introspector(introspection_options o, token_rules rules, std::shared_ptr<discovery> found)
    : inside_(std::make_shared<inside>(std::move(o), std::move(rules), std::move(found))),
      pool_(threads, room_to_wait, inside_->options.timeout)
{
}

introspector::~introspector() { stop(); }

void introspector::stop()
{
    inside_->stop = true;
    pool_.stop();
}

std::string introspector::trouble() const
{
    std::lock_guard lock{inside_->trouble_lock};
    return inside_->trouble;
}

void introspector::judge(secret const& token, std::string const& account, handler h)
{
    auto const key = inside_->memory_key(token);
    if (auto const known = inside_->memories.get(key); known && known->until > steady_clock::now())
        return h(of_account(known->judgement, account));
    auto const shared = std::make_shared<handler>(std::move(h));
    auto ask = [in = inside_, token, account, key, shared](std::shared_ptr<void>& state,
                                                           steady_time deadline) -> blocking_pool::finish {
        if (!state) state = std::make_shared<web_client>();
        auto const may_lack = account.empty() ? of_opaque_token : of_judged_token;
        auto answer = in->ask(*static_cast<web_client*>(state.get()), token, may_lack, deadline);
        in->note(answer ? nullptr : &answer.error());
        if (!answer) return [shared, e = std::move(answer).error()] { (*shared)(e); };
        in->remember(key, *answer);
        return [shared, j = of_account(answer->judgement, account)] { (*shared)(j); };
    };
    auto late = [in = inside_, shared] {
        auto const e = unavailable("the issuer did not answer in time");
        in->note(&e);
        (*shared)(e);
    };
    if (!pool_.submit({std::move(ask), std::move(late)}))
        (*shared)(error{{4, 7, 0}, "Too many log-ins at once", "too many tokens wait for the issuer's word"});
}

}  // namespace postern::directory
