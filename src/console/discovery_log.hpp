// Who asked for the settings of mail programs, and what was answered: the last ones, in memory. The web process tells of
// them in batches. Everything in a row but its time comes from strangers, or from a process that reads what they send.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace postern::console {

struct discovery_row {
    std::uint64_t number = 0;
    std::string time, client, host, path, kind, domain, user_agent, answer;
    unsigned status = 0;
};

class discovery_log {
public:
    static constexpr std::size_t most = 1000;
    static constexpr std::size_t longest_text = 200;

    /// Texts are cut, and made printable.
    void note(discovery_row row);
    /// Newest first.
    std::vector<discovery_row> latest(std::size_t limit) const;

private:
    mutable std::mutex lock_;
    std::deque<discovery_row> rows_;
    std::uint64_t next_ = 1;
};

}  // namespace postern::console
