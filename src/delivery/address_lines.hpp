// How many connections lead to each server, whichever domains they are for, and which
// destinations wait for one of them to end. Thousands of domains may name the same exchanger:
// one that hangs must not hold a connection for each of them. On the dispatcher's thread only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "delivery/destination.hpp"

namespace postern::delivery {

class address_lines;

/// What the connections to an address are counted under: the port, and for IPv6 the /64, since
/// a server may have as many addresses of it as it likes.
std::string line_of(endpoint const& at);

/// One connection to a server, which may be had again when this goes. May outlive the lines.
struct address_place {
    address_place(std::weak_ptr<address_lines> l, std::string a) : of(std::move(l)), at(std::move(a)) {}
    ~address_place();
    address_place(address_place const&) = delete;
    address_place& operator=(address_place const&) = delete;

    std::weak_ptr<address_lines> of;
    std::string at;
};

class address_lines : public std::enable_shared_from_this<address_lines> {
public:
    /// Called when a place is free, with who waited longest; the place is theirs. To be followed
    /// by left(), not in between.
    using next_in_line = std::function<void(std::shared_ptr<destination> const&, std::shared_ptr<address_place>)>;
    static std::shared_ptr<address_lines> make(next_in_line next);

    /// Places that each server has. More of them go to those who wait.
    void set_most(unsigned most);
    /// Null: all are taken.
    std::shared_ptr<address_place> take(std::string const& at);
    bool is_full(std::string const& at) const;

    /// To be called when the server has no place. Who waits already is not in line twice.
    void wait(std::string const& at, std::shared_ptr<destination> const& d);
    /// Mail of somebody who waits comes with it; false: the line has `most` recipients already.
    bool add(destination& d, std::size_t recipients, std::size_t most);
    /// Its mail is gone, but it still waits.
    void emptied(destination& d);
    /// It waits no more.
    void left(destination& d);
    bool is_wanted(std::string const& at) const;
    /// Those that wait since before `since`; they wait no more.
    std::vector<std::shared_ptr<destination>> give_up(steady_time since);
    /// Recipients that wait in all lines.
    std::size_t recipients() const noexcept { return recipients_; }

private:
    friend struct address_place;
    struct waiting {
        std::shared_ptr<destination> who;
        steady_time since;
    };
    struct line {
        unsigned taken = 0;
        std::size_t recipients = 0;
        std::deque<waiting> waits;
    };

    explicit address_lines(next_in_line next) : next_(std::move(next)) {}
    void leave(std::string const& at);
    void hand_on(std::string const& at, line& l);

    next_in_line next_;
    unsigned most_ = 1;
    std::size_t recipients_ = 0;
    std::map<std::string, line, std::less<>> lines_;
};

}  // namespace postern::delivery
