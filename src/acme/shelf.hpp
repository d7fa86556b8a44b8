// What is kept of ACME, in data_dir/acme: our accounts, certificates with their keys, orders under way, and how the last
// attempts went.
// Files of mode 0600, replaced as a whole. A certificate and its key stand in one file, so that they can't come
// apart. Used by one thread, but for the functions that only read.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "acme/issuance.hpp"
#include "acme/key.hpp"
#include "config/settings.hpp"
#include "net/tls.hpp"

namespace postern::acme {

struct account {
    ec_key key;
    std::string url;  // empty: the authority does not know it yet
};

/// An order under way. What comes of it fits this key alone.
struct kept_order {
    std::string directory, url;
    std::vector<std::string> names;
    ec_key key;
    wall_time begun{};
};

/// How it went with one certificate.
struct attempts {
    unsigned failures = 0;  // in a row
    wall_time failed_at{}, not_before{};
    trouble last{};
};

class shelf {
public:
    /// Of an error: what is there, or came, is no use, and stays so.
    static constexpr status of_no_use{4, 3, 5};

    static result<shelf> open(std::filesystem::path const& data_dir);

    /// With a new key when there is none for this directory; it is kept before anybody is told of it. One that can't be
    /// read is an error.
    result<account> account_at(std::string const& directory);
    result<> keep(std::string const& directory, account const& a);
    /// Empty: there is none that can be read.
    std::string account_url_at(std::string const& directory) const;

    result<> keep_order(std::string const& id, kept_order const& o);
    std::optional<kept_order> order_of(std::string const& id) const;
    void drop_order(std::string const& id);
    /// Removes those that nobody will go on with.
    void drop_old_orders(wall_time now);

    /// Into force, when it is whole: the key fits, the names are in it, it is valid now. Else all stays as it was.
    result<net::certificate_summary> put(std::string const& id, std::string const& chain, ec_key const& key,
                                         std::vector<std::string> const& names);
    /// Nothing: there is none, or none that can be used.
    std::optional<net::certificate_summary> find(std::string const& id) const;
    std::filesystem::path path_of(std::string const& id) const;
    /// The key of a certificate that is there.
    std::optional<ec_key> key_of(std::string const& id) const;

    std::map<std::string, attempts> read_attempts() const;
    result<> keep_attempts(std::map<std::string, attempts> const& all);

private:
    explicit shelf(std::filesystem::path folder) : folder_(std::move(folder)) {}
    std::filesystem::path account_file(std::string const& directory) const;
    std::filesystem::path order_file(std::string const& id) const;

    std::filesystem::path folder_;
};

/// Whether it is for them, and not so old that the authority may have nothing to say of it.
bool fits(kept_order const& o, std::string const& directory, std::vector<std::string> const& names, wall_time now);

/// When it should be followed by another one.
wall_time renewal_time(net::certificate_summary const& c);

/// The certificates of the mail ports as they are in force: what the operator gave, else those of ACME that are there and
/// whole. None: somebody has to make one.
std::vector<net::certificate_files> mail_certificates(config::settings const& s);
/// The same of the web pages, by host name; never a key of the mail ports but where the operator gave one file for both.
/// None: somebody has to make one.
std::vector<net::certificate_files> web_certificates(config::settings const& s,
                                                     std::vector<std::string> const& local_domains);

}  // namespace postern::acme
