// The web socket's lanes: who waits for whom. What each command does is its own file's test.
#include "control/web_door.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <semaphore>
#include <utility>
#include <vector>

#include <poll.h>

#include "control/fixture.hpp"
#include "control/local_socket.hpp"
#include "guard/keeper.hpp"

using namespace postern;
using namespace postern::control;
using postern::control::testing::world;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;  // for a test that fails

/// A door whose commands wait, before they do anything, until the test lets them go on.
class held_door {
public:
    explicit held_door(std::ptrdiff_t to_hold) : to_hold_(to_hold)
    {
        // Where the tests' client of the control socket looks for it.
        world_.settings->web.socket = world_.folder.path() / "control.sock";
        world_.settings->web.user = world_.settings->user = "";
        auto bound = bind_web_door(*world_.settings);
        REQUIRE(bound);
        REQUIRE(*bound);
        door_ = make_web_door(std::move(**bound), {*world_.accounts, guard_, {}, {}}, [this] { return begin(); });
        door_->start();
    }
    ~held_door() { let_go(); }  // else the door would wait for them
    held_door(held_door const&) = delete;
    held_door& operator=(held_door const&) = delete;

    /// Whether as many wait as are to.
    bool holds_all()
    {
        for (auto n = count_; n != 0; --n)
            if (!begun_.try_acquire_for(patience)) return false;
        return true;
    }
    void let_go()
    {
        if (!std::exchange(gone_, true)) go_.set_value();
    }
    /// On a connection of its own.
    descriptor send(std::string command)
    {
        auto to = connect_to_control_socket(world_.folder.path());
        REQUIRE(to.socket);
        request asked;
        asked.command = std::move(command);
        asked.client = "192.0.2.7";
        REQUIRE(write_all(to.socket.get(), print_web_request(asked).reveal(), steady_clock::now() + patience));
        return std::move(to.socket);
    }

private:
    context begin()
    {
        if (to_hold_-- > 0) {
            begun_.release();
            let_go_.wait();
        }
        return world_.context;
    }

    world world_;
    guard::keeper guard_{steady_clock::now()};
    std::atomic<std::ptrdiff_t> to_hold_;
    std::ptrdiff_t const count_ = to_hold_;
    std::counting_semaphore<> begun_{0};
    std::promise<void> go_;
    std::shared_future<void> let_go_ = go_.get_future();
    bool gone_ = false;
    std::unique_ptr<web_door> door_;
};

/// Fails the test where there is none.
outcome answer_on(descriptor const& socket)
{
    auto const line = read_line(socket.get(), longest_response, steady_clock::now() + patience);
    REQUIRE(line);
    return parse_response(*line);
}

bool is_answered(descriptor const& socket)
{
    pollfd p{socket.get(), POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
}

bool is_one_too_many(outcome const& told)
{
    return !told && told.error().why == failure::kind::unavailable &&
           told.error().text == "too many ask for that at once; try again in a moment";
}

constexpr auto usual = "discovery note", prompt = "discovery facts", of_history = "why public";

}  // namespace

TEST_CASE("what is done at once waits for nothing that takes long")
{
    // All that the lanes beside it do at once, and one more each that waits for them.
    constexpr int usual_at_once = 4, histories_at_once = 1;
    held_door door{usual_at_once + histories_at_once};
    std::vector<descriptor> slow;
    for (int i = 0; i <= usual_at_once; ++i) slow.push_back(door.send(usual));
    for (int i = 0; i <= histories_at_once; ++i) slow.push_back(door.send(of_history));
    REQUIRE(door.holds_all());

    CHECK(answer_on(door.send(prompt)));
    for (auto const& one : slow) CHECK_FALSE(is_answered(one));

    door.let_go();
    for (auto const& one : slow) CHECK_FALSE(is_one_too_many(answer_on(one)));
}

TEST_CASE("so many wait for the history, and one more is told to come again")
{
    constexpr std::size_t places = 16;
    held_door door{1};
    std::vector<descriptor> readers;
    for (std::size_t i = 0; i < places; ++i) readers.push_back(door.send(of_history));
    REQUIRE(door.holds_all());
    readers.push_back(door.send(of_history));

    // Whichever came last: the others have their places.
    std::vector<pollfd> all;
    for (auto const& one : readers) all.push_back({one.get(), POLLIN, 0});
    auto const limit = static_cast<int>(std::chrono::milliseconds{patience}.count());
    REQUIRE(::poll(all.data(), all.size(), limit) == 1);
    auto const refused = std::ranges::find_if(readers, is_answered);
    REQUIRE(refused != readers.end());
    CHECK(is_one_too_many(answer_on(*refused)));
    readers.erase(refused);

    // The lanes beside it have places of their own.
    CHECK(answer_on(door.send(prompt)));
    CHECK_FALSE(is_one_too_many(answer_on(door.send(usual))));
    for (auto const& one : readers) CHECK_FALSE(is_answered(one));

    door.let_go();
    for (auto const& one : readers) CHECK_FALSE(is_one_too_many(answer_on(one)));
}
