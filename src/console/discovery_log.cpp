#include "console/discovery_log.hpp"

#include "base/text.hpp"

namespace postern::console {

void discovery_log::note(discovery_row row)
{
    for (auto* text :
         {&row.time, &row.client, &row.host, &row.path, &row.kind, &row.domain, &row.user_agent, &row.answer})
        *text = printable(*text, longest_text);
    std::scoped_lock const hold{lock_};
    row.number = next_++;
    rows_.push_back(std::move(row));
    if (rows_.size() > most) rows_.pop_front();
}

std::vector<discovery_row> discovery_log::latest(std::size_t limit) const
{
    std::scoped_lock const hold{lock_};
    std::vector<discovery_row> found;
    for (auto at = rows_.rbegin(); at != rows_.rend() && found.size() < limit; ++at) found.push_back(*at);
    return found;
}

}  // namespace postern::console
