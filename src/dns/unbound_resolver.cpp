#include <algorithm>
#include <functional>
#include <optional>
#include <string_view>

#include <unbound.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dns/resolver.hpp"
#include "dns/wire.hpp"

namespace postern::dns {

namespace {

namespace asio = boost::asio;

constexpr int type_a = 1, type_mx = 15, type_txt = 16, type_aaaa = 28, class_in = 1;
constexpr int rcode_noerror = 0, rcode_nxdomain = 3;

struct context_deleter {
    void operator()(ub_ctx* c) const noexcept { ub_ctx_delete(c); }
};
struct result_deleter {
    void operator()(ub_result* r) const noexcept { ub_resolve_free(r); }
};
using result_ptr = std::unique_ptr<ub_result, result_deleter>;

// One question under way. The asking coroutine waits on `wake`, which the answer cancels.
struct question {
    question(asio::any_io_executor const& executor, std::chrono::seconds limit) : wake(executor, limit) {}
    asio::steady_timer wake;
    bool answered = false;
    int error = 0;
    result_ptr answer;
};

void on_answer(void* data, int error, ub_result* answer)
{
    auto* q = static_cast<question*>(data);
    q->answered = true;
    q->error = error;
    q->answer.reset(answer);
    q->wake.cancel();
}

struct raw_answer {
    finding what = finding::temporary;
    std::vector<std::string_view> data;
    bool secure = false;
    std::string problem;
};

char const* type_name(int type)
{
    switch (type) {
        case type_mx: return "MX";
        case type_a: return "A";
        case type_txt: return "TXT";
        default: return "AAAA";
    }
}

raw_answer judge(question const& q, std::string const& name, int type)
{
    raw_answer a;
    std::string const about = std::string{" for "} + type_name(type) + " of " + name;
    if (!q.answered) {
        a.problem = "no answer in time" + about;
        return a;
    }
    ub_result const* r = q.answer.get();
    if (q.error != 0 || r == nullptr) {
        a.problem = std::string{ub_strerror(q.error)} + about;
        return a;
    }
    if (r->bogus) {
        a.what = finding::bogus;
        a.problem = "DNSSEC validation failed" + about + (r->why_bogus ? std::string{": "} + r->why_bogus : "");
        return a;
    }
    a.secure = r->secure != 0;
    if (r->nxdomain || r->rcode == rcode_nxdomain) {
        a.what = finding::no_such_name;
        a.problem = "no such name" + about;
        return a;
    }
    if (r->rcode != rcode_noerror) {
        a.problem = "the name server answered with code " + std::to_string(r->rcode) + about;
        return a;
    }
    if (!r->havedata) {
        a.what = finding::no_data;
        a.problem = "no data" + about;
        return a;
    }
    for (std::size_t i = 0; r->data[i] != nullptr && i < most_records; ++i) {
        if (r->len[i] < 0) continue;
        a.data.emplace_back(r->data[i], static_cast<std::size_t>(r->len[i]));
    }
    a.what = finding::found;
    return a;
}

class unbound_resolver final : public resolver {
public:
    unbound_resolver(asio::any_io_executor const& executor, std::unique_ptr<ub_ctx, context_deleter> context,
                     std::chrono::seconds limit)
        : executor_(executor), limit_(limit), context_(std::move(context)), answers_(executor, ub_fd(context_.get()))
    {
        wait_for_answers();
    }

    ~unbound_resolver() override
    {
        *alive_ = false;
        answers_.release();  // the descriptor is the library's
    }

    awaitable<mx_answer> mx(std::string domain) override
    {
        auto q = ask(domain, type_mx);
        co_await wait(q);
        raw_answer const raw = judge(*q, domain, type_mx);
        mx_answer answer{raw.what, {}, raw.secure, raw.problem};
        for (auto data : raw.data) {
            if (auto record = parse_mx(data)) answer.records.push_back(std::move(*record));
        }
        if (answer.what == finding::found && answer.records.empty()) {
            answer.what = finding::temporary;
            answer.problem = "no usable record among the MX of " + domain;
        }
        co_return answer;
    }

    awaitable<address_answer> addresses(std::string name) override
    {
        if (auto known = answer_without_question(name)) co_return std::move(*known);
        // Both at once; each has its own deadline.
        auto q6 = ask(name, type_aaaa);
        auto q4 = ask(name, type_a);
        co_await wait(q6);
        co_await wait(q4);
        raw_answer const six = judge(*q6, name, type_aaaa);
        raw_answer const four = judge(*q4, name, type_a);
        address_answer answer;
        for (auto data : six.data) {
            if (auto a = parse_aaaa(data)) answer.v6.push_back(*a);
        }
        for (auto data : four.data) {
            if (auto a = parse_a(data)) answer.v4.push_back(*a);
        }
        answer.secure = six.secure && four.secure;
        if (!answer.v6.empty() || !answer.v4.empty()) {
            answer.what = finding::found;
            co_return answer;
        }
        // One family's failure hides what might be there; only two clear answers are a "no".
        raw_answer const* worst = &four;
        if (four.what == finding::no_such_name || four.what == finding::no_data) worst = &six;
        answer.what = worst->what == finding::found ? finding::no_data : worst->what;
        answer.problem = worst->problem;
        co_return answer;
    }

    awaitable<txt_answer> txt(std::string name) override
    {
        auto q = ask(name, type_txt);
        co_await wait(q);
        raw_answer const raw = judge(*q, name, type_txt);
        txt_answer answer{raw.what, {}, raw.secure, raw.problem};
        for (auto data : raw.data) {
            if (auto text = parse_txt(data)) answer.records.push_back(std::move(*text));
        }
        co_return answer;
    }

private:
    std::shared_ptr<question> ask(std::string const& name, int type)
    {
        auto q = std::make_shared<question>(executor_, limit_);
        int id = 0;
        // A final dot: no search list is ever applied to it.
        if (int const error =
                ub_resolve_async(context_.get(), (name + '.').c_str(), type, class_in, q.get(), on_answer, &id);
            error != 0) {
            q->answered = true;
            q->error = error;
            return q;
        }
        ids_.push_back({q, id});
        return q;
    }

    awaitable<void> wait(std::shared_ptr<question> q)
    {
        auto const alive = alive_;
        if (!q->answered) {
            boost::system::error_code ignored;
            co_await q->wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        if (!*alive) co_return;
        auto const mine = std::find_if(ids_.begin(), ids_.end(), [&](auto const& e) { return e.what == q; });
        if (mine != ids_.end()) {
            if (!q->answered) ub_cancel(context_.get(), mine->id);
            ids_.erase(mine);
        }
    }

    void wait_for_answers()
    {
        answers_.async_wait(asio::posix::stream_descriptor::wait_read,
                            [this, alive = alive_](boost::system::error_code const& error) {
                                if (!*alive || error) return;
                                ub_process(context_.get());
                                wait_for_answers();
                            });
    }

    struct entry {
        std::shared_ptr<question> what;  // kept alive for on_answer()
        int id;
    };

    asio::any_io_executor executor_;
    std::chrono::seconds limit_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::vector<entry> ids_;
    std::unique_ptr<ub_ctx, context_deleter> context_;
    asio::posix::stream_descriptor answers_;
};

error unusable(std::string what) { return {{4, 4, 3}, "Names can't be looked up", std::move(what)}; }

}  // namespace

result<std::unique_ptr<resolver>> make_resolver(asio::any_io_executor const& executor, options const& o)
{
    std::unique_ptr<ub_ctx, context_deleter> context{ub_ctx_create()};
    if (!context) return unusable("libunbound can't be started");
    // It would write to standard error, past our log.
    ub_ctx_debugout(context.get(), nullptr);
    // A thread of the library's own does the work; it hands answers over through a pipe.
    if (int const e = ub_ctx_async(context.get(), 1); e != 0) return unusable(ub_strerror(e));
    // A name server on this machine (systemd-resolved, a local cache) is as good as any.
    if (int const e = ub_ctx_set_option(context.get(), "do-not-query-localhost:", "no"); e != 0) {
        return unusable(ub_strerror(e));
    }
    for (endpoint const& server : o.servers) {
        std::string const text = server.address.to_string() + '@' + std::to_string(server.port);
        if (int const e = ub_ctx_set_fwd(context.get(), text.c_str()); e != 0) {
            return unusable(text + ": " + ub_strerror(e));
        }
    }
    // No file: the root servers are asked.
    std::error_code none;
    if (o.servers.empty() && !o.resolv_conf.empty() && std::filesystem::exists(o.resolv_conf, none)) {
        if (int const e = ub_ctx_resolvconf(context.get(), o.resolv_conf.c_str()); e != 0) {
            return unusable(o.resolv_conf.string() + ": " + ub_strerror(e));
        }
    }
    if (!o.hosts.empty() && std::filesystem::exists(o.hosts, none)) {
        if (int const e = ub_ctx_hosts(context.get(), o.hosts.c_str()); e != 0) {
            return unusable(o.hosts.string() + ": " + ub_strerror(e));
        }
    }
    if (!o.trust_anchor.empty()) {
        if (int const e = ub_ctx_add_ta_file(context.get(), o.trust_anchor.c_str()); e != 0) {
            return unusable(o.trust_anchor.string() + ": " + ub_strerror(e));
        }
    }
    if (ub_fd(context.get()) < 0) return unusable("libunbound gives no descriptor");
    std::unique_ptr<resolver> r = std::make_unique<unbound_resolver>(executor, std::move(context), o.limit);
    return r;
}

}  // namespace postern::dns
