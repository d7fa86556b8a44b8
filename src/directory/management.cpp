// What operators change in the embedded database. Each change takes effect at once.
#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"
#include "directory/embedded.hpp"
#include "directory/import.hpp"
#include "directory/key_file.hpp"
#include "directory/names.hpp"
#include "sasl/prepare.hpp"

namespace postern::directory {
namespace {

error bad_domain(std::string_view text)
{
    return {{5, 1, 2}, "That is not a domain", printable(text) + " is not a domain"};
}

error bad_password()
{
    return {{5, 7, 0},
            "The password must have 1 to 255 octets and no NUL",
            "the password must have 1 to 255 octets and no NUL"};
}

error no_memory() { return {{4, 3, 0}, "There is not enough memory to hash the password", "argon2: no memory"}; }

}  // namespace

/// After a successful write nobody may see what was before.
result<> embedded::changed(result<> outcome)
{
    if (!outcome) return outcome;
    // The write stands; trouble with reading back is reported by whoever asks next.
    if (auto r = refresh(); !r) log::event(log::level::error, "accounts_unavailable", {{"detail", r.error().logged}});
    return done{};
}

result<> embedded::add_account(mail::mailbox const& address, secret const& password)
{
    auto const key = login_key(address.to_string());
    if (!key) return bad_address(address.to_string());
    if (!sasl::is_acceptable_password(password.reveal())) return bad_password();
    auto const made = make_credentials(*key, password, *scram_hashes_.get(),
                                       [this](std::string const& a, hash h) { return salt_to_be(a, h, nullptr); });
    if (made.verifier.empty()) return no_memory();
    return changed(store_->add_account(*key, made, wall_clock::now()));
}

result<> embedded::set_password(std::string_view address, secret const& password, keep what)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    if (!sasl::is_acceptable_password(password.reveal())) return bad_password();
    auto before = store_->find_login(*key);
    if (!before) return std::move(before).error();
    auto made = make_credentials(*key, password, *scram_hashes_.get(),
                                 [&](std::string const& a, hash h) { return salt_to_be(a, h, before->get()); });
    if (made.verifier.empty()) return no_memory();
    if (what == keep::cram_md5) {
        auto sealed = seal_cram_md5(*key, password);
        if (!sealed) return std::move(sealed).error();
        made.cram_md5 = std::move(*sealed);
    }
    return changed(store_->set_credentials(*key, made, wall_clock::now()));
}

result<std::string> embedded::seal_cram_md5(std::string const& address, secret const& password)
{
    auto key = read_key(options_.folder);
    if (!key) return std::move(key).error();
    if (!*key) {
        // What the lost one sealed could never be opened again.
        auto sealed = store_->has_cram_md5();
        if (!sealed) return std::move(sealed).error();
        if (*sealed)
            return error{{4, 3, 0},
                         "The key of the account database is not available",
                         (options_.folder / "accounts.key").string() +
                             " is gone: restore it from a backup; or give the accounts that have a CRAM-MD5 secret a "
                             "password without one, then a new key is made"};
        auto made = make_key(options_.folder);
        if (!made) return std::move(made).error();
        *key = std::move(*made);
    }
    sealing_key_.set(std::make_shared<secret const>(**key));
    return seal((*key)->reveal(), sasl::scram_password(password.reveal()).reveal(), address);
}

result<> embedded::remove_account(std::string_view address)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    return changed(store_->remove_account(*key));
}

result<> embedded::set_enabled(std::string_view address, bool on)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    return changed(store_->set_enabled(*key, on));
}

result<> embedded::set_smtp_auth(std::string_view address, bool on, std::string_view by)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    return changed(store_->set_smtp_auth(*key, on, by));
}

result<> embedded::add_alias(std::string_view address, mail::mailbox const& alias)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    auto const other = login_key(alias.to_string());
    if (!other) return bad_address(alias.to_string());
    return changed(store_->add_alias(*key, *other));
}

result<> embedded::remove_alias(std::string_view address, mail::mailbox const& alias)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    return changed(store_->remove_alias(*key, address_key(alias)));
}

result<> embedded::grant_send_as(std::string_view address, std::string_view sender)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    auto const other = sender_key(sender);
    if (!other && sender_key("@" + std::string{sender})) {
        auto e = bad_address(sender);
        e.logged += "; for every address of a domain, write @" + std::string{sender};
        return e;
    }
    if (!other) return bad_address(sender);
    return changed(store_->grant_send_as(*key, *other));
}

result<> embedded::revoke_send_as(std::string_view address, std::string_view sender)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    auto const other = sender_key(sender);
    if (!other) return bad_address(sender);
    return changed(store_->revoke_send_as(*key, *other));
}

result<std::vector<account>> embedded::list_accounts() { return store_->list_accounts(); }

result<std::size_t> embedded::import_accounts(std::string_view text, file_format const& format,
                                              std::vector<std::string>& problems)
{
    auto const salt_of = [this](std::string const& address, hash h) {
        auto const before = store_->find_login(address);
        return salt_to_be(address, h, before ? before->get() : nullptr);
    };
    auto const list = read_passwd_file(text, format, *scram_hashes_.get(), salt_of, problems);
    if (!problems.empty())
        return error{{5, 6, 0},
                     "Some lines can't be imported; nothing was changed",
                     std::to_string(problems.size()) + " bad lines in the import; nothing was changed"};
    auto count = store_->import_accounts(list, wall_clock::now());
    if (!count) return std::move(count).error();
    if (auto r = changed(done{}); !r) return std::move(r).error();
    return *count;
}

result<> embedded::add_domain(std::string_view domain)
{
    auto const name = mail::parse_domain(domain);
    if (!name) return bad_domain(domain);
    return changed(store_->add_domain(*name));
}

result<> embedded::remove_domain(std::string_view domain)
{
    auto const name = mail::parse_domain(domain);
    if (!name) return bad_domain(domain);
    auto const list = domains_.get();
    if (std::find(list->configured.begin(), list->configured.end(), *name) != list->configured.end())
        return error{{5, 1, 2},
                     "The domain is in the configuration: remove it there",
                     *name + " is in the configuration ([domains] local): remove it there"};
    auto used = store_->domain_in_use(*name);
    if (!used) return std::move(used).error();
    if (*used)
        return error{{5, 1, 2},
                     "The domain still has accounts or aliases",
                     *name + " still has accounts or aliases: remove those first"};
    return changed(store_->remove_domain(*name));
}

result<std::vector<std::string>> embedded::list_domains()
{
    if (auto r = look_at_database(); !r) return std::move(r).error();
    auto const list = domains_.get();
    std::vector<std::string> names{list->all.begin(), list->all.end()};
    std::sort(names.begin(), names.end());
    return names;
}

void embedded::set_configured_domains(std::vector<std::string> domains)
{
    std::lock_guard lock{refresh_lock_};
    if (auto r = refresh_domains(&domains); !r)
        log::event(log::level::error, "accounts_unavailable", {{"detail", r.error().logged}});
    ++epoch_;
    recipients_.clear();
}

void embedded::set_recipient_delimiter(char delimiter)
{
    std::lock_guard lock{refresh_lock_};
    store_->set_recipient_delimiter(delimiter);
    ++epoch_;
    logins_.clear();
    recipients_.clear();
}

void embedded::set_scram_hashes(std::vector<hash> hashes)
{
    scram_hashes_.set(std::make_shared<std::vector<hash> const>(std::move(hashes)));
}

}  // namespace postern::directory
