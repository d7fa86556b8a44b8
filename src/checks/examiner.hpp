// Checks strangers' mail with SPF, DKIM and DMARC, on threads of its own: what it needs to know it
// waits for. The threads are shared among the clients' networks, so that who sends mail of slow domains
// waits for himself. When many wait, a message is not checked; nobody gets past the checks by that.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/ip.hpp"
#include "checks/fair_line.hpp"
#include "checks/waiting_names.hpp"
#include "filters/draft.hpp"
#include "mail/authentication.hpp"

namespace postern::checks {

struct examination {
    std::string queue_id;
    ip_address client;
    std::string helo;
    mail::path sender;
    std::vector<mail::author> authors;  // of the From field; `local` is filled in
    std::shared_ptr<filters::draft const> message;
    std::chrono::milliseconds limit{};
};

class examiner {
public:
    using handler = std::function<void(mail::findings)>;

    static result<std::unique_ptr<examiner>> make(dns::options const& o, unsigned threads);
    ~examiner();
    examiner(examiner const&) = delete;
    examiner& operator=(examiner const&) = delete;

    /// Calls the handler once, on a thread of its own or, when it can't be checked, at once.
    void examine(examination what, handler told);
    /// What is under way ends soon, with what is known by then.
    void stop();

private:
    struct task {
        examination what;
        handler told;
        steady_time until;
    };

    examiner(std::unique_ptr<waiting_names> names, unsigned threads);
    void work();

    std::unique_ptr<waiting_names> names_;
    std::mutex lock_;
    std::condition_variable wake_;
    fair_line<ip_address, task> tasks_;  // by the client's network
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace postern::checks
