// The resolver on libunbound: judges its answers, and decides what is believed while DNSSEC
// can't be had.
#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/reverse_name.hpp"
#include "base/text.hpp"
#include "dns/resolver.hpp"
#include "dns/unbound_context.hpp"
#include "dns/wire.hpp"

namespace postern::dns {

namespace {

namespace asio = boost::asio;

constexpr int rcode_noerror = 0, rcode_nxdomain = 3;
// How long name servers that hand on no signatures are not tried again with validation.
constexpr std::chrono::minutes look_again{10};

struct raw_answer {
    finding what = finding::temporary;
    std::vector<std::string_view> data;
    bool secure = false;
    std::string problem;
    std::string canonical;  // where CNAMEs led to, lower-case
};

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
    if (r->canonname != nullptr && !equal_ignoring_case(r->canonname, name + '.') &&
        !equal_ignoring_case(r->canonname, name)) {
        a.canonical = to_lower(r->canonname);
        if (a.canonical.ends_with('.')) a.canonical.pop_back();
    }
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

/// An answer of records of one kind, as far as they can be read.
template <class Answer, class Parse, class Records>
Answer read_as(question const& q, std::string const& name, int type, Parse parse, Records Answer::*records)
{
    auto const raw = judge(q, name, type);
    Answer answer;
    answer.what = raw.what;
    answer.secure = raw.secure;
    answer.problem = raw.problem;
    for (auto data : raw.data)
        if (auto record = parse(data)) (answer.*records).push_back(std::move(*record));
    return answer;
}

class unbound_resolver final : public resolver {
public:
    unbound_resolver(asio::any_io_executor const& executor, options o, std::unique_ptr<unbound_context> context)
        : executor_(executor), options_(std::move(o)), context_(std::move(context))
    {
        if (options_.trust_anchor.empty()) plain_until_ = steady_time::max();
    }

    ~unbound_resolver() override { *alive_ = false; }

    awaitable<mx_answer> mx(std::string domain) override
    {
        auto const found = co_await ask(domain, type_mx);
        auto answer = read_as<mx_answer>(*found.q, domain, type_mx, parse_mx, &mx_answer::records);
        if (answer.what == finding::found && answer.records.empty()) {
            answer.what = finding::temporary;
            answer.problem = "no usable record among the MX of " + domain;
        }
        std::ranges::stable_sort(answer.records, {}, &mx_record::preference);
        co_return answer;
    }

    awaitable<address_answer> addresses(std::string name) override
    {
        if (auto known = answer_without_question(name)) co_return std::move(*known);
        // Both at once; each has its own deadline.
        auto const alive = alive_;
        auto* const from = source();
        auto q6 = from->ask(name, type_aaaa);
        auto q4 = from->ask(name, type_a);
        co_await from->wait(q6);
        if (!*alive) co_return address_answer{};
        co_await from->wait(q4);
        if (!*alive) co_return address_answer{};
        asked const came6{q6}, came4{q4};
        auto const found6 = co_await believe(came6, name, type_aaaa);
        if (!*alive) co_return address_answer{};
        auto const found4 = co_await believe(came4, name, type_a);
        auto const six = judge(*found6.q, name, type_aaaa);
        auto const four = judge(*found4.q, name, type_a);
        address_answer answer;
        for (auto data : six.data) {
            if (auto a = parse_aaaa(data)) answer.v6.push_back(*a);
        }
        for (auto data : four.data) {
            if (auto a = parse_a(data)) answer.v4.push_back(*a);
        }
        // That one family's answer got lost must not make the other one's any less secure.
        answer.secure = (answer.v6.empty() || six.secure) && (answer.v4.empty() || four.secure);
        answer.canonical = four.canonical.empty() ? six.canonical : four.canonical;
        if (!answer.v6.empty() || !answer.v4.empty()) {
            answer.what = finding::found;
            if (!answer.canonical.empty() && !answer.secure && *alive && plain_until_ < steady_clock::now()) {
                auto const alias = co_await ask(name, type_cname);
                answer.alias_secure = judge(*alias.q, name, type_cname).secure;
            }
            co_return answer;
        }
        // One family's failure hides what might be there; only two clear answers are a "no".
        raw_answer const* worst = &four;
        if (four.what == finding::no_such_name || four.what == finding::no_data) worst = &six;
        answer.what = worst->what == finding::found ? finding::no_data : worst->what;
        answer.problem = worst->problem;
        answer.secure = false;
        co_return answer;
    }

    awaitable<txt_answer> txt(std::string name) override
    {
        auto const found = co_await ask(name, type_txt);
        auto answer = read_as<txt_answer>(*found.q, name, type_txt, parse_txt, &txt_answer::records);
        if (found.q->answer) answer.lasts = std::chrono::seconds{std::max(0, found.q->answer->ttl)};
        co_return answer;
    }

    awaitable<tlsa_answer> tlsa(std::string name) override
    {
        auto const found = co_await ask(name, type_tlsa);
        co_return read_as<tlsa_answer>(*found.q, name, type_tlsa, parse_tlsa, &tlsa_answer::records);
    }

    awaitable<srv_answer> srv(std::string name) override
    {
        auto const found = co_await ask(name, type_srv);
        co_return read_as<srv_answer>(*found.q, name, type_srv, parse_srv, &srv_answer::records);
    }

    awaitable<caa_answer> caa(std::string name) override
    {
        auto const found = co_await ask(name, type_caa);
        co_return read_as<caa_answer>(*found.q, name, type_caa, parse_caa, &caa_answer::records);
    }

    awaitable<name_answer> names_of(ip_address address) override
    {
        auto const name = reverse_name(address);
        auto const found = co_await ask(name, type_ptr);
        co_return read_as<name_answer>(*found.q, name, type_ptr, parse_name, &name_answer::names);
    }

private:
    struct asked {
        std::shared_ptr<question> q;
    };

    // Whom to ask at the moment.
    unbound_context* source() { return plain_ && steady_clock::now() < plain_until_ ? plain_.get() : context_.get(); }

    awaitable<asked> ask(std::string name, int type)
    {
        auto const alive = alive_;
        auto* const from = source();
        asked a{from->ask(name, type)};
        co_await from->wait(a.q);
        if (!*alive) co_return a;
        auto const believed = co_await believe(a, name, type);
        co_return believed;
    }

    // What does not hold is asked for once more without validation, if nothing ever held.
    awaitable<asked> believe(asked a, std::string name, int type)
    {
        auto const* const r = a.q->answer.get();
        if (r == nullptr) co_return a;
        if (r->secure != 0) held_ = true;
        if (r->bogus == 0) co_return a;
        if (!options_.tolerant || held_) co_return loud(a, name, type);
        auto const alive = alive_;
        if (steady_clock::now() >= plain_until_) {
            auto const root = context_->ask({}, type_dnskey);
            co_await context_->wait(root);
            if (!*alive) co_return a;
            held_ = held_ || (root->answer && root->answer->secure != 0);
            if (held_ || !go_plain()) co_return loud(a, name, type);
        }
        auto* const from = plain_.get();
        asked again{from->ask(name, type)};
        co_await from->wait(again.q);
        co_return again;
    }

    static asked loud(asked a, std::string const& name, int type)
    {
        char const* const why = a.q->answer->why_bogus;
        log::event(log::level::error, "dnssec_bogus",
                   {{"name", name},
                    {"type", type_name(type)},
                    {"problem", printable(why != nullptr ? why : "", 300)},
                    {"text", "the answer is not used: somebody forges it, or the domain's DNSSEC is broken"}});
        return a;
    }

    bool go_plain()
    {
        if (!plain_) {
            auto made = unbound_context::make(executor_, options_, false);
            if (!made) return false;
            plain_ = std::move(*made);
            log::event(log::level::warning, "dnssec_unavailable",
                       {{"text",
                         "the name servers hand on no DNSSEC signatures, so answers are not validated and DANE is off: "
                         "name validating servers in dns.servers, or set dns.trust_anchor to \"none\""}});
        }
        plain_until_ = steady_clock::now() + look_again;
        return true;
    }

    asio::any_io_executor executor_;
    options options_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::unique_ptr<unbound_context> context_;
    std::unique_ptr<unbound_context> plain_;  // without DNSSEC; made when it is needed
    steady_time plain_until_{};
    bool held_ = false;  // an answer was found to hold: DNSSEC works here
};

}  // namespace

result<std::unique_ptr<resolver>> make_resolver(asio::any_io_executor const& executor, options const& o)
{
    auto context = unbound_context::make(executor, o, !o.trust_anchor.empty());
    if (!context) return context.error();
    std::unique_ptr<resolver> r = std::make_unique<unbound_resolver>(executor, o, std::move(*context));
    return r;
}

}  // namespace postern::dns
