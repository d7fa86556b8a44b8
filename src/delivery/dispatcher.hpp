// The scheduler: finds the way of each recipient, keeps one line of waiting mail per
// destination, and connections that work on it. Everything happens on the thread of one
// io_context, so nothing is locked; only mailboxes are written by helper threads.
//
// Two rules keep a dead destination from delaying others: what waits for it is given back
// to the spool as soon as it is known to be dead, and connections that are short in total go
// to whoever has none first.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "delivery/address_lines.hpp"
#include "delivery/connection.hpp"
#include "delivery/converting.hpp"
#include "delivery/day_counts.hpp"
#include "delivery/destination.hpp"
#include "delivery/log_in.hpp"
#include "delivery/plan.hpp"
#include "delivery/service.hpp"
#include "delivery/settler.hpp"
#include "delivery/workers.hpp"
#include "directory/directory.hpp"
#include "dns/resolver.hpp"
#include "spool/spool.hpp"

namespace postern::delivery {

/// What waits for a destination that works again is made due in such portions.
inline constexpr std::size_t hurried_at_once = 500;

class dispatcher {
public:
    dispatcher(boost::asio::io_context& context, std::shared_ptr<plan const> p, surroundings s,
               std::unique_ptr<dns::resolver> names, directory::directory& accounts, spool::spool& queue);
    ~dispatcher();
    dispatcher(dispatcher const&) = delete;
    dispatcher& operator=(dispatcher const&) = delete;

    // All on the context's thread.

    void set_plan(std::shared_ptr<plan const> p);
    /// Takes what has just arrived.
    void admit(std::vector<spool::queued_message> arrived);
    /// Takes what is due out of the spool, now and from then on.
    void pump();
    /// The same, for an operator, who may have mended something: hosts that were left alone are tried as well.
    void wake();
    /// No new attempts; idle connections end.
    void wind_down();
    /// Ends what still hangs.
    void cut();
    /// Nothing is under way, and everything is written down.
    bool quiet() const;
    /// What is known of destinations, those with most waiting first.
    std::vector<destination_state> states(std::size_t limit) const;

private:
    class line;  // the feeder of one connection
    /// How other threads bring something back to the dispatcher's, which may be gone by then.
    class doorbell : public std::enable_shared_from_this<doorbell> {
    public:
        explicit doorbell(dispatcher& d) : house_(&d) {}
        void ring(std::function<void(dispatcher&)> then);
        void close();

    private:
        std::mutex lock_;
        dispatcher* house_;
    };
    struct group;
    /// Whether mail has just come or was read from the spool, where it can wait.
    enum class origin : std::uint8_t { arrival, spool };
    struct host_list {
        std::vector<std::string> names;
        std::vector<std::uint16_t> preferences;  // of each
        domain_security security;
        std::optional<outcome> problem;
    };
    struct host_address {
        std::string name;
        ip_address at;
        std::shared_ptr<host_security const> security;
    };
    // Of hosts of the same preference.
    struct address_list {
        std::vector<host_address> all;
        bool looped = false;   // one of them is this machine
        bool unclear = false;  // there may be more
        bool cut_off = false;  // some were not looked up
        std::string problem;
    };

    // routes (dispatcher_routes.cpp)
    void admit_one(spool::queued_message m, bool all_due, wall_time now);
    void route(std::shared_ptr<letter const> const& l, bool all_due, wall_time now);
    void route_one(std::shared_ptr<letter const> const& l, std::uint32_t place, std::vector<group>& groups);
    void route_anew(job const& j);
    void hand_on(std::vector<group>& groups, origin from);
    bool is_too_late(std::shared_ptr<letter const> const& l, std::uint32_t place, wall_time now);
    void find_way(std::shared_ptr<letter const> const& l, std::uint32_t place, bool local, std::vector<group>& groups);
    void take_way(std::shared_ptr<letter const> const& l, std::uint32_t place, bool local, std::size_t route,
                  std::vector<group>& groups);
    void route_local(std::shared_ptr<letter const> const& l, std::uint32_t place, target const& at, job& for_host);
    void deliver_to_mailbox(std::shared_ptr<letter const> const& l, std::uint32_t place, target const& at,
                            std::string const& account);
    std::shared_ptr<destination> mx_destination(std::string const& domain, mail::envelope const& of);
    std::shared_ptr<destination> fixed_destination(target const& to, bool final_delivery, bool require_tls);
    static net::awaitable<host_list> find_hosts(dispatcher* self, std::shared_ptr<destination> d);
    static net::awaitable<address_list> find_addresses(dispatcher* self, std::shared_ptr<destination> d,
                                                       domain_security const* security, std::vector<std::string> names,
                                                       steady_time until);
    static net::awaitable<link_result> connect_somewhere(dispatcher* self, std::shared_ptr<destination> d,
                                                         host_list hosts);
    std::shared_ptr<address_place> take_place(destination& d, std::string const& key);
    static net::awaitable<link_result> connect_to(dispatcher* self, hop to, steady_time until);
    void begin_security(destination const& d, domain_security& out) const;
    hop make_hop(destination const& d, std::string name);
    void demand_tls(destination const& d, hop& to) const;
    static std::optional<unusable_host> secure(destination const& d, hop& to, domain_security const& security,
                                               host_security const& host);
    void count_session(hop const& to, link_result const& came) const;
    void count_unusable(std::string const& domain, std::string const& host, unusable_host const& why) const;

    // mail that goes on to other addresses (dispatcher_forwards.cpp)
    struct passing_on;
    bool passes_on(std::shared_ptr<letter const> const& l, std::uint32_t place, bool local);
    void give_back_forwarded(std::shared_ptr<letter const> const& l, std::uint32_t place);
    void pass_on(std::shared_ptr<passing_on> p);
    void passed_on(passing_on const& p, result<> const& stored);

    // what a server does not take as it is (dispatcher_conversions.cpp)
    void convert(std::shared_ptr<destination> const& d, job j, mail::content_need need);
    void converted(std::shared_ptr<destination> const& d, job j, result<conversion> const& made);

    // smart hosts that know us (dispatcher_accounts.cpp)
    std::shared_ptr<destination> via_destination(std::shared_ptr<smart_host const> const& via, mail::path const& sender,
                                                 bool require_tls);
    void come_as(destination& d, std::shared_ptr<smart_host const> via, std::shared_ptr<identity const> as);
    void renew_accounts();
    /// What has gone today is known after a restart, too.
    void resume_day(destination& d);
    void store_days();
    unsigned most_connections(destination const& d) const;
    static bool is_one_too_many(destination& d, outcome const& why, bool passing);
    void pause(destination& d, outcome const& why);
    bool is_paused(destination const& d) const;
    void settle_until(destination& d, outcome const& why, steady_time until);
    bool waits_for_turn(std::shared_ptr<destination> const& d);
    bool put_off_for_turn(destination& d, job const& j);

    // lines and connections (dispatcher.cpp; the spool's end of them in dispatcher_pump.cpp)
    void submit(std::shared_ptr<destination> const& d, job j, origin from);
    bool has_enough(destination& d, job const& j);
    void put_to_work(std::shared_ptr<destination> const& d);
    void start_connection(std::shared_ptr<destination> const& d);
    void watch_growth(std::shared_ptr<destination> const& d);
    static net::awaitable<void> run_connection(dispatcher* self, std::shared_ptr<destination> d);
    bool has_room_for(destination const& d) const;
    bool is_pressed(destination const& d) const;
    void cleared(destination& d);
    bool room_for_suspects() const;
    bool is_pressed() const;
    void feed(std::deque<std::shared_ptr<destination>>& starved);
    void connection_ended(std::shared_ptr<destination> const& d);
    void feed_starved();
    void settle(job const& j, std::vector<outcome> const& outcomes, attempt const& how,
                std::optional<wall_time> not_before = std::nullopt);
    void settle_all(job const& j, outcome const& o, std::string const& next_hop,
                    std::optional<wall_time> not_before = std::nullopt);
    void settle_waiting(destination& d, outcome const& o);
    wall_time wall_time_of(steady_time t) const;
    void found_dead(destination& d, outcome const& why);
    void stand_in_line(std::shared_ptr<destination> const& d, std::string const& at);
    bool may_wait_in_line(destination& d, job const& j);
    void leave_line(std::shared_ptr<destination> const& d, std::shared_ptr<address_place> place);

    bool has_time() const;
    void arm_pump();
    void pause_pump(steady_clock::duration how_long);
    void hurry(std::shared_ptr<destination> const& d);
    void housekeeping();

    boost::asio::io_context& context_;
    std::shared_ptr<doorbell> bell_ = std::make_shared<doorbell>(*this);
    std::shared_ptr<plan const> plan_;
    surroundings world_;
    std::unique_ptr<dns::resolver> names_;
    directory::directory& accounts_;
    spool::spool& queue_;
    settler settler_;
    std::mt19937 random_{world_.random_seed()};
    std::vector<ip_address> own_;

    std::unordered_map<std::string, std::shared_ptr<destination>> destinations_;
    // Found before, while the plan lasts; the second for mail with REQUIRETLS.
    std::array<std::shared_ptr<destination>, 2> smart_hosts_, local_hosts_;
    // In line for a connection of the total; suspects apart.
    std::deque<std::shared_ptr<destination>> starved_, starved_suspects_;
    unsigned connections_ = 0;
    unsigned suspects_ = 0;  // those to destinations that failed the last time, or are new
    std::shared_ptr<open_streams> streams_ = std::make_shared<open_streams>();
    std::vector<sleeper*> sleepers_;
    std::shared_ptr<address_lines> addresses_;
    std::size_t under_way_ = 0;      // recipients
    std::size_t in_long_lines_ = 0;  // of them, those beyond what a line should have
    std::size_t mailbox_jobs_ = 0;
    bool stopping_ = false;
    day_counts days_;  // as the file has them

    boost::asio::steady_timer pump_timer_, pump_pause_, housekeeping_timer_;
    bool pump_armed_ = false, pump_pauses_ = false;

    // Last: their threads end first.
    login_help logins_;
    workers mailbox_workers_;
};

}  // namespace postern::delivery
