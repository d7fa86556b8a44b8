// The reads of the account database.
#include <algorithm>

#include "directory/store_reader.hpp"

namespace postern::directory {

result<std::shared_ptr<stored_account const>> store::find_login(std::string_view address)
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    statement& s = (*r)->by_login;
    reset_at_end at_end{s};
    s.bind(1, address);
    return (*r)->one(s);
}

result<std::shared_ptr<stored_account const>> store::find_address(std::string_view address)
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    for (statement* s : {&(*r)->by_login, &(*r)->by_alias}) {
        reset_at_end at_end{*s};
        s->bind(1, address);
        auto found = (*r)->one(*s);
        if (!found || *found) return found;
    }
    return std::shared_ptr<stored_account const>{};
}

result<std::shared_ptr<stored_account const>> store::oldest_account()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare(select_accounts("ORDER BY a.enabled DESC, a.id LIMIT 1").c_str());
    if (!s) return std::move(s).error();
    return (*r)->one(*s);
}

result<std::shared_ptr<stored_account const>> store::find_app_passwords(std::string_view address)
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto a = std::make_shared<stored_account>();
    a->who.address = address;
    if (auto filled = (*r)->app_passwords.fill(*a); !filled) return std::move(filled).error();
    if (a->who.app_passwords.empty()) a = nullptr;
    return std::shared_ptr<stored_account const>{std::move(a)};
}

result<std::vector<account>> store::list_accounts()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare(select_accounts("ORDER BY a.address").c_str());
    if (!s) return std::move(s).error();
    std::vector<account> list;
    for (;;) {
        auto row = s->step();
        if (!row) return std::move(row).error();
        if (!*row) return list;
        stored_account a;
        if (auto filled = (*r)->fill(*s, a); !filled) return std::move(filled).error();
        list.push_back(std::move(a.who));
    }
}

result<std::vector<std::string>> store::list_domains()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare("SELECT name FROM domains ORDER BY name");
    if (!s) return std::move(s).error();
    std::vector<std::string> list;
    for (;;) {
        auto row = s->step();
        if (!row) return std::move(row).error();
        if (!*row) return list;
        list.push_back(s->text(0));
    }
}

result<std::string> store::typical_verifier()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare(
        "SELECT verifier, cost, count(*) FROM ("
        "  SELECT * FROM (SELECT verifier, cost FROM accounts ORDER BY id LIMIT 500)"
        "  UNION ALL SELECT * FROM (SELECT verifier, cost FROM accounts ORDER BY id DESC LIMIT 500))"
        " GROUP BY cost ORDER BY count(*) DESC LIMIT 1");
    if (!s) return std::move(s).error();
    auto row = s->step();
    if (!row) return std::move(row).error();
    return *row ? s->text(0) : std::string{};
}

result<shapes_by_domain> store::typical_shapes(scram_shape const& ours)
{
    constexpr std::size_t most_shapes = 4;
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare(
        "SELECT substr(a.address, length(rtrim(a.address, replace(a.address, '@', ''))) + 1), h.column1, k.iterations,"
        " length(k.salt) FROM ("
        "  SELECT * FROM (SELECT id, address FROM accounts ORDER BY id LIMIT 500)"
        "  UNION SELECT * FROM (SELECT id, address FROM accounts ORDER BY id DESC LIMIT 500)) a"
        " JOIN (VALUES (20), (32), (64)) h LEFT JOIN scram_keys k ON k.account = a.id AND k.hash = h.column1"
        " GROUP BY 1, 2, 3, 4 ORDER BY count(*) DESC");
    if (!s) return std::move(s).error();
    shapes_by_domain found;
    for (;;) {
        auto row = s->step();
        if (!row) return std::move(row).error();
        if (!*row) return found;
        auto shape = ours;
        if (!s->is_null(2)) shape = {static_cast<std::uint32_t>(s->number(2)), static_cast<std::size_t>(s->number(3))};
        for (hash const h : scram_set::hashes) {
            if (static_cast<std::int64_t>(digest_size(h)) != s->number(1)) continue;
            auto& list = found[s->text(0)][static_cast<std::size_t>(h)];
            bool const known = std::find(list.begin(), list.end(), shape) != list.end();
            if (!known && list.size() < most_shapes && shape.salt_size != 0) list.push_back(shape);
        }
    }
}

result<std::string> store::find_note(std::string_view name)
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare("SELECT value FROM settings WHERE name = ?1");
    if (!s) return std::move(s).error();
    s->bind(1, name);
    auto row = s->step();
    if (!row) return std::move(row).error();
    return *row ? s->text(0) : std::string{};
}

result<std::vector<basic_scope>> store::list_basic_scopes()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    return read_basic_scopes(*(*r)->db);
}

result<role_map> store::list_roles()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare("SELECT address, role FROM roles");
    if (!s) return std::move(s).error();
    role_map all;
    for (;;) {
        auto row = s->step();
        if (!row) return std::move(row).error();
        if (!*row) return all;
        // A word of a later version, or a slip of somebody's hand, gives nobody anything.
        if (auto const known = parse_role(s->text(1))) all.emplace(s->text(0), *known);
    }
}

result<means_found> store::find_means(bool organisation, wall_time now)
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    return read_means(*(*r)->db, organisation, now);
}

result<bool> store::has_cram_md5()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare("SELECT 1 FROM accounts WHERE cram_md5 IS NOT NULL LIMIT 1");
    if (!s) return std::move(s).error();
    return s->step();
}

result<std::shared_ptr<stored_account const>> store::some_cram_md5()
{
    std::string address;
    {
        auto r = borrow();
        if (!r) return std::move(r).error();
        auto s = (*r)->db->prepare("SELECT address FROM accounts WHERE cram_md5 IS NOT NULL LIMIT 1");
        if (!s) return std::move(s).error();
        auto row = s->step();
        if (!row) return std::move(row).error();
        if (!*row) return std::shared_ptr<stored_account const>{};
        address = s->text(0);
    }
    return find_login(address);
}

result<std::size_t> store::count_accounts()
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare("SELECT count(*) FROM accounts");
    if (!s) return std::move(s).error();
    auto row = s->step();
    if (!row) return std::move(row).error();
    return *row ? static_cast<std::size_t>(s->number(0)) : 0;
}

result<bool> store::domain_in_use(std::string_view domain)
{
    auto r = borrow();
    if (!r) return std::move(r).error();
    auto s = (*r)->db->prepare(
        "SELECT 1 FROM (SELECT address FROM accounts UNION ALL SELECT address FROM aliases)"
        " WHERE substr(address, -length(?1)) = ?1 LIMIT 1");
    if (!s) return std::move(s).error();
    s->bind(1, "@" + std::string{domain});
    return s->step();
}

}  // namespace postern::directory
