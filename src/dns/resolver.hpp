// Names: mail exchangers, addresses and texts. One interface, so that tests decide what the
// world's names are. Says why there is no answer: "there is no such name" ends a mail,
// "nobody answered" only delays it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/ip.hpp"
#include "base/result.hpp"

namespace postern::dns {

template <class T>
using awaitable = boost::asio::awaitable<T>;

enum class finding : std::uint8_t {
    found,
    no_such_name,  // NXDOMAIN
    no_data,       // the name exists, but has no such record
    temporary,     // server failure, time-out, refused
    bogus,         // DNSSEC validation failed: to be treated as temporary, and loudly
};

struct mx_record {
    std::uint16_t preference = 0;
    std::string host;  // lower-case, without trailing dot; empty: the root, a "null MX" (RFC 7505)
    friend bool operator==(mx_record const&, mx_record const&) = default;
};

struct mx_answer {
    finding what = finding::temporary;
    std::vector<mx_record> records;  // the best first; at most `most_records`
    bool secure = false;             // validated with DNSSEC
    std::string problem;             // for the log: "SERVFAIL for MX of example.com"
};

/// What a server's certificate has to match (RFC 6698 section 2.1).
struct tlsa_record {
    std::uint8_t usage = 0, selector = 0, matching = 0;
    std::string data;  // octets
    friend bool operator==(tlsa_record const&, tlsa_record const&) = default;
};

struct tlsa_answer {
    finding what = finding::temporary;
    std::vector<tlsa_record> records;  // at most `most_records`
    bool secure = false;
    std::string problem;
};

struct address_answer {
    finding what = finding::temporary;
    std::vector<ip_address> v6, v4;
    bool secure = false;        // of all that was found
    std::string canonical;      // where CNAMEs led to; empty: there are none
    bool alias_secure = false;  // the first CNAME is, though not all of the way
    std::string problem;
};

struct txt_answer {
    finding what = finding::temporary;
    std::vector<std::string> records;  // each with its strings joined, any octets; at most `most_records`
    bool secure = false;
    std::string problem;
    std::chrono::seconds lasts{};  // how long the answer holds, also one that there is nothing
};

struct name_answer {
    finding what = finding::temporary;
    std::vector<std::string> names;  // lower-case, without trailing dot; at most `most_records`
    bool secure = false;
    std::string problem;
};

/// Where a service is (RFC 2782).
struct srv_record {
    std::uint16_t priority = 0, weight = 0, port = 0;
    std::string host;  // lower-case, without trailing dot; empty: the root, "there is no such service"
    friend bool operator==(srv_record const&, srv_record const&) = default;
};

struct srv_answer {
    finding what = finding::temporary;
    std::vector<srv_record> records;  // as they came; at most `most_records`
    bool secure = false;
    std::string problem;
};

/// Who may give out certificates (RFC 8659 section 4.1).
struct caa_record {
    std::uint8_t flags = 0;
    std::string tag, value;  // the tag in lower case
    friend bool operator==(caa_record const&, caa_record const&) = default;
};

struct caa_answer {
    finding what = finding::temporary;
    std::vector<caa_record> records;  // at most `most_records`
    bool secure = false;
    std::string problem;
};

inline constexpr std::size_t most_records = 100;

/// Used on the thread of its executor only. Every question has a deadline.
class resolver {
public:
    virtual ~resolver() = default;
    virtual awaitable<mx_answer> mx(std::string domain) = 0;
    /// A and AAAA. Addresses written as text and "localhost" (RFC 6761 section 6.3) are
    /// answered without a question.
    virtual awaitable<address_answer> addresses(std::string name) = 0;
    virtual awaitable<txt_answer> txt(std::string name) = 0;
    virtual awaitable<tlsa_answer> tlsa(std::string name) = 0;
    virtual awaitable<srv_answer> srv(std::string name) = 0;
    /// The names that an address leads back to (PTR).
    virtual awaitable<name_answer> names_of(ip_address address) = 0;
    /// Of this name alone; those of the names above it count, too, where it has none.
    virtual awaitable<caa_answer> caa(std::string name) = 0;
};

struct options {
    std::vector<endpoint> servers;  // name servers to ask; empty: those of resolv_conf
    std::filesystem::path resolv_conf = "/etc/resolv.conf";
    std::filesystem::path hosts = "/etc/hosts";
    std::filesystem::path trust_anchor;  // of DNSSEC's root; empty: nothing is validated
    // Answers that do not hold are used as unsigned ones while name servers hand on no signatures of
    // anything: until one answer was found to hold.
    bool tolerant = false;
    std::chrono::seconds limit{20};  // for one question
};

/// libunbound, which works on a thread of its own. A resolver must go before its executor's context.
result<std::unique_ptr<resolver>> make_resolver(boost::asio::any_io_executor const& executor, options const& o);

}  // namespace postern::dns
