// Access tokens for smart hosts: from a token endpoint (RFC 6749: refresh token, client
// credentials), kept in memory until shortly before they end. One thread of its own asks, one
// question at a time, so nobody fetches what another is just getting. When the endpoint gives a
// new refresh token, it is on disk before the access token is used, or kept in memory and written as soon
// as the disk takes it: the endpoint may have forgotten the old one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "delivery/smart_host.hpp"
#include "delivery/token_answer.hpp"
#include "directory/web_client.hpp"

namespace postern::delivery {

class token_desk {
public:
    using handler = std::function<void(result<secret>)>;

    /// `folder`: where refresh tokens are kept; made when there is one.
    explicit token_desk(std::filesystem::path folder);
    /// Questions that wait get an error.
    ~token_desk();
    token_desk(token_desk const&) = delete;
    token_desk& operator=(token_desk const&) = delete;

    /// The handler is called once, on the desk's thread.
    void ask(std::shared_ptr<identity const> who, handler then);
    /// The server did not take the token: the next one is fetched anew.
    void forget(identity const& who);

private:
    struct question {
        std::shared_ptr<identity const> who;
        handler then;
    };
    struct kept {
        secret token;
        steady_time good_until{};
        result<secret> failure{secret{}};  // told again for a short while
        steady_time failed_until{};
    };

    /// A refresh token that came in the place of the one in the file, whose digest is `origin`.
    struct unstored {
        std::shared_ptr<identity const> who;
        std::string origin;
        secret token;
    };

    void run();
    void store_again();
    result<secret> answer(std::shared_ptr<identity const> const& who);
    result<token_answer> fetch(std::shared_ptr<identity const> const& who);
    std::filesystem::path place_of(identity const& who) const;
    /// The one in the file, or the newer one that came in its place.
    result<secret> current_refresh_token(identity const& who) const;
    result<> keep_refresh_token(std::shared_ptr<identity const> const& who, secret const& fresh);
    result<> write(unstored const& u) const;

    std::filesystem::path folder_;
    directory::web_client web_;
    std::mutex mutex_;
    std::condition_variable work_;
    std::deque<question> questions_;
    std::map<std::string, kept> kept_;
    std::map<std::string, unstored> unstored_;  // for the thread
    std::atomic<bool> over_ = false;
    std::thread thread_;  // started by the first question
};

}  // namespace postern::delivery
