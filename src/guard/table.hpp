// A bounded table of small entries: sixteen of them in a bucket, a keyed hash chooses the
// bucket. It doubles while it may; when it may not, what is least useful of a full bucket
// makes room. No pointers, nothing allocated per entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace postern::guard {

/// Entry: `bool empty() const` and `bool same(Entry const&) const`; Hash gives the keyed hash
/// of an entry's key.
template <class Entry, class Hash>
class table {
public:
    /// At most so many entries, rounded up to a power of two.
    table(std::size_t most, Hash hash) : hash_(hash)
    {
        most_ = bucket_size;
        while (most_ < most) most_ *= 2;
    }

    Entry* find(Entry const& like)
    {
        if (slots_.empty()) return nullptr;
        auto* const first = bucket(hash_(like));
        for (auto* e = first; e != first + bucket_size; ++e)
            if (!e->empty() && e->same(like)) return e;
        return nullptr;
    }

    /// Finds the entry, or puts `like` in. `use(entry)`: how useful one is; at 0 and below it
    /// may go at any time.
    template <class Use>
    Entry& take(Entry const& like, Use use)
    {
        if (auto* const found = find(like)) return *found;
        if (slots_.empty()) slots_.resize(bucket_size);
        for (;;) {
            auto* const first = bucket(hash_(like));
            Entry* worst = first;
            auto least = use(*first);
            for (auto* e = first; e != first + bucket_size; ++e) {
                if (e->empty()) {
                    ++used_;
                    *e = like;
                    return *e;
                }
                if (auto const u = use(*e); u < least) {
                    least = u;
                    worst = e;
                }
            }
            if (least > 0 && slots_.size() < most_ && used_ * 2 >= slots_.size()) {
                grow();
                continue;
            }
            if (least > 0) ++evicted_;
            *worst = like;
            return *worst;
        }
    }

    template <class Visit>
    void each(Visit visit) const
    {
        for (auto const& e : slots_)
            if (!e.empty()) visit(e);
    }

    /// Takes out what `gone` says of; gives their number.
    template <class Gone>
    std::size_t erase_if(Gone gone)
    {
        std::size_t count = 0;
        for (auto& e : slots_) {
            if (e.empty() || !gone(e)) continue;
            e = Entry{};
            ++count;
        }
        used_ -= count;
        return count;
    }

    std::size_t size() const noexcept { return used_; }
    std::size_t octets() const noexcept { return slots_.capacity() * sizeof(Entry); }
    /// How many had to go that were still of use.
    std::uint64_t evicted() const noexcept { return evicted_; }

private:
    static constexpr std::size_t bucket_size = 16;

    // The low bits of the hash choose the shard.
    Entry* bucket(std::uint64_t hash)
    {
        return &slots_[((hash >> 8) & (slots_.size() / bucket_size - 1)) * bucket_size];
    }

    // Each bucket's entries part into two: none can overflow.
    void grow()
    {
        std::vector<Entry> old(slots_.size() * 2);
        old.swap(slots_);
        for (auto const& e : old) {
            if (e.empty()) continue;
            auto* to = bucket(hash_(e));
            while (!to->empty()) ++to;
            *to = e;
        }
    }

    Hash hash_;
    std::vector<Entry> slots_;
    std::size_t most_ = 0, used_ = 0;
    std::uint64_t evicted_ = 0;
};

}  // namespace postern::guard
