#include "forwarding/book.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/crypto.hpp"
#include "base/hex.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "base/whole_file.hpp"

namespace postern::forwarding {
namespace {

constexpr std::size_t file_limit = 32u << 20;
constexpr std::size_t most_targets = 100;
constexpr std::size_t key_size = 32;
constexpr std::size_t most_keys = 20;
// A key signs for so long, and is good until what it signed has expired.
constexpr std::int64_t key_days = 30;
constexpr std::int64_t longest_lifetime_days = 400;

std::int64_t day_of(wall_time t) { return std::chrono::floor<std::chrono::days>(t).time_since_epoch().count(); }

error damaged(std::filesystem::path const& file, std::size_t line)
{
    return {{4, 3, 0}, "", file.string() + ":" + std::to_string(line) + ": the line can't be understood"};
}

std::string_view take_word(std::string_view& line)
{
    auto const end = line.find('\t');
    auto const word = line.substr(0, end);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    return word;
}

bool is_storable(mail::mailbox const& m)
{
    return std::none_of(m.local_part.begin(), m.local_part.end(),
                        [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

std::optional<secret> key_of(std::string_view hex)
{
    if (hex.size() != 2 * key_size) return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        unsigned octet = 0;
        auto const end = hex.data() + i + 2;
        if (std::from_chars(hex.data() + i, end, octet, 16).ptr != end) return std::nullopt;
        out += static_cast<char>(octet);
    }
    return secret::take(out);
}

// Calls `each` with every line that says something; false ends it.
template <class Each>
result<> for_lines(std::filesystem::path const& file, Each each)
{
    auto const text = read_whole_file(file, file_limit);
    if (!text) return text.error();
    if (!*text) return done{};
    std::string_view rest = (*text)->reveal();
    for (std::size_t n = 1; !rest.empty(); ++n) {
        auto const end = rest.find('\n');
        auto const line = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (!line.empty() && !line.starts_with('#') && !each(line)) return damaged(file, n);
    }
    return done{};
}

}  // namespace

result<std::unique_ptr<book>> book::open(std::filesystem::path const& folder, wall_time now)
{
    std::unique_ptr<book> made{new book{folder}};
    if (auto r = made->read_forwards(); !r) return std::move(r).error();
    if (auto r = made->read_keys(); !r) return std::move(r).error();
    if (auto r = made->renew_keys(now); !r) return std::move(r).error();
    return made;
}

// "anna@example.com<TAB>keep|move<TAB>target<TAB>target..."
result<> book::read_forwards()
{
    table t;
    auto read = for_lines(folder_ / "forwards", [&](std::string_view line) {
        auto const address = mail::parse_mailbox(take_word(line));
        auto const how = take_word(line);
        forward f;
        f.keep = how == "keep";
        while (!line.empty() && f.targets.size() < most_targets) {
            auto target = mail::parse_mailbox(take_word(line));
            if (!target) return false;
            f.targets.push_back(std::move(*target));
        }
        if (!address || f.targets.empty() || !line.empty() || (how != "keep" && how != "move")) return false;
        f.address = *address;
        t[address->key()] = std::make_shared<forward const>(std::move(f));
        return true;
    });
    if (read) table_ = std::make_shared<table const>(std::move(t));
    return read;
}

// "DAY HEX", the newest first
result<> book::read_keys()
{
    return for_lines(folder_ / "srs.keys", [&](std::string_view line) {
        auto const blank = line.find(' ');
        dated_key k;
        auto const day = line.substr(0, blank);
        if (blank == std::string_view::npos || keys_.size() == most_keys) return false;
        if (std::from_chars(day.data(), day.data() + day.size(), k.day).ptr != day.data() + day.size()) return false;
        auto key = key_of(line.substr(blank + 1));
        if (!key) return false;
        k.key = std::move(*key);
        keys_.push_back(std::move(k));
        return true;
    });
}

// A new one when the newest has signed for long enough; those whose addresses have all expired go.
result<> book::renew_keys(wall_time now)
{
    auto const today = day_of(now);
    std::scoped_lock const lock{lock_};
    if (!keys_.empty() && today - keys_.front().day < key_days && keys_.front().day <= today) return done{};
    auto next = keys_;
    next.insert(next.begin(), dated_key{today, secret{random_octets(key_size)}});
    std::erase_if(next, [&](auto const& k) { return today - k.day > key_days + longest_lifetime_days; });
    if (next.size() > most_keys) next.resize(most_keys);
    std::string text;
    for (auto const& k : next) text += std::to_string(k.day) + ' ' + to_hex(k.key.reveal()) + '\n';
    auto written = replace_whole_file(folder_ / "srs.keys", text);
    wipe(text.data(), text.size());
    if (written) keys_ = std::move(next);
    return written;
}

std::shared_ptr<forward const> book::find(mail::mailbox const& address) const
{
    std::shared_ptr<table const> t;
    {
        std::scoped_lock const lock{lock_};
        t = table_;
    }
    if (t->empty()) return nullptr;
    auto const at = t->find(address.key());
    return at == t->end() ? nullptr : at->second;
}

std::map<std::string, std::shared_ptr<forward const>> book::all() const
{
    std::scoped_lock const lock{lock_};
    return *table_;
}

result<> book::write(table next)
{
    std::string text = "# Written by `postern forward`.\n";
    for (auto const& [key, f] : next) {
        text += f->address.to_string() + (f->keep ? "\tkeep" : "\tmove");
        for (auto const& target : f->targets) text += '\t' + target.to_string();
        text += '\n';
    }
    if (text.size() > file_limit) return error{{5, 3, 4}, "", "there are too many forwards"};
    if (auto written = replace_whole_file(folder_ / "forwards", text); !written) return written;
    std::scoped_lock const lock{lock_};
    table_ = std::make_shared<table const>(std::move(next));
    return done{};
}

result<> book::add(mail::mailbox const& address, mail::mailbox const& target, std::optional<bool> keep)
{
    if (!is_storable(address) || !is_storable(target))
        return error{{5, 1, 3}, "", "addresses with control characters can't be forwarded"};
    std::scoped_lock const one_at_a_time{changing_};
    auto next = all();
    auto const before = next.find(address.key());
    forward f = before == next.end() ? forward{} : *before->second;
    f.address = address;
    f.keep = keep.value_or(f.keep);
    bool const there =
        std::any_of(f.targets.begin(), f.targets.end(), [&](auto const& t) { return t.key() == target.key(); });
    if (!there) f.targets.push_back(target);
    if (f.targets.size() > most_targets)
        return error{{5, 3, 4}, "", "an address may be forwarded to " + std::to_string(most_targets) + " at most"};
    next[address.key()] = std::make_shared<forward const>(std::move(f));
    return write(std::move(next));
}

result<bool> book::remove(mail::mailbox const& address, std::optional<mail::mailbox> const& target)
{
    std::scoped_lock const one_at_a_time{changing_};
    auto next = all();
    auto const at = next.find(address.key());
    if (at == next.end()) return false;
    forward f = *at->second;
    auto const gone =
        target ? std::erase_if(f.targets, [&](auto const& t) { return t.key() == target->key(); }) : f.targets.size();
    if (gone == 0) return false;
    if (!target || f.targets.empty())
        next.erase(at);
    else
        at->second = std::make_shared<forward const>(std::move(f));
    if (auto written = write(std::move(next)); !written) return std::move(written).error();
    return true;
}

void book::configure(std::string srs_domain, std::chrono::seconds lifetime)
{
    std::scoped_lock const lock{lock_};
    srs_domain_ = mail::parse_domain(srs_domain).value_or(std::move(srs_domain));
    lifetime_ = std::chrono::duration_cast<std::chrono::hours>(lifetime);
}

bool book::is_return_address(mail::mailbox const& address) const
{
    if (!mail::is_srs(address)) return false;
    std::scoped_lock const lock{lock_};
    return address.domain == srs_domain_;
}

mail::mailbox book::rewritten(mail::mailbox const& sender, wall_time now)
{
    if (auto renewed = renew_keys(now); !renewed)
        log::event(log::level::warning, "srs_key_not_renewed", {{"problem", renewed.error().logged}});
    std::scoped_lock const lock{lock_};
    if (keys_.empty()) return sender;
    return mail::srs_forward(sender, srs_domain_, keys_.front().key, now).value_or(sender);
}

mail::srs_origin book::origin(mail::mailbox const& address, wall_time now) const
{
    std::scoped_lock const lock{lock_};
    std::vector<secret> keys;
    for (auto const& k : keys_) keys.push_back(k.key);
    return mail::srs_reverse(address, keys, lifetime_, now);
}

}  // namespace postern::forwarding
