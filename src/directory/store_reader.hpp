// A connection that reads accounts, with its statements, and who has it for how long. Included by directory/store*.cpp
// only.
#pragma once

#include "directory/store.hpp"
#include "directory/verifier.hpp"

namespace postern::directory {

inline constexpr std::size_t most_idle_readers = 8;

inline constexpr char const* account_columns =
    "a.id, a.address, a.enabled, a.smtp_auth, a.verifier, a.previous_verifier, a.cram_md5, a.created, a.password_set,"
    " a.basic_passwords, a.basic_passwords_by, a.basic_passwords_since, a.smtp_auth_by";

inline std::string select_accounts(char const* rest)
{
    return std::string{"SELECT "} + account_columns + " FROM accounts a " + rest;
}

struct store::reader {
    std::unique_ptr<connection> db;
    statement by_login;
    statement by_alias;
    statement aliases;
    statement grants;
    statement scram;
    app_password_reader app_passwords;
    std::uint64_t opening = 0;
    char recipient_delimiter = '+';

    result<> prepare()
    {
        struct {
            statement& to;
            std::string sql;
        } const list[] = {
            {by_login, select_accounts("WHERE a.address = ?1")},
            {by_alias, select_accounts("WHERE a.id = (SELECT account FROM aliases WHERE address = ?1)")},
            {aliases, "SELECT address FROM aliases WHERE account = ?1 ORDER BY address"},
            {grants, "SELECT sender FROM grants WHERE account = ?1 ORDER BY sender"},
            {scram, "SELECT hash, iterations, salt, stored_key, server_key FROM scram_keys WHERE account = ?1"},
        };
        for (auto const& item : list) {
            auto s = db->prepare(item.sql.c_str());
            if (!s) return std::move(s).error();
            item.to = std::move(*s);
        }
        return app_passwords.prepare(*db);
    }

    result<> list(statement& s, std::int64_t id, std::vector<std::string>& out)
    {
        reset_at_end at_end{s};
        s.bind(1, id);
        for (;;) {
            auto row = s.step();
            if (!row) return std::move(row).error();
            if (!*row) return done{};
            out.push_back(s.text(0));
        }
    }

    result<> fill_scram(stored_account& a)
    {
        reset_at_end at_end{scram};
        scram.bind(1, a.id);
        for (;;) {
            auto row = scram.step();
            if (!row) return std::move(row).error();
            if (!*row) return done{};
            for (hash const h : scram_set::hashes) {
                auto const size = digest_size(h);
                if (scram.number(0) != static_cast<std::int64_t>(size)) continue;
                std::int64_t const iterations = scram.number(1);
                sasl::scram_keys keys;
                keys.salt = scram.text(2);
                keys.stored_key = scram.text(3);
                keys.server_key = scram.text(4);
                // A row that someone edited must not take part in an exchange.
                if (iterations < 4096 || iterations > 10'000'000 || keys.salt.empty() ||
                    keys.stored_key.size() != size || keys.server_key.size() != size)
                    continue;
                keys.iterations = static_cast<std::uint32_t>(iterations);
                keys.real = true;
                a.scram.set(h, std::move(keys));
                a.who.scram_hashes.push_back(h);
            }
        }
    }

    /// The account of the row that `s` stands on.
    result<> fill(statement const& s, stored_account& a)
    {
        a.id = s.number(0);
        a.who.address = s.text(1);
        a.who.enabled = s.number(2) != 0;
        a.who.smtp_auth = s.number(3) != 0;
        a.verifier = s.text(4);
        a.who.scheme = scheme_of(a.verifier);
        a.previous_verifier = s.text(5);
        a.cram_md5 = s.text(6);
        a.who.has_cram_md5 = !a.cram_md5.empty();
        a.who.created = from_microseconds(s.number(7));
        a.who.password_set = from_microseconds(s.number(8));
        if (!s.is_null(9)) a.who.basic = basic_setting{s.number(9) != 0, s.text(10), from_microseconds(s.number(11))};
        a.who.smtp_auth_by = s.text(12);
        a.who.recipient_delimiter = recipient_delimiter;
        if (auto r = fill_scram(a); !r) return r;
        if (auto r = app_passwords.fill(a); !r) return r;
        if (!a.app_keys.empty()) a.companions = make_companions(&a);
        if (auto r = list(aliases, a.id, a.who.aliases); !r) return r;
        return list(grants, a.id, a.who.send_as);
    }

    result<std::shared_ptr<stored_account const>> one(statement& s)
    {
        auto row = s.step();
        if (!row) return std::move(row).error();
        if (!*row) return std::shared_ptr<stored_account const>{};
        auto a = std::make_shared<stored_account>();
        if (auto r = fill(s, *a); !r) return std::move(r).error();
        return std::shared_ptr<stored_account const>{std::move(a)};
    }
};

/// A reader for as long as this lives.
class store::lease {
public:
    lease() = default;
    lease(store& s, std::unique_ptr<reader> r) : store_(&s), reader_(std::move(r)) {}
    lease(lease&&) = default;
    lease& operator=(lease&&) = delete;
    ~lease()
    {
        if (!reader_) return;
        if (reader_->db->lost()) {
            store_->must_reopen_ = true;
            return;
        }
        std::lock_guard lock{store_->readers_lock_};
        if (reader_->opening == store_->opening_ && store_->idle_readers_.size() < most_idle_readers)
            store_->idle_readers_.push_back(std::move(reader_));
    }
    reader* operator->() const { return reader_.get(); }

private:
    store* store_ = nullptr;
    std::unique_ptr<reader> reader_;
};

}  // namespace postern::directory
