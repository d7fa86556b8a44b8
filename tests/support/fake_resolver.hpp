// The names of the world as a test wants them.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "dns/resolver.hpp"

namespace postern::testing {

/// Shared between a test and the resolver that the service under test owns.
struct names {
    std::mutex mutex;
    std::map<std::string, dns::mx_answer> mx;
    std::map<std::string, dns::address_answer> addresses;
    std::map<std::string, dns::txt_answer> txt;
    std::map<std::string, dns::tlsa_answer> tlsa;
    std::map<std::string, dns::srv_answer> srv;
    std::map<std::string, dns::caa_answer> caa;
    std::map<ip_address, dns::name_answer> reverse;

    void exchanger(std::string const& domain, std::uint16_t preference, std::string const& host)
    {
        std::lock_guard const lock{mutex};
        auto& a = mx[domain];
        a.what = dns::finding::found;
        a.records.push_back({preference, host});
    }
    void address(std::string const& host, std::string_view text)
    {
        std::lock_guard const lock{mutex};
        auto& a = addresses[host];
        a.what = dns::finding::found;
        auto const ip = *ip_address::parse(text);
        (ip.is_v4() ? a.v4 : a.v6).push_back(ip);
    }
    /// As if DNSSEC vouched for the domain's exchangers and their addresses.
    void sign(std::string const& domain)
    {
        std::lock_guard const lock{mutex};
        mx[domain].secure = true;
        for (auto const& r : mx[domain].records) addresses[r.host].secure = true;
    }
    void fail(std::string const& domain, dns::finding why)
    {
        std::lock_guard const lock{mutex};
        mx[domain].what = why;
        mx[domain].problem = "as the test wants it";
    }
};

class fake_resolver final : public dns::resolver {
public:
    explicit fake_resolver(std::shared_ptr<names> n) : names_(std::move(n)) {}

    dns::awaitable<dns::mx_answer> mx(std::string domain) override
    {
        std::lock_guard const lock{names_->mutex};
        auto const found = names_->mx.find(domain);
        dns::mx_answer answer;
        answer.what = dns::finding::no_such_name;
        if (found != names_->mx.end()) {
            answer = found->second;
        } else if (names_->addresses.contains(domain)) {
            answer.what = dns::finding::no_data;
        }
        co_return answer;
    }
    dns::awaitable<dns::address_answer> addresses(std::string name) override
    {
        std::lock_guard const lock{names_->mutex};
        auto const found = names_->addresses.find(name);
        dns::address_answer answer;
        answer.what = dns::finding::no_such_name;
        if (found != names_->addresses.end()) {
            answer = found->second;
        } else if (auto const a = ip_address::parse(name)) {
            answer.what = dns::finding::found;
            (a->is_v4() ? answer.v4 : answer.v6).push_back(*a);
        }
        co_return answer;
    }

    dns::awaitable<dns::txt_answer> txt(std::string name) override
    {
        std::lock_guard const lock{names_->mutex};
        auto const found = names_->txt.find(name);
        dns::txt_answer answer;
        answer.what = dns::finding::no_such_name;
        if (found != names_->txt.end()) answer = found->second;
        co_return answer;
    }

    dns::awaitable<dns::tlsa_answer> tlsa(std::string name) override
    {
        std::lock_guard const lock{names_->mutex};
        auto const found = names_->tlsa.find(name);
        dns::tlsa_answer answer;
        answer.what = dns::finding::no_such_name;
        if (found != names_->tlsa.end()) answer = found->second;
        co_return answer;
    }

    dns::awaitable<dns::srv_answer> srv(std::string name) override
    {
        std::lock_guard const lock{names_->mutex};
        auto const found = names_->srv.find(name);
        dns::srv_answer answer;
        answer.what = dns::finding::no_such_name;
        if (found != names_->srv.end()) answer = found->second;
        co_return answer;
    }

    dns::awaitable<dns::caa_answer> caa(std::string name) override
    {
        std::lock_guard const lock{names_->mutex};
        auto const found = names_->caa.find(name);
        dns::caa_answer answer;
        answer.what = dns::finding::no_such_name;
        if (found != names_->caa.end()) answer = found->second;
        co_return answer;
    }

    dns::awaitable<dns::name_answer> names_of(ip_address address) override
    {
        std::lock_guard const lock{names_->mutex};
        auto const found = names_->reverse.find(address);
        dns::name_answer answer;
        answer.what = dns::finding::no_such_name;
        if (found != names_->reverse.end()) answer = found->second;
        co_return answer;
    }

private:
    std::shared_ptr<names> names_;
};

}  // namespace postern::testing
