// Where basic passwords are taken, and which ways of logging in that leaves. The nearest that
// says something holds: the account, its domain, the configuration.
#include <algorithm>

#include "base/log.hpp"
#include "directory/embedded.hpp"
#include "directory/names.hpp"

namespace postern::directory {
namespace {

constexpr std::string_view by_configuration = "configuration";

}  // namespace

std::string_view to_string(basic_passwords::level l) noexcept
{
    switch (l) {
        case basic_passwords::level::organisation: return "organisation";
        case basic_passwords::level::domain: return "domain";
        case basic_passwords::level::account: return "account";
        case basic_passwords::level::nobody: break;
    }
    return "nobody";
}

/// Reads what is set, and notes when the configuration says something new, so that everybody can
/// be told since when that holds.
result<> embedded::refresh_basic()
{
    auto rows = store_->list_basic_scopes();
    if (!rows) return std::move(rows).error();
    auto next = std::make_shared<basic_rules>();
    for (auto& row : *rows) next->insert_or_assign(std::move(row.scope), std::move(row.setting));
    auto const known = next->find("");
    bool const before = known == next->end() || known->second.allowed;
    if (bool const now = configured_basic_; now != before) {
        basic_setting const made{now, std::string{by_configuration}, wall_clock::now()};
        if (auto r = store_->set_basic_scope("", now, by_configuration, made.since); !r)
            log::event(log::level::warning, "basic_passwords_not_stored", {{"detail", r.error().logged}});
        next->insert_or_assign("", made);
    }
    basic_.set(std::move(next));
    return done{};
}

basic_passwords embedded::basic_passwords_of(account const& a) const
{
    if (a.basic) return {basic_passwords::level::account, *a.basic};
    auto const rules = basic_.get();
    auto const domain = a.address.substr(std::min(a.address.rfind('@'), a.address.size()));
    if (auto const found = rules->find(domain); !domain.empty() && found != rules->end())
        return {basic_passwords::level::domain, found->second};
    if (auto const found = rules->find(""); found != rules->end())
        return {basic_passwords::level::organisation, found->second};
    return {};
}

std::vector<std::pair<std::string, basic_setting>> embedded::domain_basic_passwords() const
{
    std::vector<std::pair<std::string, basic_setting>> list;
    for (auto const& [scope, setting] : *basic_.get())
        if (!scope.empty()) list.emplace_back(scope.substr(1), setting);
    return list;
}

result<> embedded::set_basic_passwords(std::string_view address, std::optional<bool> allowed, std::string_view by)
{
    auto found = account_to_change(address);
    if (!found) return std::move(found).error();
    return changed(store_->set_basic((*found)->who.address, allowed, by, wall_clock::now()));
}

result<> embedded::set_domain_basic_passwords(std::string_view domain, std::optional<bool> allowed, std::string_view by)
{
    auto const scope = sender_key("@" + std::string{domain});
    if (!scope) return error{{5, 1, 2}, "That is not a domain", std::string{domain} + " is not a domain"};
    return changed(store_->set_basic_scope(*scope, allowed, by, wall_clock::now()));
}

void embedded::set_configured_basic_passwords(bool allowed)
{
    configured_basic_ = allowed;
    std::lock_guard lock{refresh_lock_};
    auto r = refresh_basic();
    if (r) r = refresh_means();
    if (!r) must_refresh_ = true;
}

sasl::account_means embedded::means()
{
    // An app password that is the last to make a mechanism work expires without a change.
    if (to_microseconds(wall_clock::now()) >= means_until_) {
        std::lock_guard lock{refresh_lock_};
        if (auto r = refresh_means(); !r) must_refresh_ = true;
    }
    return *means_.get();
}

/// What nobody has, or may use, makes no mechanism work. SCRAM keys for SHA-256 are made for every
/// password, sooner or later.
result<> embedded::refresh_means()
{
    auto const rules = basic_.get();
    bool const organisation = configured_basic_;
    auto found = store_->find_means(organisation, wall_clock::now());
    if (!found) return std::move(found).error();
    bool basic = found->basic;
    // Nobody knows all users of back ends; and where there is no account yet, one may come.
    bool const others = !sources_.empty() || !authenticators_.empty();
    if (!basic && organisation) {
        auto count = store_->count_accounts();
        if (!count) return std::move(count).error();
        basic = others || *count == 0;
    }
    if (!basic && others)
        for (auto const& [scope, setting] : *rules) basic = basic || (!scope.empty() && setting.allowed);
    sasl::account_means now;
    now.password = basic || found->app;
    now.scram_sha256 = basic || found->app_sha256;
    now.scram_sha1 = found->basic_sha1 || found->app_sha1;
    now.scram_sha512 = found->basic_sha512 || found->app_sha512;
    now.cram_md5 = found->basic_cram_md5;
    // Who can only be asked about one user at a time may have any keys.
    for (auto const& a : authenticators_)
        if (basic && a->tells()) now.scram_sha1 = now.scram_sha512 = true;
    means_.set(std::make_shared<sasl::account_means const>(now));
    means_until_ = found->until ? to_microseconds(*found->until) : INT64_MAX;
    return done{};
}

}  // namespace postern::directory
