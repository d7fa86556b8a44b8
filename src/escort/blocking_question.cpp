#include "escort/blocking_question.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace postern::escort {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds look_up_from_work{100};

template <class Answer>
using question = dns::awaitable<Answer> (dns::resolver::*)(std::string);

template <class Answer>
dns::awaitable<void> keep(dns::resolver* names, question<Answer> what, std::string name, Answer* out)
{
    *out = co_await (names->*what)(std::move(name));
}

template <class Answer>
Answer ask(resolver_maker const& make_resolver, question<Answer> what, std::string const& name,
           std::atomic<bool> const& stop)
{
    asio::io_context context{1};
    Answer answer;
    auto names = make_resolver(context.get_executor());
    if (!names) {
        answer.problem = names.error().logged;
        return answer;
    }
    bool over = false;
    asio::co_spawn(context, keep(names->get(), what, name, &answer),
                   [&over](std::exception_ptr const&) { over = true; });
    while (!over && !stop) context.run_one_for(look_up_from_work);
    // Before its context.
    names->reset();
    return answer;
}

}  // namespace

dns::txt_answer ask_for_texts(resolver_maker const& make_resolver, std::string const& name,
                              std::atomic<bool> const& stop)
{
    return ask<dns::txt_answer>(make_resolver, &dns::resolver::txt, name, stop);
}

dns::address_answer ask_for_addresses(resolver_maker const& make_resolver, std::string const& name,
                                      std::atomic<bool> const& stop)
{
    return ask<dns::address_answer>(make_resolver, &dns::resolver::addresses, name, stop);
}

dns::tlsa_answer ask_for_tlsa(resolver_maker const& make_resolver, std::string const& name,
                              std::atomic<bool> const& stop)
{
    return ask<dns::tlsa_answer>(make_resolver, &dns::resolver::tlsa, name, stop);
}

}  // namespace postern::escort
