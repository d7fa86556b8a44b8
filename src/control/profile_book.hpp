// Links to configuration profiles: each is good once, and for some minutes. In memory only, bounded; what is kept is a
// digest, so that nobody who reads this memory has a link. Safe from any thread.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace postern::control {

class profile_book {
public:
    static constexpr std::chrono::minutes life{10};
    static constexpr std::size_t most = 1000, most_of_account = 5;

    struct order {
        std::string address;        // the account
        std::string label;          // of the app password: "iPhone"
        std::string user_name;      // beside the address in mails; may be empty
        bool with_password = true;  // an app password is made when the link is opened, and is in the profile
        wall_time password_set{};   // the account's own: with another one the link is void
    };
    /// The link's secret part. Of one account's links the oldest goes when there are too many, and of all likewise.
    std::string issue(order o, steady_time now);
    /// What take() would give now.
    std::optional<order> find(std::string_view token, steady_time now);
    /// It is gone with that. Nothing: never there, opened before, or too old.
    std::optional<order> take(std::string_view token, steady_time now);
    /// All links of the account are void.
    void forget(std::string_view address);

private:
    struct entry {
        std::string digest;
        order what;
        steady_time ends;
    };
    std::vector<entry>::iterator place_of(std::string_view token, steady_time now);

    std::mutex lock_;
    std::vector<entry> entries_;  // oldest first
};

}  // namespace postern::control
