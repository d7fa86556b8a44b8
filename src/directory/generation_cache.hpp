// A bounded map in memory for many readers: in shards, each with its own lock, so that
// threads rarely meet. What was not asked for since the last turn of a shard's two
// generations goes first; every operation costs the same however full it is.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace postern::directory {

template <class Value>
class generation_cache {
public:
    explicit generation_cache(std::size_t entries) : limit_(entries / (2 * shards) + 1) {}

    std::optional<Value> get(std::string_view key)
    {
        std::size_t const h = hasher{}(key);
        shard& s = shards_[h % shards];
        std::lock_guard lock{s.lock};
        if (auto const found = s.young.find(key); found != s.young.end()) return found->second;
        auto const found = s.old.find(key);
        if (found == s.old.end()) return std::nullopt;
        auto node = s.old.extract(found);
        std::optional<Value> value{node.mapped()};
        s.young.insert(std::move(node));
        turn(s);
        return value;
    }

    /// `still_good` is asked under the shard's lock: whoever changes what the values come
    /// from, then clears, knows that no outdated value slips in behind.
    template <class Check>
    void put(std::string_view key, Value value, Check&& still_good)
    {
        shard& s = shards_[hasher{}(key) % shards];
        std::lock_guard lock{s.lock};
        if (!still_good()) return;
        s.young.insert_or_assign(std::string{key}, std::move(value));
        turn(s);
    }
    void put(std::string_view key, Value value)
    {
        put(key, std::move(value), [] { return true; });
    }

    void erase(std::string_view key)
    {
        shard& s = shards_[hasher{}(key) % shards];
        std::lock_guard lock{s.lock};
        if (auto const found = s.young.find(key); found != s.young.end()) s.young.erase(found);
        if (auto const found = s.old.find(key); found != s.old.end()) s.old.erase(found);
    }

    void clear()
    {
        for (auto& s : shards_) {
            map young;
            map old;
            std::lock_guard lock{s.lock};
            // Destroyed after the lock: emptying may take a while.
            s.young.swap(young);
            s.old.swap(old);
        }
    }

private:
    static constexpr std::size_t shards = 32;

    struct hasher {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
    };
    using map = std::unordered_map<std::string, Value, hasher, std::equal_to<>>;
    struct alignas(64) shard {
        std::mutex lock;
        map young;
        map old;
    };

    void turn(shard& s)
    {
        if (s.young.size() < limit_) return;
        s.old = std::move(s.young);
        s.young = map{};
    }

    std::size_t limit_;
    std::array<shard, shards> shards_;
};

}  // namespace postern::directory
