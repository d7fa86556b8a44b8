// PostgreSQL as a back end: users by the operator's own queries.
#include "base/text.hpp"
#include "directory/authenticator.hpp"
#include "directory/postgres_connection.hpp"

namespace postern::directory {
namespace {

using row = std::vector<std::optional<secret>>;

/// A value that is there and not NULL.
std::optional<secret> value(postgres_answer const& a, row const& r, std::string_view column)
{
    auto const place = a.column(column);
    return place ? r[*place] : std::nullopt;
}

/// PostgreSQL's booleans, and what people keep in the place of such.
std::optional<bool> truth(std::string_view text)
{
    auto const word = to_lower(text);
    for (char const* yes : {"t", "true", "y", "yes", "on", "1"})
        if (word == yes) return true;
    for (char const* no : {"f", "false", "n", "no", "off", "0"})
        if (word == no) return false;
    return std::nullopt;
}

std::vector<postgres_statement> statements_of(backend_options const& o)
{
    std::vector<postgres_statement> list;
    list.push_back({"user_query", o.sql.user, 1, {"password"}, false});
    if (!o.sql.recipient.empty()) list.push_back({"recipient_query", o.sql.recipient, 1, {}, false});
    if (!o.sql.aliases.empty()) list.push_back({"aliases_query", o.sql.aliases, 1, {}, false});
    if (!o.sql.senders.empty()) list.push_back({"senders_query", o.sql.senders, 1, {}, false});
    if (!o.sql.update.empty()) list.push_back({"update_query", o.sql.update, 3, {}, true});
    return list;
}

class postgres_asker final : public asker {
public:
    explicit postgres_asker(backend_options const& o)
        : statements_(statements_of(o)), connection_(o.sql.connection, o.sql.password_file, statements_, o.timeout)
    {
    }

    result<std::optional<stored_user>> fetch(std::string const& name, steady_time deadline) override
    {
        if (!is_text(name)) return std::optional<stored_user>{};
        auto found = connection_.run(*statement("user_query"), {name}, deadline);
        if (!found) return std::move(found).error();
        if (found->rows.empty()) return std::optional<stored_user>{};
        stored_user u;
        // Whatever contradicts itself in one user's rows is that user's trouble: to others it must look like a
        // name that nobody has.
        if (found->rows.size() > 1) {
            u.problem = "user_query gives several rows for one name";
            return std::optional<stored_user>{std::move(u)};
        }
        auto const& r = found->rows.front();
        if (auto address = value(*found, r, "address")) u.user.name = address->reveal();
        for (char const* column : {"password", "scram_sha_1", "scram_sha_256", "scram_sha_512"})
            if (auto text = value(*found, r, column)) u.passwords.push_back(std::move(*text));
        for (auto const& [column, into] :
             {std::pair{"enabled", &u.enabled}, std::pair{"smtp_auth", &u.user.smtp_auth}}) {
            // NULL is not yes: whoever has such a column switches people off with it.
            if (!found->column(column)) continue;
            auto const text = value(*found, r, column);
            auto const on = text ? truth(text->reveal()) : std::optional<bool>{false};
            if (!on) u.problem = std::string{"user_query: "} + column + " is neither true nor false";
            *into = on.value_or(false);
        }
        if (auto e = collect("aliases_query", name, u.user.aliases, deadline)) return std::move(*e);
        if (auto e = collect("senders_query", name, u.user.send_as, deadline)) return std::move(*e);
        return std::optional<stored_user>{std::move(u)};
    }

    result<std::optional<std::string>> look_up(std::string const& address, steady_time deadline) override
    {
        if (!is_text(address)) return std::optional<std::string>{};
        auto const* const own = statement("recipient_query");
        auto found = connection_.run(own != nullptr ? *own : *statement("user_query"), {address}, deadline);
        if (!found) return std::move(found).error();
        if (found->rows.empty()) return std::optional<std::string>{};
        auto const& r = found->rows.front();
        // recipient_query: the account's address is the first column, if it gives a text at all.
        auto const name = own != nullptr ? r.front() : value(*found, r, "address");
        bool const named = name && name->reveal().find('@') != std::string_view::npos;
        return std::optional<std::string>{named ? std::string{name->reveal()} : address};
    }

    result<bool> replace_password(std::string const& name, secret const& old, secret const& fresh,
                                  steady_time deadline) override
    {
        auto changed = connection_.run(*statement("update_query"), {name, fresh.reveal(), old.reveal()}, deadline);
        if (!changed) return std::move(changed).error();
        return changed->changed > 0;
    }

    std::optional<result<>> probe(steady_time deadline) override { return connection_.try_all(deadline); }

    bool lost() const override { return !connection_.only_this(); }

private:
    /// What PostgreSQL can take for text. Nobody is called otherwise.
    static bool is_text(std::string_view name)
    {
        return name.find('\0') == std::string_view::npos && is_utf8(name) && !name.empty();
    }

    postgres_statement const* statement(std::string_view name) const
    {
        for (auto const& s : statements_)
            if (s.name == name) return &s;
        return nullptr;
    }

    std::optional<error> collect(std::string_view query, std::string const& name, std::vector<std::string>& into,
                                 steady_time deadline)
    {
        auto const* const s = statement(query);
        if (s == nullptr) return std::nullopt;
        auto found = connection_.run(*s, {name}, deadline);
        if (!found) return std::move(found).error();
        for (auto& r : found->rows)
            if (r.front()) into.emplace_back(r.front()->reveal());
        return std::nullopt;
    }

    std::vector<postgres_statement> const statements_;
    postgres_connection connection_;
};

}  // namespace

std::unique_ptr<asker> make_postgres_asker(backend_options const& o) { return std::make_unique<postgres_asker>(o); }

}  // namespace postern::directory
