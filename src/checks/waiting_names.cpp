#include "checks/waiting_names.hpp"

#include <algorithm>

#include <pthread.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "base/text.hpp"

namespace postern::checks {

namespace asio = boost::asio;

namespace {

constexpr auto look_up_step = std::chrono::milliseconds{100};
constexpr std::size_t most_unknown = 20;

template <class Answer, class Ask>
dns::awaitable<void> answer_to(Ask ask, dns::resolver* names, std::shared_ptr<std::promise<Answer>> told)
{
    Answer a = co_await ask(names);
    told->set_value(std::move(a));
}

}  // namespace

result<std::unique_ptr<waiting_names>> waiting_names::make(dns::options const& o)
{
    std::unique_ptr<waiting_names> made{new waiting_names};
    auto names = dns::make_resolver(made->context_.get_executor(), o);
    if (!names) return std::move(names).error();
    made->names_ = std::move(*names);
    made->thread_ = std::thread{[all = made.get()] { all->context_.run(); }};
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

template <class Answer, class Ask>
Answer waiting_names::wait(Ask ask, steady_time until)
{
    auto told = std::make_shared<std::promise<Answer>>();
    auto answer = told->get_future();
    asio::post(context_, [this, ask = std::move(ask), told] {
        asio::co_spawn(context_, answer_to<Answer>(ask, names_.get(), told), asio::detached);
    });
    while (!ending_) {
        auto const now = steady_clock::now();
        if (now >= until) break;
        auto const step = std::min<steady_clock::duration>(until - now, look_up_step);
        if (answer.wait_for(step) == std::future_status::ready) return answer.get();
    }
    Answer none;
    none.problem = "no answer in time";
    return none;
}

dns::txt_answer waiting_names::txt(std::string name, steady_time until)
{
    return wait<dns::txt_answer>([name = std::move(name)](dns::resolver* r) { return r->txt(name); }, until);
}

dns::mx_answer waiting_names::mx(std::string name, steady_time until)
{
    return wait<dns::mx_answer>([name = std::move(name)](dns::resolver* r) { return r->mx(name); }, until);
}

dns::address_answer waiting_names::addresses(std::string name, steady_time until)
{
    return wait<dns::address_answer>([name = std::move(name)](dns::resolver* r) { return r->addresses(name); }, until);
}

// Strangers choose the names: what no zone could have is not asked for.
bool inquiry::may_ask(std::string const& name)
{
    if (left_ == 0 || late()) return false;
    --left_;
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

template <class Answer>
Answer inquiry::noted(Answer a, std::string const& name)
{
    bool const none = a.what == dns::finding::temporary || a.what == dns::finding::bogus;
    if (none && unknown_.size() < most_unknown) unknown_.push_back(printable(name, 255));
    return a;
}

namespace {

template <class Answer>
Answer no_such_name(bool late)
{
    Answer a;
    a.what = late ? dns::finding::temporary : dns::finding::no_such_name;
    return a;
}

}  // namespace

dns::txt_answer inquiry::txt(std::string const& name)
{
    if (!may_ask(name)) return noted(no_such_name<dns::txt_answer>(left_ == 0 || late()), name);
    return noted(names_.txt(name, until_), name);
}

dns::mx_answer inquiry::mx(std::string const& name)
{
    if (!may_ask(name)) return noted(no_such_name<dns::mx_answer>(left_ == 0 || late()), name);
    return noted(names_.mx(name, until_), name);
}

dns::address_answer inquiry::addresses(std::string const& name)
{
    if (!may_ask(name)) return noted(no_such_name<dns::address_answer>(left_ == 0 || late()), name);
    return noted(names_.addresses(name, until_), name);
}

}  // namespace postern::checks
