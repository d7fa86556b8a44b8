#include "escort/sessions.hpp"

namespace postern::escort {
namespace {

constexpr std::size_t most_rows = 20'000;  // until they are stored, some seconds later
constexpr std::size_t longest_detail = 200;
using days = std::chrono::duration<std::int64_t, std::ratio<86400>>;

std::string key_of(session_row const& r)
{
    std::string key = std::to_string(r.day);
    for (auto const* part : {&r.domain, &r.policy.type, &r.policy.domain, &r.policy.text, &r.result, &r.host,
                             &r.address, &r.own_address, &r.detail}) {
        key += '\0';
        key += *part;
    }
    return key;
}

}  // namespace

std::int64_t day_of(wall_time t) noexcept { return std::chrono::floor<days>(t.time_since_epoch()).count(); }

wall_time begin_of_day(std::int64_t day) noexcept { return wall_time{days{day}}; }

void session_book::add(session_row row)
{
    row.detail.resize(std::min(row.detail.size(), longest_detail));
    std::lock_guard const hold{lock_};
    auto const key = key_of(row);
    auto const at = rows_.find(key);
    if (at != rows_.end()) {
        at->second.count += row.count;
    } else if (rows_.size() < most_rows) {
        rows_.emplace(key, std::move(row));
    }
}

std::vector<session_row> session_book::take()
{
    std::unordered_map<std::string, session_row> taken;
    {
        std::lock_guard const hold{lock_};
        taken.swap(rows_);
    }
    std::vector<session_row> out;
    out.reserve(taken.size());
    for (auto& [key, row] : taken) out.push_back(std::move(row));
    return out;
}

}  // namespace postern::escort
