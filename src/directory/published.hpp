// One immutable value that many threads read and few replace. Each reader's thread has
// a copy of the pointer in a slot of its own, so that readers do not wait for each other.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>

namespace postern::directory {

template <class T>
class published {
public:
    explicit published(std::shared_ptr<T const> first) { set(std::move(first)); }

    std::shared_ptr<T const> get() const
    {
        slot& s = slots_[mine()];
        std::lock_guard lock{s.lock};
        return s.value;
    }
    void set(std::shared_ptr<T const> value)
    {
        for (auto& s : slots_) {
            std::lock_guard lock{s.lock};
            s.value = value;
        }
    }

private:
    static constexpr std::size_t slots = 16;
    struct alignas(64) slot {
        std::mutex lock;
        std::shared_ptr<T const> value;
    };
    static std::size_t mine() noexcept
    {
        static std::atomic<std::size_t> next{0};
        thread_local std::size_t const number = next.fetch_add(1, std::memory_order_relaxed) % slots;
        return number;
    }
    mutable std::array<slot, slots> slots_;
};

}  // namespace postern::directory
