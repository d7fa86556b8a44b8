#include "delivery/day_counts.hpp"

#include <string_view>

#include "base/log.hpp"
#include "base/numbers.hpp"
#include "base/whole_file.hpp"

namespace postern::delivery {
namespace {

constexpr char const* file_name = "smart-hosts.today";
constexpr std::size_t longest_file = 1u << 20;

std::string_view take_word(std::string_view& line)
{
    auto const end = line.find(' ');
    auto const word = line.substr(0, end);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    return word;
}

}  // namespace

day_counts read_day_counts(std::filesystem::path const& folder)
{
    day_counts out;
    auto const stored = read_whole_file(folder / file_name, longest_file);
    if (!stored) log::event(log::level::error, "day_counts_not_read", {{"error", stored.error().logged}});
    if (!stored || !*stored) return out;
    for (std::string_view rest = (*stored)->reveal(); !rest.empty();) {
        auto const end = rest.find('\n');
        auto line = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        auto const began = parse_number<std::int64_t>(take_word(line));
        auto const messages = parse_number<std::uint32_t>(take_word(line));
        if (began && messages && !line.empty())
            out[std::string{line}] = {wall_time{} + std::chrono::seconds{*began}, *messages};
    }
    return out;
}

void write_day_counts(std::filesystem::path const& folder, day_counts const& counts)
{
    std::string text;
    for (auto const& [name, c] : counts) {
        auto const began = std::chrono::duration_cast<std::chrono::seconds>(c.began.time_since_epoch()).count();
        text += std::to_string(began) + ' ' + std::to_string(c.messages) + ' ' + name + '\n';
    }
    if (auto written = replace_whole_file(folder / file_name, text); !written)
        log::event(log::level::error, "day_counts_not_written", {{"error", written.error().logged}});
}

}  // namespace postern::delivery
