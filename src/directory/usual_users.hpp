// What the users of a back end usually have, so that names it does not know can look the same:
// the cost of their passwords, and the shape of their SCRAM keys. Safe from several threads.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "directory/backend.hpp"
#include "directory/store.hpp"

namespace postern::directory {

/// Which of a few things most users have.
template <class Thing>
class most_common {
public:
    void count(Thing const& t)
    {
        // Kinds that come up later count from the beginning: whoever moves to another hash gets there.
        if (counts_.size() >= most_kinds && !counts_.contains(t)) counts_.clear();
        ++counts_[t];
    }
    Thing const* get() const
    {
        auto const most = std::max_element(counts_.begin(), counts_.end(),
                                           [](auto const& a, auto const& b) { return a.second < b.second; });
        return most == counts_.end() ? nullptr : &most->first;
    }

private:
    static constexpr std::size_t most_kinds = 16;
    std::map<Thing, std::size_t> counts_;
};

class usual_users {
public:
    void count(stored_account const& a);
    /// A verifier that no password fits, of the cost that most have. Empty: nobody was counted.
    std::string dummy() const;
    std::optional<scram_shape> shape(hash h) const;

private:
    mutable std::mutex lock_;
    most_common<std::string> costs_;
    std::string dummy_;
    std::string dummy_cost_;
    std::array<most_common<std::pair<std::uint32_t, std::size_t>>, scram_set::hashes.size()> shapes_;
};

}  // namespace postern::directory
