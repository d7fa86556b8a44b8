#include "signing/key_store.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "mail/dkim_record.hpp"

namespace postern::signing {
namespace {

constexpr unsigned good_rsa_bits = 2048;
// A mail that is signed as the key retires may be delivered last of all.
constexpr std::chrono::hours after_last_delivery{48};
constexpr std::size_t name_limit = 253;

error wrong(std::string text) { return {{5, 3, 5}, "", std::move(text)}; }

/// "20261126", the day in UTC.
std::string day_of(wall_time t)
{
    auto const text = to_rfc3339(t);
    return text.substr(0, 4) + text.substr(5, 2) + text.substr(8, 2);
}

std::string full_name(key_row const& r) { return mail::dkim_record_name(r.selector, r.domain); }

}  // namespace

key_store::key_store(config::settings const& s, signer* out) : settings_(s), folder_(s.data_dir / "dkim"), out_(out)
{
    read();
    publish();
}

void key_store::reload(config::settings const& s)
{
    std::lock_guard const hold{lock_};
    settings_ = s;
    read();
    publish();
}

void key_store::read()
{
    problem_.clear();
    auto rows = read_rows(folder_);
    if (rows) {
        rows_ = std::move(*rows);
        return;
    }
    problem_ = rows.error().logged;
    log::event(log::level::error, "dkim_keys_unreadable", {{"problem", problem_}});
}

// What is in force now, to the signer.
void key_store::publish()
{
    if (out_ == nullptr) return;
    auto ring = std::make_shared<keyring>(settings_);
    if (!problem_.empty()) ring->set_problem(problem_);
    auto const add = [&](std::string const& domain, std::string const& selector, std::filesystem::path const& file) {
        auto key = read_key(file);
        if (!key) {
            log::event(log::level::error, "dkim_key_unusable",
                       {{"domain", domain},
                        {"selector", selector},
                        {"problem", key.error().logged},
                        {"action", settings_.dkim.on_failure}});
            return ring->add_problem(domain, key.error().logged);
        }
        if (key->what() == signing_key::kind::rsa && key->bits() < good_rsa_bits)
            log::event(log::level::warning, "dkim_key_weak",
                       {{"domain", domain},
                        {"selector", selector},
                        {"bits", key->bits()},
                        {"remedy", "make one of 2048 bits with `postern dkim create`"}});
        ring->add(domain, {selector, std::move(*key)});
    };
    for (auto const& r : rows_)
        if (r.state == key_state::active) add(r.domain, r.selector, key_path(folder_, r.domain, r.selector));
    for (auto const& k : settings_.dkim.keys) add(k.domain, k.selector, k.private_key);
    out_->set_keys(std::move(ring));
}

std::optional<error> key_store::unreadable() const
{
    if (problem_.empty()) return std::nullopt;
    return error{{4, 3, 0}, "", problem_};
}

key_view key_store::view_of(key_row const& row) const
{
    key_view v;
    v.row = row;
    auto key = read_key(key_path(folder_, row.domain, row.selector));
    if (key) {
        v.bits = key->bits();
        v.record = mail::dkim_record(*key);
    } else {
        v.problem = key.error().logged;
    }
    if (row.state == key_state::retired)
        v.keep_until = row.changed + settings_.delivery.give_up_after + after_last_delivery;
    return v;
}

std::vector<key_view> key_store::views(std::vector<key_row> const& rows) const
{
    std::vector<key_view> out;
    for (auto const& r : rows) out.push_back(view_of(r));
    return out;
}

std::vector<key_view> key_store::list() const
{
    std::lock_guard const hold{lock_};
    auto out = views(rows_);
    for (auto const& k : settings_.dkim.keys) {
        key_view v;
        v.configured = true;
        v.row.domain = k.domain;
        v.row.selector = k.selector;
        v.row.state = key_state::active;
        if (auto key = read_key(k.private_key)) {
            v.row.kind = key->what();
            v.bits = key->bits();
            v.record = mail::dkim_record(*key);
        } else {
            v.problem = key.error().logged;
        }
        out.push_back(std::move(v));
    }
    std::stable_sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return a.row.domain < b.row.domain; });
    return out;
}

result<> key_store::save(std::vector<key_row> rows)
{
    if (auto written = write_rows(folder_, rows); !written) return written;
    rows_ = std::move(rows);
    publish();
    return {};
}

bool key_store::is_taken(std::string_view domain, std::string_view selector) const
{
    auto const same = [&](auto const& k) { return k.domain == domain && k.selector == selector; };
    return std::any_of(rows_.begin(), rows_.end(), same) ||
           std::any_of(settings_.dkim.keys.begin(), settings_.dkim.keys.end(), same);
}

result<std::vector<key_view>> key_store::add(std::string const& domain, std::string const& stem,
                                             std::vector<signing_key::kind> const& kinds, bool stem_only, wall_time now)
{
    auto rows = rows_;
    std::vector<key_row> made;
    for (auto const kind : kinds) {
        key_row r;
        r.domain = domain;
        r.selector = stem_only ? stem : stem + '-' + std::string{to_string(kind)};
        r.kind = kind;
        r.created = r.changed = now;
        if (!mail::parse_selector(r.selector) || full_name(r).size() > name_limit)
            return wrong("the selector " + r.selector + " is too long for " + domain);
        if (is_taken(domain, r.selector))
            return wrong(domain + " has the selector " + r.selector + " already; `postern dkim list` shows all");
        made.push_back(r);
        rows.push_back(std::move(r));
    }
    if (rows.size() > most_keys) return wrong("there are too many keys; `postern dkim remove` takes old ones away");
    for (auto const& r : made) {
        auto key = signing_key::generate(r.kind);
        if (!key) return std::move(key).error();
        if (auto written = write_key(folder_, r, *key); !written) return std::move(written).error();
    }
    if (auto saved = save(std::move(rows)); !saved) return std::move(saved).error();
    for (auto const& r : made)
        log::event(log::level::info, "dkim_key_created",
                   {{"domain", r.domain}, {"selector", r.selector}, {"algorithm", to_string(r.kind)}});
    return views(made);
}

result<std::vector<key_view>> key_store::create(std::string const& domain, std::optional<std::string> const& selector,
                                                std::vector<signing_key::kind> const& kinds, wall_time now)
{
    std::lock_guard const hold{lock_};
    if (auto bad = unreadable()) return std::move(*bad);
    for (auto const& r : rows_) {
        bool const wanted = std::find(kinds.begin(), kinds.end(), r.kind) != kinds.end();
        if (r.domain == domain && wanted && r.state != key_state::retired)
            return wrong(domain + " has a key of the kind " + std::string{to_string(r.kind)} + " already, " +
                         r.selector + "; `postern dkim rotate " + domain + "` makes new ones");
    }
    return add(domain, selector.value_or(day_of(now)), kinds, selector.has_value() && kinds.size() == 1, now);
}

result<std::vector<key_view>> key_store::rotate(std::string const& domain, wall_time now)
{
    std::lock_guard const hold{lock_};
    if (auto bad = unreadable()) return std::move(*bad);
    std::vector<signing_key::kind> kinds;
    for (auto const& r : rows_) {
        if (r.domain != domain) continue;
        if (r.state == key_state::waiting)
            return wrong("the key " + r.selector + " of " + domain +
                         " still waits: publish its record, or take it away with `postern dkim remove " + domain + " " +
                         r.selector + "`");
        if (r.state == key_state::active && std::find(kinds.begin(), kinds.end(), r.kind) == kinds.end())
            kinds.push_back(r.kind);
    }
    if (kinds.empty())
        return wrong(domain + " has no key that Postern made; `postern dkim create " + domain + "` makes one");
    // Of one day the first is without a letter.
    auto stem = day_of(now);
    auto const is_free = [&](std::string const& one) {
        return std::none_of(kinds.begin(), kinds.end(),
                            [&](auto k) { return is_taken(domain, one + '-' + std::string{to_string(k)}); });
    };
    for (char letter = 'b'; letter <= 'z' && !is_free(stem); ++letter) stem = day_of(now) + letter;
    return add(domain, stem, kinds, false, now);
}

result<std::vector<key_view>> key_store::activate(std::string const& domain, std::string_view selector, wall_time now)
{
    std::lock_guard const hold{lock_};
    if (auto bad = unreadable()) return std::move(*bad);
    auto rows = rows_;
    std::vector<std::size_t> chosen;
    std::vector<key_row> active;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].domain != domain || !(selector.empty() || rows[i].selector == selector)) continue;
        if (rows[i].state == key_state::waiting) chosen.push_back(i);
        if (rows[i].state == key_state::active) active.push_back(rows[i]);
    }
    // The watch over the DNS may have been quicker.
    if (chosen.empty() && !active.empty()) return views(active);
    if (chosen.empty())
        return wrong(selector.empty() ? "no key of " + domain + " waits"
                                      : "the key " + std::string{selector} + " of " + domain + " does not wait");
    for (auto const i : chosen) {
        for (auto& r : rows) {
            if (r.domain != domain || r.kind != rows[i].kind || r.state != key_state::active) continue;
            r.state = key_state::retired;
            r.changed = now;
        }
        rows[i].state = key_state::active;
        rows[i].changed = now;
    }
    std::vector<key_row> changed;
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i].state != rows_[i].state) changed.push_back(rows[i]);
    if (auto saved = save(std::move(rows)); !saved) return std::move(saved).error();
    for (auto const& r : changed)
        log::event(log::level::info, r.state == key_state::active ? "dkim_key_active" : "dkim_key_retired",
                   {{"domain", r.domain}, {"selector", r.selector}});
    return views(changed);
}

result<> key_store::remove(std::string const& domain, std::string_view selector, bool force, wall_time now)
{
    std::lock_guard const hold{lock_};
    if (auto bad = unreadable()) return std::move(*bad);
    auto const at = std::find_if(rows_.begin(), rows_.end(),
                                 [&](auto const& r) { return r.domain == domain && r.selector == selector; });
    if (at == rows_.end())
        return wrong(domain + " has no key " + std::string{selector} +
                     " that Postern made; `postern dkim list` shows all");
    auto const gone = *at;
    if (!force && gone.state == key_state::active)
        return wrong("mail of " + domain + " is signed with " + gone.selector +
                     "; with --force it goes, and the mail is not signed with it any more");
    auto const until = gone.changed + settings_.delivery.give_up_after + after_last_delivery;
    if (!force && gone.state == key_state::retired && now < until)
        return wrong("mail that is signed with " + gone.selector + " may be on its way until " + to_rfc3339(until) +
                     ", and its record should stay in the DNS until then; --force takes it away now");
    auto rows = rows_;
    rows.erase(rows.begin() + (at - rows_.begin()));
    if (auto saved = save(std::move(rows)); !saved) return saved;
    remove_key(folder_, gone);
    log::event(log::level::info, "dkim_key_removed", {{"domain", gone.domain}, {"selector", gone.selector}});
    return {};
}

}  // namespace postern::signing
