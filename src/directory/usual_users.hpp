// What the users of a back end usually have, so that names it does not know can look the same:
// the cost of their passwords, and the shape of their SCRAM keys. Each user has one voice, however often
// it logs in, and what was found stays until clearly more users have something else: who can make one user
// log in must not be able to change what all the names look like that nobody has. Kept over restarts by whoever
// asks for it as text. Safe from several threads.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "directory/backend.hpp"
#include "directory/store.hpp"

namespace postern::directory {

/// Which of a few things most users have.
template <class Thing>
class ballot {
public:
    /// Whether another one won.
    bool cast(std::uint64_t voter, Thing const& t)
    {
        auto const known = votes_.find(voter);
        if (known == votes_.end() && votes_.size() >= most_voters) return false;
        if (known != votes_.end() && known->second == t) return false;
        if (!counts_.contains(t) && counts_.size() >= most_kinds) return false;
        ++counts_[t];
        if (known != votes_.end()) {
            auto const before = counts_.find(known->second);
            if (--before->second == 0) counts_.erase(before);
        }
        votes_.insert_or_assign(voter, t);
        if (!won_) {
            won_ = t;
            return true;
        }
        auto const best = std::max_element(counts_.begin(), counts_.end(),
                                           [](auto const& a, auto const& b) { return a.second < b.second; });
        auto const mine = counts_.find(*won_);
        if (best == mine || best->second < 2 * (mine == counts_.end() ? 0 : mine->second) + head_start) return false;
        won_ = best->first;
        return true;
    }
    /// As it was before a restart.
    void set(Thing t) { won_ = std::move(t); }
    std::optional<Thing> const& winner() const { return won_; }

private:
    static constexpr std::size_t most_kinds = 16;
    static constexpr std::size_t most_voters = 100'000;
    static constexpr std::size_t head_start = 3;
    std::map<Thing, std::size_t> counts_;
    std::unordered_map<std::uint64_t, Thing> votes_;
    std::optional<Thing> won_;
};

class usual_users {
public:
    void count(stored_account const& a);
    /// A verifier that no password fits, of the cost that most have. Empty: nobody was counted.
    std::string dummy() const;
    std::optional<scram_shape> shape(hash h) const;

    /// All of it, if it changed since this was asked last.
    std::optional<std::string> news();
    /// What news() gave before a restart. What can't be read is left out.
    void remember(std::string_view text);

private:
    mutable std::mutex lock_;
    ballot<std::string> costs_;
    std::string dummy_;
    std::string dummy_cost_;
    std::array<ballot<std::pair<std::uint32_t, std::size_t>>, scram_set::hashes.size()> shapes_;
    bool changed_ = false;
};

}  // namespace postern::directory
