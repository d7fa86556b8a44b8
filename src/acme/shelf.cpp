#include "acme/shelf.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "acme/names.hpp"
#include "acme/schedule.hpp"
#include "base/crypto.hpp"
#include "base/hex.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/whole_file.hpp"

namespace postern::acme {
namespace json = boost::json;
namespace {

constexpr std::size_t longest_file = 1u << 20;
// Also a bound for what an authority never comes to an end with.
constexpr std::chrono::hours order_lasts{24};
constexpr std::string_view order_prefix = "order-";

std::filesystem::path folder_in(std::filesystem::path const& data_dir) { return data_dir / "acme"; }

error broken(std::string what) { return {shelf::of_no_use, "", std::move(what)}; }

/// Nothing: there is no such file.
result<std::optional<json::object>> read_object(std::filesystem::path const& file)
{
    auto const text = read_whole_file(file, longest_file);
    if (!text) return text.error();
    if (!*text) return std::optional<json::object>{};
    boost::system::error_code bad;
    auto value = json::parse((*text)->reveal(), bad);
    if (bad || !value.is_object()) return broken(file.string() + " is not what it was written as");
    return std::optional<json::object>{std::move(value.as_object())};
}

std::int64_t number_of(json::object const& o, std::string_view key)
{
    auto const* v = o.if_contains(key);
    return v && v->is_int64() ? v->as_int64() : 0;
}

result<ec_key> key_in(json::object const& o)
{
    std::string pem{text_in(o, "key")};
    auto const holder = secret::take(pem);
    return ec_key::parse(holder.reveal());
}

result<> write_with_key(std::filesystem::path const& file, json::object o, ec_key const& key)
{
    o["key"] = key.pem().reveal();
    auto text = json::serialize(o);
    auto const octets = secret::take(text);
    return replace_whole_file(file, octets.reveal());
}

bool is_whole(std::filesystem::path const& file, std::string& problem)
{
    net::server_tls_options o;
    o.certificates.push_back({file, file});
    auto const made = net::make_server_tls(o);
    if (!made) problem = made.error().logged;
    return made.has_value();
}

void add_whole(std::vector<net::certificate_files>& to, std::filesystem::path const& file)
{
    std::error_code none;
    std::string problem;
    if (!std::filesystem::exists(file, none)) return;
    if (is_whole(file, problem)) {
        to.push_back({file, file});
    } else {
        log::event(log::level::error, "certificate_unusable", {{"file", file.string()}, {"problem", problem}});
    }
}

}  // namespace

result<shelf> shelf::open(std::filesystem::path const& data_dir)
{
    auto folder = folder_in(data_dir);
    if (auto made = make_private_folder(folder); !made) return std::move(made.error());
    return shelf{std::move(folder)};
}

std::filesystem::path shelf::path_of(std::string const& id) const { return folder_ / (id + ".pem"); }

std::filesystem::path shelf::account_file(std::string const& directory) const
{
    return folder_ / ("account-" + to_hex(digest(hash::sha256, directory)).substr(0, 16) + ".json");
}

result<account> shelf::account_at(std::string const& directory)
{
    auto const file = account_file(directory);
    auto const kept = read_object(file);
    // A new key in its place would cost the account, and what is bound to it.
    if (!kept) return kept.error();
    if (*kept) {
        auto key = key_in(**kept);
        if (!key) return broken(file.string() + " holds no key: " + key.error().logged);
        return account{std::move(*key), std::string{text_in(**kept, "account")}};
    }
    auto key = ec_key::generate();
    if (!key) return std::move(key.error());
    account made{std::move(*key), {}};
    if (auto done = keep(directory, made); !done) return std::move(done.error());
    return made;
}

result<> shelf::keep(std::string const& directory, account const& a)
{
    json::object o;
    o["directory"] = directory;
    o["account"] = a.url;
    return write_with_key(account_file(directory), std::move(o), a.key);
}

std::string shelf::account_url_at(std::string const& directory) const
{
    auto const kept = read_object(account_file(directory));
    return kept && *kept ? std::string{text_in(**kept, "account")} : std::string{};
}

std::filesystem::path shelf::order_file(std::string const& id) const
{
    return folder_ / (std::string{order_prefix} + id + ".json");
}

result<> shelf::keep_order(std::string const& id, kept_order const& o)
{
    json::object out;
    out["directory"] = o.directory;
    out["order"] = o.url;
    json::array names;
    for (auto const& name : o.names) names.emplace_back(name);
    out["names"] = std::move(names);
    out["begun"] = to_microseconds(o.begun);
    return write_with_key(order_file(id), std::move(out), o.key);
}

std::optional<kept_order> shelf::order_of(std::string const& id) const
{
    // Whatever is wrong with it: another one is made.
    auto const kept = read_object(order_file(id));
    if (!kept || !*kept) return std::nullopt;
    auto key = key_in(**kept);
    if (!key) return std::nullopt;
    kept_order o{std::string{text_in(**kept, "directory")},
                 std::string{text_in(**kept, "order")},
                 {},
                 std::move(*key),
                 from_microseconds(number_of(**kept, "begun"))};
    if (auto const* names = (**kept).if_contains("names"); names && names->is_array())
        for (auto const& name : names->as_array())
            if (name.is_string()) o.names.emplace_back(name.as_string());
    return o;
}

void shelf::drop_order(std::string const& id)
{
    std::error_code ignored;
    std::filesystem::remove(order_file(id), ignored);
}

void shelf::drop_old_orders(wall_time now)
{
    std::error_code none;
    std::vector<std::filesystem::path> all;
    for (std::filesystem::directory_iterator at{folder_, none}, end; !none && at != end; at.increment(none))
        if (at->path().filename().string().starts_with(order_prefix)) all.push_back(at->path());
    for (auto const& file : all) {
        // Half of one, of a process that was killed while it wrote.
        if (file.extension() == ".new") {
            std::filesystem::remove(file, none);
            continue;
        }
        // What can't be read now may be read the next time.
        if (auto const there = read_whole_file(file, longest_file); !there) continue;
        auto const id = file.stem().string().substr(order_prefix.size());
        auto const o = order_of(id);
        if (!o || !fits(*o, o->directory, o->names, now)) drop_order(id);
    }
}

result<net::certificate_summary> shelf::put(std::string const& id, std::string const& chain, ec_key const& key,
                                            std::vector<std::string> const& names)
{
    auto const file = path_of(id);
    auto const trial = folder_ / (id + ".new");
    auto const pem = key.pem();
    auto both = chain + (chain.ends_with('\n') ? "" : "\n") + std::string{pem.reveal()};
    auto const octets = secret::take(both);
    if (auto written = replace_whole_file(trial, octets.reveal()); !written) return std::move(written.error());
    std::string problem;
    auto facts = is_whole(trial, problem) ? net::summarize(trial) : broken(problem);
    std::error_code ignored;
    std::filesystem::remove(trial, ignored);
    if (!facts) return std::move(facts).error();
    for (auto const& name : names)
        if (std::ranges::find(facts->names, name) == facts->names.end())
            return broken("the certificate that came does not have the name " + name);
    if (facts->days_left < 0) return broken("the certificate that came has expired");
    if (auto written = replace_whole_file(file, octets.reveal()); !written) return std::move(written.error());
    return facts;
}

std::optional<net::certificate_summary> shelf::find(std::string const& id) const
{
    auto const file = path_of(id);
    std::error_code none;
    std::string problem;
    if (!std::filesystem::exists(file, none) || !is_whole(file, problem)) return std::nullopt;
    auto facts = net::summarize(file);
    if (!facts) return std::nullopt;
    return std::move(*facts);
}

std::optional<ec_key> shelf::key_of(std::string const& id) const
{
    auto const text = read_whole_file(path_of(id), longest_file);
    if (!text || !*text) return std::nullopt;
    auto key = ec_key::parse((*text)->reveal());
    if (!key) return std::nullopt;
    return std::move(*key);
}

std::map<std::string, attempts> shelf::read_attempts() const
{
    std::map<std::string, attempts> all;
    auto const kept = read_object(folder_ / "attempts.json");
    if (!kept || !*kept) return all;
    for (auto const& [id, value] : **kept) {
        if (!value.is_object() || all.size() == most_groups) continue;
        auto const& o = value.as_object();
        attempts a;
        a.failures = static_cast<unsigned>(std::clamp<std::int64_t>(number_of(o, "failures"), 0, 1000));
        a.failed_at = from_microseconds(number_of(o, "failed_at"));
        a.not_before = from_microseconds(number_of(o, "not_before"));
        auto const why = std::clamp<std::int64_t>(number_of(o, "cause"), 0, static_cast<int>(trouble::cause::other));
        a.last.why = static_cast<trouble::cause>(why);
        a.last.ordered = number_of(o, "ordered") != 0;
        a.last.type = text_in(o, "type");
        a.last.detail = text_in(o, "detail");
        all.emplace(std::string{id}, std::move(a));
    }
    return all;
}

result<> shelf::keep_attempts(std::map<std::string, attempts> const& all)
{
    json::object o;
    for (auto const& [id, a] : all) {
        json::object one;
        one["failures"] = a.failures;
        one["failed_at"] = to_microseconds(a.failed_at);
        one["not_before"] = to_microseconds(a.not_before);
        one["cause"] = static_cast<int>(a.last.why);
        one["ordered"] = a.last.ordered ? 1 : 0;
        one["type"] = a.last.type;
        one["detail"] = a.last.detail;
        o[id] = std::move(one);
    }
    return replace_whole_file(folder_ / "attempts.json", json::serialize(o));
}

bool fits(kept_order const& o, std::string const& directory, std::vector<std::string> const& names, wall_time now)
{
    return o.directory == directory && o.names == names && o.begun <= now && now - o.begun < order_lasts;
}

wall_time renewal_time(net::certificate_summary const& c)
{
    // Of its serial number, so that it stays over a restart.
    double const dice = c.serial.empty() ? 0 : static_cast<unsigned char>(c.serial.back()) / 255.0;
    return renewal_of(c.not_before, c.not_after, dice);
}

std::vector<net::certificate_files> mail_certificates(config::settings const& s)
{
    std::vector<net::certificate_files> files;
    if (!s.tls.certificate.empty()) files.push_back({s.tls.certificate, s.tls.private_key});
    for (auto const& g : groups_of(s, {}))
        if (g.for_mail) add_whole(files, folder_in(s.data_dir) / (g.id + ".pem"));
    for (auto const& c : s.tls.more) files.push_back({c.chain, c.private_key});
    return files;
}

std::vector<net::certificate_files> web_certificates(config::settings const& s,
                                                     std::vector<std::string> const& local_domains)
{
    std::vector<net::certificate_files> files;
    if (!s.web.certificate.empty()) files.push_back({s.web.certificate, s.web.private_key});
    auto const groups = groups_of(s, local_domains);
    for (auto const& g : groups)
        if (!g.for_mail && g.id == "web") add_whole(files, folder_in(s.data_dir) / "web.pem");
    if (files.empty() && !s.tls.certificate.empty()) {
        files.push_back({s.tls.certificate, s.tls.private_key});
        for (auto const& c : s.tls.more) files.push_back({c.chain, c.private_key});
    }
    for (auto const& g : groups)
        if (!g.for_mail && g.id != "web") add_whole(files, folder_in(s.data_dir) / (g.id + ".pem"));
    return files;
}

}  // namespace postern::acme
