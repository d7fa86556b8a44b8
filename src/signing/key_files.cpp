#include "signing/key_files.hpp"

#include <optional>

#include <unistd.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/json.hpp"
#include "base/whole_file.hpp"
#include "mail/address.hpp"
#include "mail/dkim_record.hpp"

namespace postern::signing {
namespace {

namespace json = boost::json;

constexpr std::size_t rows_limit = 1u << 20, key_limit = 64u << 10;

std::optional<key_row> read_row(json::value const& v)
{
    auto const* o = v.if_object();
    if (o == nullptr) return std::nullopt;
    auto const time = [&](char const* key) {
        auto const* found = o->if_contains(key);
        return from_microseconds(found != nullptr && found->is_int64() ? found->as_int64() : 0);
    };
    key_row r;
    r.domain = mail::parse_domain(text_in(*o, "domain")).value_or("");
    r.selector = mail::parse_selector(text_in(*o, "selector")).value_or("");
    if (r.domain.empty() || r.selector.empty()) return std::nullopt;
    auto const kind = text_in(*o, "algorithm");
    auto const state = text_in(*o, "state");
    if (kind == "ed25519") r.kind = signing_key::kind::ed25519;
    if (state == "active") r.state = key_state::active;
    if (state == "retired") r.state = key_state::retired;
    if (kind != to_string(r.kind) || state != to_string(r.state)) return std::nullopt;
    r.created = time("created");
    r.changed = time("changed");
    return r;
}

std::filesystem::path rows_path(std::filesystem::path const& folder) { return folder / "keys.json"; }

}  // namespace

std::string_view to_string(key_state s) noexcept
{
    return s == key_state::waiting ? "waiting" : s == key_state::active ? "active" : "retired";
}

std::string_view to_string(signing_key::kind k) noexcept { return k == signing_key::kind::rsa ? "rsa" : "ed25519"; }

result<std::vector<key_row>> read_rows(std::filesystem::path const& folder)
{
    auto const path = rows_path(folder);
    auto text = read_whole_file(path, rows_limit);
    if (!text) return std::move(text).error();
    if (!*text) return std::vector<key_row>{};
    auto const damaged = [&] { return error{{4, 3, 0}, "", path.string() + " is damaged"}; };
    boost::system::error_code bad;
    json::value const all = json::parse((*text)->reveal(), bad);
    auto const* list = !bad && all.is_object() ? all.as_object().if_contains("keys") : nullptr;
    if (list == nullptr || !list->is_array() || list->as_array().size() > most_keys) return damaged();
    std::vector<key_row> rows;
    for (auto const& one : list->as_array()) {
        auto row = read_row(one);
        if (!row) return damaged();
        rows.push_back(std::move(*row));
    }
    return rows;
}

result<> write_rows(std::filesystem::path const& folder, std::vector<key_row> const& rows)
{
    json::array list;
    for (auto const& r : rows) {
        json::object o;
        o["domain"] = r.domain;
        o["selector"] = r.selector;
        o["algorithm"] = to_string(r.kind);
        o["state"] = to_string(r.state);
        o["created"] = to_microseconds(r.created);
        o["changed"] = to_microseconds(r.changed);
        list.push_back(std::move(o));
    }
    json::object all;
    all["keys"] = std::move(list);
    if (auto made = make_private_folder(folder); !made) return made;
    return replace_whole_file(rows_path(folder), json::serialize(all) + '\n');
}

std::filesystem::path key_path(std::filesystem::path const& folder, std::string_view domain, std::string_view selector)
{
    return folder / domain / (std::string{selector} + ".pem");
}

result<signing_key> read_key(std::filesystem::path const& file)
{
    auto text = read_whole_file(file, key_limit);
    if (!text) return std::move(text).error();
    if (!*text) return error{{4, 3, 0}, "", file.string() + " is not there"};
    auto key = signing_key::parse((*text)->reveal());
    if (!key) key.error().logged = file.string() + ": " + key.error().logged;
    return key;
}

result<> write_key(std::filesystem::path const& folder, key_row const& row, signing_key const& key)
{
    auto const path = key_path(folder, row.domain, row.selector);
    if (auto made = make_private_folder(folder); !made) return made;
    if (auto made = make_private_folder(path.parent_path()); !made) return made;
    return replace_whole_file(path, key.pem().reveal());
}

void remove_key(std::filesystem::path const& folder, key_row const& row)
{
    auto const path = key_path(folder, row.domain, row.selector);
    ::unlink(path.c_str());
    ::rmdir(path.parent_path().c_str());  // stays while it holds others
}

}  // namespace postern::signing
