// Writes fates down: the settlement in the spool, the report to the sender, the line in the
// log. Used on delivery's thread; the spool's answers come from its own threads.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "delivery/outcome.hpp"
#include "delivery/plan.hpp"
#include "spool/spool.hpp"

namespace postern::delivery {

class settler {
public:
    /// `progress` is called on the executor after settlements have reached the disk.
    settler(boost::asio::any_io_executor executor, spool::spool& queue, std::function<wall_time()> now,
            std::function<void()> progress,
            std::function<void(std::string const& account, std::uint32_t count)> on_bounces = {},
            signing::signer* signer = nullptr);
    ~settler();
    settler(settler const&) = delete;
    settler& operator=(settler const&) = delete;

    /// One outcome per recipient of the job. `not_before`: a deferred one is not tried earlier,
    /// nor much later (the host is known to be down until then). `give_up`: by that rule it is not
    /// tried again at all.
    void settle(job const& j, std::vector<outcome> const& outcomes, attempt const& how, plan const& p,
                std::optional<wall_time> not_before = std::nullopt, catalogue::rule const* give_up = nullptr);
    /// Gives a job back to the spool without an attempt, for about a minute or until then; what has no
    /// more time counts as tried.
    void put_off(job const& j, outcome const& why, plan const& p, std::optional<wall_time> until = std::nullopt);

    /// What chance begins with; else it is chance.
    void seed(unsigned n) { random_.seed(n); }
    /// Settlements that are not on the disk yet.
    std::size_t pending() const noexcept;

private:
    struct shared;
    struct item;
    void hand_over(std::shared_ptr<item> const& i);
    void sign_and_hand_over(std::shared_ptr<item> const& i);
    void drain();

    boost::asio::any_io_executor executor_;
    spool::spool& queue_;
    std::function<wall_time()> now_;
    std::function<void()> progress_;
    std::function<void(std::string const&, std::uint32_t)> on_bounces_;
    signing::signer* signer_;
    std::shared_ptr<shared> shared_;
    std::size_t pending_ = 0;
    std::mt19937 random_{std::random_device{}()};
};

}  // namespace postern::delivery
