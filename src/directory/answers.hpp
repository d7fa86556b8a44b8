// What a back end answered to questions about names, and who waits for answers that are under
// way: a question that many ask is put once. Strangers choose the unknown names, so those have
// a room of their own and can't push users out. Any thread may call.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "directory/generation_cache.hpp"

namespace postern::directory {

/// Value: a pointer or an optional; empty stands for "no such name".
template <class Value>
class answers {
public:
    using handler = std::function<void(result<Value>)>;
    struct answer {
        Value value;
        steady_time when;
    };

    answers(std::size_t known, std::size_t unknown) : known_(known), unknown_(unknown) {}

    /// Both rooms are asked whatever is found: what it costs does not tell which it was.
    std::optional<answer> get(std::string_view name)
    {
        auto known = known_.get(name);
        auto unknown = unknown_.get(name);
        if (known && unknown) return known->when < unknown->when ? unknown : known;
        return known ? known : unknown;
    }
    /// The last one that was not "no such name".
    std::optional<answer> get_known(std::string_view name) { return known_.get(name); }
    void put(std::string_view name, Value const& v, steady_time now)
    {
        // In this order: nobody finds neither.
        (v ? known_ : unknown_).put(name, answer{v, now});
        (v ? unknown_ : known_).erase(name);
    }

    /// Whether the question has to be put now: nobody else waits for its answer.
    bool join(std::string_view name, handler h)
    {
        std::lock_guard lock{lock_};
        auto const [flight, first] = flights_.try_emplace(std::string{name});
        flight->second.push_back(std::move(h));
        return first;
    }
    /// Tells all who wait.
    void finish(std::string_view name, result<Value> const& a)
    {
        std::vector<handler> waiting;
        {
            std::lock_guard lock{lock_};
            auto const flight = flights_.find(std::string{name});
            if (flight == flights_.end()) return;
            waiting = std::move(flight->second);
            flights_.erase(flight);
        }
        for (auto& h : waiting) h(a);
    }

private:
    generation_cache<answer> known_;
    generation_cache<answer> unknown_;
    std::mutex lock_;
    std::unordered_map<std::string, std::vector<handler>> flights_;
};

}  // namespace postern::directory
