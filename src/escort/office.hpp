// All about the security of mail to other servers that lives longer than a connection: domains'
// policies, the count of how it went, and the daily reports to those who ask for them.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "config/settings.hpp"
#include "escort/database.hpp"
#include "escort/report.hpp"
#include "escort/sessions.hpp"
#include "escort/sts_cache.hpp"
#include "signing/signer.hpp"
#include "spool/spool.hpp"

namespace postern::escort {

struct office_options {
    std::filesystem::path folder;
    std::filesystem::path authorities;
    resolver_maker make_resolver;
    policy_source source;  // empty: the web
    std::function<wall_time()> now = wall_clock::now;
    std::chrono::milliseconds store_every{2000}, look_every{60'000};
};

/// Whom the settings want to be asked, with DNSSEC.
dns::options dns_options_of(config::settings const& s);
/// The same as a resolver.
resolver_maker resolver_of(config::settings const& s);

class office {
public:
    /// Errors: transport.db can't be had.
    static result<std::unique_ptr<office>> open(office_options o, config::settings const& s, spool::spool& queue,
                                                signing::signer& signer);
    ~office();
    office(office const&) = delete;
    office& operator=(office const&) = delete;

    sts_cache& policies() noexcept { return *policies_; }
    session_book& sessions() noexcept { return book_; }
    void reload(config::settings const& s);
    void stop();

    /// What was counted and not yet reported, as of now.
    result<std::vector<day_summary>> days();
    result<std::string> report(std::int64_t day, std::string const& domain);

    /// What became of a report.
    struct dispatch {
        std::int64_t day = 0;
        std::string domain;
        std::vector<std::string> places;  // that it went to
        bool wanted = true;               // the domain asks for reports
        std::string problem;              // it is tried again
    };
    /// Sends what is there of days that are over, and with `today` of this one. Takes its time.
    result<std::vector<dispatch>> send_now(bool today);

private:
    office(office_options o, config::settings const& s, spool::spool& queue, signing::signer& signer,
           std::unique_ptr<database> kept);
    void work();
    void store_sessions();
    void send_due();
    dispatch send(std::int64_t day, std::string const& domain);
    std::string hand_over(report_facts const& f, std::string const& zipped, mail::mailbox const& to);
    std::string post(std::string const& url, std::string const& zipped);
    report_facts facts_of(std::int64_t day, std::string const& domain) const;

    office_options options_;
    spool::spool& queue_;
    signing::signer& signer_;
    std::unique_ptr<database> kept_;
    std::unique_ptr<sts_cache> policies_;
    session_book book_;

    mutable std::mutex lock_;  // of the settings and of the end
    std::condition_variable wake_;
    config::settings settings_;
    std::atomic<bool> stopping_ = false;
    std::mutex sending_;
    std::map<std::pair<std::int64_t, std::string>, wall_time> not_before_;
    std::thread thread_;
};

}  // namespace postern::escort
