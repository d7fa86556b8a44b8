// How many connections lead to each address, whichever domains they are for, and which
// destinations wait for one of them to end. Thousands of domains may name the same exchanger:
// one that hangs must not hold a connection for each of them. On the dispatcher's thread only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "delivery/destination.hpp"

namespace postern::delivery {

class address_lines;

/// One connection to an address, which may be had again when this goes. May outlive the lines.
struct address_place {
    address_place(std::weak_ptr<address_lines> l, ip_address const& a) : of(std::move(l)), at(a) {}
    ~address_place();
    address_place(address_place const&) = delete;
    address_place& operator=(address_place const&) = delete;

    std::weak_ptr<address_lines> of;
    ip_address at;
};

class address_lines : public std::enable_shared_from_this<address_lines> {
public:
    /// Called when a place is free, with who waited longest and waits no more; the place is theirs.
    using next_in_line = std::function<void(std::shared_ptr<destination> const&, std::shared_ptr<address_place>)>;
    static std::shared_ptr<address_lines> make(next_in_line next);

    /// Null: `most` are taken.
    std::shared_ptr<address_place> take(ip_address const& at, unsigned most);
    bool is_full(ip_address const& at, unsigned most) const;
    /// To be called when the address is full.
    void wait(ip_address const& at, std::shared_ptr<destination> d);
    bool is_wanted(ip_address const& at) const;
    /// Those that wait since before `since`; they wait no more.
    std::vector<std::shared_ptr<destination>> give_up(steady_time since);

private:
    friend struct address_place;
    struct waiting {
        std::shared_ptr<destination> who;
        steady_time since;
    };
    struct line {
        unsigned taken = 0;
        std::deque<waiting> waits;
    };

    explicit address_lines(next_in_line next) : next_(std::move(next)) {}
    void leave(ip_address const& at);

    next_in_line next_;
    std::map<ip_address, line> lines_;
};

}  // namespace postern::delivery
