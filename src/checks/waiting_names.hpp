// The resolver for threads that may wait: libraries that check mail ask as if the DNS were a
// function. One thread asks for all of them.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <optional>
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
    /// Asks, and goes on at once; wait_for() has the answer.
    std::future<dns::txt_answer> begin_txt(std::string name);
    dns::txt_answer wait_for(std::future<dns::txt_answer>& answer, steady_time until);
    dns::mx_answer mx(std::string name, steady_time until);
    dns::address_answer addresses(std::string name, steady_time until);
    dns::name_answer names_of(ip_address const& address, steady_time until);

    /// Whoever waits, waits no more.
    void stop();

private:
    waiting_names() = default;
    template <class Answer, class Ask>
    std::future<Answer> begin(Ask ask);
    template <class Answer>
    Answer wait(std::future<Answer>& answer, steady_time until);
    void run();

    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
    std::unique_ptr<dns::resolver> names_;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

/// The questions of one message: bounded in time and number.
class inquiry {
public:
    inquiry(waiting_names& names, steady_time until) : names_(names), until_(until), last_(until) {}

    /// What will be asked for later is asked for now, so that it doesn't wait for others' slow names.
    void prepare_txt(std::string const& name);
    /// For the questions that follow there is less time than for the message; nothing: all of it.
    void limit_to(std::optional<steady_time> until) { until_ = until ? std::min(*until, last_) : last_; }

    dns::txt_answer txt(std::string const& name);
    dns::mx_answer mx(std::string const& name);
    dns::address_answer addresses(std::string const& name);
    dns::name_answer names_of(ip_address const& address);

    bool late() const { return steady_clock::now() >= last_; }
    /// About which nobody gave an answer.
    std::vector<std::string> const& unknown() const noexcept { return unknown_; }

private:
    bool may_ask();
    template <class Answer, class Ask>
    Answer asked(std::string const& name, Ask ask);
    template <class Answer>
    Answer noted(Answer a, std::string const& name);

    struct early {
        std::future<dns::txt_answer> answer;
        std::optional<dns::txt_answer> known;
    };

    waiting_names& names_;
    steady_time until_, last_;
    unsigned left_ = 150;
    std::map<std::string, early> prepared_;  // by name, lower-case
    std::vector<std::string> unknown_;
};

}  // namespace postern::checks
