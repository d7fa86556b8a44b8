// One connection to one of a back end's LDAP servers: TLS, binds and searches, each before a
// deadline. Of one thread: libldap wants that of its handles. Follows no referrals, and reads
// no more than it asked for.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "directory/ldap_options.hpp"
#include "directory/ldap_servers.hpp"
#include "directory/ldap_stream.hpp"
#include "directory/ldap_verdict.hpp"

struct ldap;

namespace postern::directory::ldapv3 {

struct entry {
    std::string dn;
    std::unordered_map<std::string, std::vector<secret>> values;  // of the attributes asked for

    std::string_view first(std::string const& attribute) const;  // value, or nothing
};

class connection {
public:
    enum class use : std::uint8_t {
        searches,  // as the service, or as nobody
        binds,     // as one user after the other
    };
    connection(ldap_options const& o, std::shared_ptr<servers> from, use what);

    bool is_open() const noexcept { return handle_ != nullptr; }
    void close() noexcept { handle_.reset(); }
    /// To the first server that can be had. The password goes no further when it can't be trusted.
    result<> open(steady_time deadline);

    /// An error: the server did not answer. The password is not empty: with an empty one, a bind
    /// succeeds and proves nothing (RFC 4513 section 5.1.2).
    result<bind_answer> bind(std::string const& dn, secret const& password, steady_time deadline);
    /// Two entries at most.
    enum class scope : std::uint8_t { entry, subtree };
    result<std::vector<entry>> search(std::string const& base, scope where, std::string const& filter,
                                      std::vector<std::string> const& attributes, steady_time deadline);

    /// The server in use did not do what it should, or did it.
    void failed(std::string const& why);
    void worked();

private:
    struct closer {
        void operator()(::ldap* handle) const noexcept;
    };
    result<> open_one(server const& to, steady_time deadline);
    result<> secure(server const& to, steady_time deadline);
    result<> start_tls(steady_time deadline);
    result<> bind_as_service(steady_time deadline);
    error trouble(std::string const& doing, int code) const;

    ldap_options const& options_;
    std::shared_ptr<servers> const servers_;
    use const use_;
    std::size_t server_ = 0;
    stream stream_;
    std::unique_ptr<::ldap, closer> handle_;  // uses the stream
};

}  // namespace postern::directory::ldapv3
