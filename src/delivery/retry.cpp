#include "delivery/retry.hpp"

namespace postern::delivery {

using namespace std::chrono_literals;

std::vector<std::chrono::seconds> default_waits() { return {5min, 10min, 20min, 30min, 1h, 2h, 4h}; }

std::chrono::milliseconds next_wait(std::vector<std::chrono::seconds> const& waits, std::chrono::seconds age,
                                    double random)
{
    static std::vector<std::chrono::seconds> const usual = default_waits();
    auto const& list = waits.empty() ? usual : waits;
    std::chrono::seconds wait = list.back();
    std::chrono::seconds until{0};
    for (auto const w : list) {
        until += w;
        // An attempt comes up to a tenth early, and still belongs to the wait before it.
        if (age < until - until / 10) {
            wait = w;
            break;
        }
    }
    if (wait < 1s) wait = 1s;
    auto const exact = std::chrono::duration<double, std::milli>{wait};
    return std::chrono::duration_cast<std::chrono::milliseconds>(exact * (0.9 + 0.2 * random));
}

}  // namespace postern::delivery
