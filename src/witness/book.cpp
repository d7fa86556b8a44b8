#include "witness/book.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>

#include "base/text.hpp"

namespace postern::witness {

book::entry* book::find(std::string_view code, steady_time now)
{
    std::erase_if(entries_, [now](entry const& e) { return e.ends <= now; });
    auto const found =
        std::ranges::find_if(entries_, [&](entry const& e) { return equal_ignoring_case(e.code, code); });
    return found == entries_.end() ? nullptr : &*found;
}

result<std::string> book::issue(std::chrono::seconds life, steady_time now)
{
    std::scoped_lock guard{lock_};
    std::erase_if(entries_, [now](entry const& e) { return e.ends <= now; });
    if (entries_.size() >= most_codes)
        return error{
            {4, 3, 2}, "", "there are " + std::to_string(most_codes) + " codes already; wait until one expires"};
    auto code = make_code();
    entries_.push_back({code, now + std::min(life, longest_life), {}});
    return code;
}

bool book::knows(std::string_view code, steady_time now)
{
    std::scoped_lock guard{lock_};
    return find(code, now) != nullptr;
}

void book::note(std::string_view code, sighting const& s, steady_time now)
{
    std::scoped_lock guard{lock_};
    auto* const e = find(code, now);
    if (e == nullptr) return;
    auto const known = std::ranges::find(e->seen, s.session, &sighting::session);
    if (known != e->seen.end()) {
        *known = s;
    } else if (e->seen.size() < most_sessions) {
        e->seen.push_back(s);
    }
}

std::optional<std::vector<sighting>> book::read(std::string_view code, steady_time now)
{
    std::scoped_lock guard{lock_};
    auto const* const e = find(code, now);
    if (e == nullptr) return std::nullopt;
    return e->seen;
}

std::vector<std::string> lines_of(std::vector<sighting> seen)
{
    // A line of a reply has 512 octets at most (RFC 5321 section 4.5.3.1.5).
    constexpr std::size_t piece = 480;
    auto text = boost::json::serialize(to_json(seen));
    while (text.size() > longest_record && !seen.empty()) {
        seen.erase(seen.begin());
        text = boost::json::serialize(to_json(seen));
    }
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size(); at += piece) lines.push_back(text.substr(at, piece));
    return lines;
}

}  // namespace postern::witness
