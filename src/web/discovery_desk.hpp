// What the discovery routes of all threads share: facts, how often who asks, and notes that are to be told.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/json/array.hpp>

#include "base/clock.hpp"
#include "porter/facts.hpp"
#include "porter/note.hpp"
#include "porter/pace.hpp"

namespace postern::web {

using shared_facts = std::shared_ptr<porter::facts const>;

class discovery_desk {
public:
    /// A change shows after as long; a domain that is not known is asked about sooner.
    static constexpr std::chrono::seconds usual_age{5}, age_for_strangers{1};
    static constexpr std::size_t most_notes = 200;

    explicit discovery_desk(std::chrono::milliseconds gathering) : gathering_(gathering) {}
    std::chrono::milliseconds gathering() const noexcept { return gathering_; }

    /// Null: there are none yet.
    shared_facts facts() const;
    /// Something that is the holder's alone to do, until it is let go.
    using turn = std::shared_ptr<void const>;

    /// Not null: they are older than that, and the caller is the one to ask for new ones, and to say by take() or
    /// give_up() what became of it. Others go on with what there is; before there is anything, everybody asks.
    turn turn_to_ask(steady_time now, std::chrono::seconds age);
    void take(porter::facts f, steady_time now);
    void give_up(steady_time now);

    bool admit(ip_address const& client, steady_time now);

    /// Not null: nobody is about to tell them, so the caller has to see to it.
    turn note(porter::note const& n, wall_time when);
    /// What has gathered, for one command. Empty: nothing; then the turn is over, and the next note begins anew.
    boost::json::array take_notes();

private:
    std::chrono::milliseconds const gathering_;
    mutable std::mutex lock_;
    shared_facts facts_;
    std::optional<steady_time> asked_;
    std::weak_ptr<void const> asking_;
    porter::pace pace_;
    std::vector<boost::json::object> notes_;
    std::size_t left_out_ = 0;
    std::weak_ptr<void const> telling_;
};

}  // namespace postern::web
