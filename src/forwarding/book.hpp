// Which addresses' mail goes on to other addresses, and what the sender of such mail becomes (SRS).
// Kept in two files of data_dir, `forwards` and `srs.keys`, and in memory. Safe from any thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "mail/address.hpp"
#include "mail/srs.hpp"

namespace postern::forwarding {

struct forward {
    mail::mailbox address;
    bool keep = false;                   // the address's own mailbox gets the mail too
    std::vector<mail::mailbox> targets;  // at least one
};

class book {
public:
    /// Errors: the files can't be read or are no such files.
    static result<std::unique_ptr<book>> open(std::filesystem::path const& folder, wall_time now);

    /// Where mail for this very address goes on to; null: nowhere.
    std::shared_ptr<forward const> find(mail::mailbox const& address) const;
    std::map<std::string, std::shared_ptr<forward const>> all() const;

    // Each change is on stable storage when it returns.

    /// One target more. `keep`: as it was, unless said.
    result<> add(mail::mailbox const& address, mail::mailbox const& target, std::optional<bool> keep);
    /// One target less, or none at all. Gives whether there was such a one.
    result<bool> remove(mail::mailbox const& address, std::optional<mail::mailbox> const& target);

    // -- SRS --

    /// A reload: the domain of rewritten senders, and how long they are good.
    void configure(std::string srs_domain, std::chrono::seconds lifetime);
    /// Whether mail to it is to be given back to somebody whose mail was forwarded.
    bool is_return_address(mail::mailbox const& address) const;
    /// What `sender` becomes; itself when it can't become anything else.
    mail::mailbox rewritten(mail::mailbox const& sender, wall_time now);
    mail::srs_origin origin(mail::mailbox const& address, wall_time now) const;

private:
    using table = std::map<std::string, std::shared_ptr<forward const>>;  // by mailbox::key()
    struct dated_key {
        std::int64_t day = 0;
        secret key;
    };

    explicit book(std::filesystem::path folder) : folder_(std::move(folder)) {}
    result<> read_forwards();
    result<> read_keys();
    result<> renew_keys(wall_time now);
    result<> write(table next);

    std::filesystem::path folder_;
    std::mutex changing_;
    mutable std::mutex lock_;
    std::shared_ptr<table const> table_ = std::make_shared<table const>();
    std::vector<dated_key> keys_;  // the newest first
    std::string srs_domain_;
    std::chrono::hours lifetime_{21 * 24};
};

}  // namespace postern::forwarding
