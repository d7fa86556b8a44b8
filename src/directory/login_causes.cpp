// Causes of failed log-ins that take a closer look: what the search of cause_search.hpp is told of
// the accounts.
#include "directory/cause_search.hpp"
#include "directory/embedded.hpp"
#include "directory/names.hpp"

namespace postern::directory {
namespace {

constexpr int most_searches = 8;
constexpr std::size_t most_domains_tried = 100;

}  // namespace

/// Which account a name that nobody has may have meant.
cause_search::finding embedded::look_at_name(std::string const& name)
{
    auto const known = [&](std::string const& text) -> std::string {
        auto const found = load_login(any_name_key(text));
        return found && *found ? (*found)->who.address : std::string{};
    };
    auto whole = without_blanks(name);
    bool const blank = !whole.empty();
    if (blank)
        if (auto meant = known(whole); !meant.empty()) return {login_cause::name_blank, std::move(meant)};
    if (!blank) whole = name;
    if (whole.find('@') == std::string::npos) {
        auto const list = domains_.get();
        std::size_t tried = 0;
        for (auto const& domain : list->all) {
            if (++tried > most_domains_tried) break;
            if (auto meant = known(whole + "@" + domain); !meant.empty())
                return {login_cause::local_part_only, std::move(meant)};
        }
        return {};
    }
    auto const address = mail::parse_mailbox(whole);
    if (!address) return {};
    if (auto const found = store_->find_address(address_key(*address)); found && *found)
        return {login_cause::name_is_alias, (*found)->who.address};
    if (auto const base = without_detail(*address, store_->recipient_delimiter()))
        if (auto meant = known(base->to_string()); !meant.empty())
            return {login_cause::name_with_detail, std::move(meant)};
    return {};
}

/// `key`: what the refusal is remembered by; empty: it is not.
std::function<void(cause_handler)> embedded::look_closer(std::string const& name, entry const& e, secret password,
                                                         std::string key, login_cause otherwise)
{
    return [this, name, e, password = std::move(password), key = std::move(key), otherwise](cause_handler handler) {
        // Under attack the first few are enough to know what it is.
        if (searches_.fetch_add(1) >= most_searches) {
            --searches_;
            return;
        }
        auto place = std::shared_ptr<void>{nullptr, [this](void*) { --searches_; }};
        auto const nobody = dummy_.get();
        cause_search::parts p;
        p.look_at_name = [this, name, known = e != nullptr] {
            return known ? cause_search::finding{} : look_at_name(name);
        };
        p.idle = [this, place](std::function<void()> task) { pool_.when_idle(std::move(task)); };
        p.remember = [this, key](login_cause found) {
            if (key.empty()) return;
            auto known = memories_.get(key);
            if (!known || known->right) return;
            known->why = found;
            memories_.put(key, *known);
        };
        p.verifier = e && !e->verifier.empty() ? e->verifier : *nobody;
        p.previous = e && !e->previous_verifier.empty() ? e->previous_verifier : *nobody;
        p.password = password;
        p.otherwise = otherwise;
        std::make_shared<cause_search>(std::move(p))->begin(std::move(handler));
    };
}

std::function<void(cause_handler)> embedded::explain_failure(std::string_view authcid)
{
    auto const found = find_name(authcid, true, claimant::proven);
    if (!found) return {};
    auto const& e = found->who;
    return look_closer(found->name, e, {}, {}, e ? login_cause::wrong_password : login_cause::unknown_user);
}

}  // namespace postern::directory
