// The resolver for threads that may wait: libraries that check mail ask as if the DNS were a
// function. One thread asks for all of them.
#pragma once

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "base/clock.hpp"
#include "dns/resolver.hpp"

namespace postern::checks {

class waiting_names {
public:
    static result<std::unique_ptr<waiting_names>> make(dns::options const& o);
    ~waiting_names();
    waiting_names(waiting_names const&) = delete;
    waiting_names& operator=(waiting_names const&) = delete;

    // From any thread. What is not known in time counts as an answer that nobody gave.
    dns::txt_answer txt(std::string name, steady_time until);
    dns::mx_answer mx(std::string name, steady_time until);
    dns::address_answer addresses(std::string name, steady_time until);

    /// Whoever waits, waits no more.
    void stop();

private:
    waiting_names() = default;
    template <class Answer, class Ask>
    Answer wait(Ask ask, steady_time until);

    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
    std::unique_ptr<dns::resolver> names_;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

/// The questions of one message: bounded in time and number.
class inquiry {
public:
    inquiry(waiting_names& names, steady_time until) : names_(names), until_(until) {}

    dns::txt_answer txt(std::string const& name);
    dns::mx_answer mx(std::string const& name);
    dns::address_answer addresses(std::string const& name);

    bool late() const { return steady_clock::now() >= until_; }
    /// About which nobody gave an answer.
    std::vector<std::string> const& unknown() const noexcept { return unknown_; }

private:
    bool may_ask(std::string const& name);
    template <class Answer>
    Answer noted(Answer a, std::string const& name);

    waiting_names& names_;
    steady_time until_;
    unsigned left_ = 150;
    std::vector<std::string> unknown_;
};

}  // namespace postern::checks
