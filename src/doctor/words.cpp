#include "doctor/words.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace postern::doctor {

std::string readable(wall_time t)
{
    auto text = to_rfc3339(t).substr(0, 16);
    if (text.size() > 10) text[10] = ' ';
    return text + " UTC";
}

std::string readable(wall_clock::duration d)
{
    using namespace std::chrono;
    auto const count = [](auto n, std::string_view unit) {
        return std::to_string(n) + ' ' + std::string{unit} + (n == 1 ? "" : "s");
    };
    if (d < d.zero()) d = -d;
    if (d >= hours{48}) return count(duration_cast<hours>(d).count() / 24, "day");
    if (d >= hours{2}) return count(duration_cast<hours>(d).count(), "hour");
    if (d >= minutes{2}) return count(duration_cast<minutes>(d).count(), "minute");
    if (d >= seconds{1}) return count(duration_cast<seconds>(d).count(), "second");
    return std::to_string(duration_cast<milliseconds>(d).count()) + " ms";
}

std::string readable_octets(std::uint64_t n)
{
    constexpr std::array units{"octets", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    auto tenths = n * 10;
    while (tenths >= 10'240 && unit + 1 < units.size()) {
        tenths /= 1024;
        ++unit;
    }
    auto text = std::to_string(tenths / 10);
    if (unit != 0 && tenths % 10 != 0) text += '.' + std::to_string(tenths % 10);
    return text + ' ' + units[unit];
}

std::string joined(std::vector<std::string> const& texts)
{
    std::string all;
    for (auto const& t : texts) all += (all.empty() ? "" : ", ") + t;
    return all;
}

}  // namespace postern::doctor
