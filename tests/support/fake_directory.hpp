// A directory of a few accounts, without storage and without log-ins.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "directory/directory.hpp"

namespace postern::testing {

class fake_directory final : public directory::directory {
public:
    using account = postern::directory::account;

    std::vector<std::string> domains;
    std::vector<account> accounts;
    std::atomic<bool> broken = false;

    void add(std::string address, std::vector<std::string> aliases = {})
    {
        account a;
        a.address = std::move(address);
        a.aliases = std::move(aliases);
        accounts.push_back(std::move(a));
    }

    result<bool> is_local(std::string_view domain) override
    {
        if (broken) return failure();
        return std::find(domains.begin(), domains.end(), domain) != domains.end();
    }
    result<std::shared_ptr<account const>> find_recipient(mail::mailbox const& address) override
    {
        if (broken) return failure();
        std::string key = address.key();
        if (auto const plus = key.find('+'); plus != std::string::npos) key.erase(plus, key.rfind('@') - plus);
        for (auto const& a : accounts) {
            if (a.address == key || std::find(a.aliases.begin(), a.aliases.end(), key) != a.aliases.end()) {
                return std::make_shared<account const>(a);
            }
        }
        return std::shared_ptr<account const>{};
    }
    result<std::shared_ptr<account const>> find_account(std::string_view) override { return failure(); }
    result<std::shared_ptr<account const>> find_owner(mail::mailbox const&) override { return failure(); }
    void verify_password(std::string_view, std::string_view, secret, postern::directory::login_handler) override {}
    result<sasl::scram_keys> scram(std::string_view, postern::hash, postern::directory::certainty) override
    {
        return failure();
    }
    result<postern::directory::shared_secret> cram_md5(std::string_view, postern::directory::certainty) override
    {
        return failure();
    }
    result<postern::directory::login> authorize(std::string_view, std::string_view, std::string_view) override
    {
        return failure();
    }
    result<> add_account(mail::mailbox const&, secret const&) override { return failure(); }
    result<> set_password(std::string_view, secret const&, keep) override { return failure(); }
    result<> remove_account(std::string_view) override { return failure(); }
    result<postern::directory::made_app_password> add_app_password(std::string_view,
                                                                   postern::directory::new_app_password) override
    {
        return failure();
    }
    result<std::vector<postern::directory::app_password>> list_app_passwords(std::string_view) override
    {
        return failure();
    }
    result<> revoke_app_password(std::string_view, std::int64_t) override { return failure(); }
    void note_use(postern::directory::app_password const&, ip_address const&) override {}
    result<> set_enabled(std::string_view, bool) override { return failure(); }
    result<> set_smtp_auth(std::string_view, bool, std::string_view) override { return failure(); }
    result<> set_role(postern::directory::account const&, postern::directory::role) override { return failure(); }
    result<> set_basic_passwords(std::string_view, std::optional<bool>, std::string_view) override { return failure(); }
    result<> set_domain_basic_passwords(std::string_view, std::optional<bool>, std::string_view) override
    {
        return failure();
    }
    void set_configured_basic_passwords(bool) override {}
    result<> add_alias(std::string_view, mail::mailbox const&) override { return failure(); }
    result<> remove_alias(std::string_view, mail::mailbox const&) override { return failure(); }
    result<> grant_send_as(std::string_view, std::string_view) override { return failure(); }
    result<> revoke_send_as(std::string_view, std::string_view) override { return failure(); }
    result<std::vector<account>> list_accounts() override { return accounts; }
    result<std::size_t> import_accounts(std::string_view, ::postern::directory::file_format const&,
                                        std::vector<std::string>&) override
    {
        return failure();
    }
    result<> add_domain(std::string_view) override { return failure(); }
    result<> remove_domain(std::string_view) override { return failure(); }
    result<std::vector<std::string>> list_domains() override { return domains; }
    void set_configured_domains(std::vector<std::string> d) override { domains = std::move(d); }
    void set_recipient_delimiter(char) override {}
    void set_scram_hashes(std::vector<postern::hash>) override {}

private:
    static error failure() { return {{4, 3, 0}, "", "database is locked"}; }
};

}  // namespace postern::testing
