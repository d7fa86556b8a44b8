// Questions to the DNS, all of a round at once. Included by doctor/*.cpp only.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "config/settings.hpp"
#include "dns/resolver.hpp"
#include "escort/office.hpp"

namespace postern::doctor {

template <class Answer, class Ask>
dns::awaitable<void> keep(Ask ask, dns::resolver* names, Answer* out)
{
    Answer a = co_await ask(names);
    *out = std::move(a);
}

/// Questions under way; all are answered, or given up, when `wait` returns.
class round {
public:
    static std::unique_ptr<round> make(escort::resolver_maker const& make_resolver, std::string& problem)
    {
        std::unique_ptr<round> r{new round};
        auto names = make_resolver(r->context_.get_executor());
        if (!names) {
            problem = names.error().logged;
            return nullptr;
        }
        r->names_ = std::move(*names);
        return r;
    }

    void mx(std::string name, dns::mx_answer& out)
    {
        ask(out, [name = std::move(name)](dns::resolver* r) { return r->mx(name); });
    }
    void txt(std::string name, dns::txt_answer& out)
    {
        ask(out, [name = std::move(name)](dns::resolver* r) { return r->txt(name); });
    }
    void addresses(std::string name, dns::address_answer& out)
    {
        ask(out, [name = std::move(name)](dns::resolver* r) { return r->addresses(name); });
    }
    void tlsa(std::string name, dns::tlsa_answer& out)
    {
        ask(out, [name = std::move(name)](dns::resolver* r) { return r->tlsa(name); });
    }
    void srv(std::string name, dns::srv_answer& out)
    {
        ask(out, [name = std::move(name)](dns::resolver* r) { return r->srv(name); });
    }
    void caa(std::string name, dns::caa_answer& out)
    {
        ask(out, [name = std::move(name)](dns::resolver* r) { return r->caa(name); });
    }
    void names_of(ip_address address, dns::name_answer& out)
    {
        ask(out, [address](dns::resolver* r) { return r->names_of(address); });
    }

    /// Each question ends by itself, at the resolver's own limit at the latest.
    void wait()
    {
        context_.restart();
        while (left_ != 0 && context_.run_one() != 0) {
        }
    }
    /// Whatever was asked, nobody answered.
    bool is_silent() const noexcept { return answered_ == 0 && left_ == 0; }

private:
    round() = default;
    template <class Answer, class Ask>
    void ask(Answer& out, Ask what)
    {
        out.problem = "no answer in time";
        ++left_;
        boost::asio::co_spawn(context_, keep<Answer>(std::move(what), names_.get(), &out),
                              [this, &out](std::exception_ptr const&) {
                                  --left_;
                                  answered_ += out.what != dns::finding::temporary;
                              });
    }

    boost::asio::io_context context_{1};
    std::unique_ptr<dns::resolver> names_;  // goes before its context
    std::size_t left_ = 0, answered_ = 0;
};

inline dns::options options_for(config::settings const& s, std::chrono::seconds limit)
{
    auto o = escort::dns_options_of(s);
    o.limit = limit;
    return o;
}

}  // namespace postern::doctor
