#include "checks/waiting_names.hpp"

#include <algorithm>
#include <exception>

#include <pthread.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "base/log.hpp"
#include "base/text.hpp"

namespace postern::checks {

namespace asio = boost::asio;

namespace {

constexpr auto look_up_step = std::chrono::milliseconds{100};
constexpr std::size_t most_unknown = 20;

template <class Answer>
Answer no_answer()
{
    Answer none;
    none.problem = "no answer in time";
    return none;
}

template <class Answer, class Ask>
dns::awaitable<void> answer_to(Ask ask, dns::resolver* names, std::shared_ptr<std::promise<Answer>> told)
{
    auto a = no_answer<Answer>();
    try {
        a = co_await ask(names);
    } catch (std::exception const& e) {
        a.problem = e.what();
    }
    told->set_value(std::move(a));
}

// Strangers choose the names: what no zone could have is not asked for.
bool could_be(std::string const& name)
{
    if (name.empty() || name.size() > 253) return false;
    std::size_t label = 0;
    for (char const c : name) {
        if (c == '.') {
            if (label == 0) return false;
            label = 0;
        } else if (c <= ' ' || c > '~' || c == '\\' || ++label > 63) {
            return false;
        }
    }
    return true;
}

}  // namespace

result<std::unique_ptr<waiting_names>> waiting_names::make(dns::options const& o)
{
    std::unique_ptr<waiting_names> made{new waiting_names};
    auto names = dns::make_resolver(made->context_.get_executor(), o);
    if (!names) return std::move(names).error();
    made->names_ = std::move(*names);
    made->thread_ = std::thread{[all = made.get()] { all->run(); }};
    ::pthread_setname_np(made->thread_.native_handle(), "check-names");
    return made;
}

waiting_names::~waiting_names()
{
    stop();
    if (thread_.joinable()) thread_.join();
}

void waiting_names::stop()
{
    ending_ = true;
    context_.stop();
}

// What goes wrong with one question is not the end of the others.
void waiting_names::run()
{
    for (;;) {
        try {
            context_.run();
            return;
        } catch (std::exception const& e) {
            log::event(log::level::error, "dns_question_failed", {{"error", e.what()}});
        }
    }
}

template <class Answer, class Ask>
std::future<Answer> waiting_names::begin(Ask ask)
{
    auto told = std::make_shared<std::promise<Answer>>();
    auto answer = told->get_future();
    asio::post(context_, [this, ask = std::move(ask), told] {
        asio::co_spawn(context_, answer_to<Answer>(ask, names_.get(), told), asio::detached);
    });
    return answer;
}

template <class Answer>
Answer waiting_names::wait(std::future<Answer>& answer, steady_time until)
{
    for (;;) {
        auto const now = steady_clock::now();
        auto const step = std::clamp<steady_clock::duration>(until - now, {}, look_up_step);
        if (answer.wait_for(step) == std::future_status::ready) {
            try {
                return answer.get();
            } catch (std::future_error const&) {
                break;  // nobody is left who could answer
            }
        }
        if (ending_ || now >= until) break;
    }
    return no_answer<Answer>();
}

std::future<dns::txt_answer> waiting_names::begin_txt(std::string name)
{
    return begin<dns::txt_answer>([name = std::move(name)](dns::resolver* r) { return r->txt(name); });
}

dns::txt_answer waiting_names::wait_for(std::future<dns::txt_answer>& answer, steady_time until)
{
    return wait(answer, until);
}

dns::txt_answer waiting_names::txt(std::string name, steady_time until)
{
    auto answer = begin_txt(std::move(name));
    return wait(answer, until);
}

dns::mx_answer waiting_names::mx(std::string name, steady_time until)
{
    auto answer = begin<dns::mx_answer>([name = std::move(name)](dns::resolver* r) { return r->mx(name); });
    return wait(answer, until);
}

dns::address_answer waiting_names::addresses(std::string name, steady_time until)
{
    auto answer = begin<dns::address_answer>([name = std::move(name)](dns::resolver* r) { return r->addresses(name); });
    return wait(answer, until);
}

dns::name_answer waiting_names::names_of(ip_address const& address, steady_time until)
{
    auto answer = begin<dns::name_answer>([address](dns::resolver* r) { return r->names_of(address); });
    return wait(answer, until);
}

bool inquiry::may_ask()
{
    if (left_ == 0 || steady_clock::now() >= until_) return false;
    --left_;
    return true;
}

void inquiry::prepare_txt(std::string const& name)
{
    auto key = to_lower(name);
    if (!could_be(name) || prepared_.contains(key) || !may_ask()) return;
    prepared_.emplace(std::move(key), early{names_.begin_txt(name), std::nullopt});
}

template <class Answer, class Ask>
Answer inquiry::asked(std::string const& name, Ask ask)
{
    auto a = no_answer<Answer>();
    if (!could_be(name)) {
        a.what = dns::finding::no_such_name;
        return a;
    }
    return noted(may_ask() ? ask() : std::move(a), name);
}

template <class Answer>
Answer inquiry::noted(Answer a, std::string const& name)
{
    bool const none = a.what == dns::finding::temporary || a.what == dns::finding::bogus;
    if (none && unknown_.size() < most_unknown) unknown_.push_back(printable(name, 255));
    return a;
}

dns::txt_answer inquiry::txt(std::string const& name)
{
    auto const prepared = prepared_.find(to_lower(name));
    if (prepared == prepared_.end()) return asked<dns::txt_answer>(name, [&] { return names_.txt(name, until_); });
    auto& p = prepared->second;
    // What has come counts, however late it is by now.
    if (!p.known) p.known = noted(names_.wait_for(p.answer, until_), name);
    return *p.known;
}

dns::mx_answer inquiry::mx(std::string const& name)
{
    return asked<dns::mx_answer>(name, [&] { return names_.mx(name, until_); });
}

dns::address_answer inquiry::addresses(std::string const& name)
{
    return asked<dns::address_answer>(name, [&] { return names_.addresses(name, until_); });
}

dns::name_answer inquiry::names_of(ip_address const& address)
{
    return noted(may_ask() ? names_.names_of(address, until_) : no_answer<dns::name_answer>(), address.to_string());
}

}  // namespace postern::checks
