// Mail that goes on to other addresses: once, and the copy that is kept waits by itself.
#include "delivery/test_office.hpp"

#include <fstream>

using namespace postern;
using namespace postern::delivery;
using namespace postern::delivery::testing;

namespace {

struct forwarding_office : office {
    std::unique_ptr<forwarding::book> book;

    forwarding_office()
    {
        accounts.domains = {"us.example"};
        accounts.add("ann@us.example");
        accounts.add("bob@us.example");
        auto made = forwarding::book::open(folder, wall_clock::now());
        REQUIRE(made);
        book = std::move(*made);
        book->configure("us.example", 24h * 21);
        world.forwards = book.get();
    }
    void forward(std::string const& from, std::string const& to, bool keep)
    {
        REQUIRE(book->add(box(from), box(to), keep));
    }
};

}  // namespace

TEST_CASE("the kept copy waits for its mailbox, and nothing is forwarded again")
{
    scripted_server abroad;
    forwarding_office o;
    o.use_exchanger("b.example", abroad);
    o.forward("ann@us.example", "friend@b.example", true);
    o.forward("ann@us.example", "bob@us.example", true);
    // No mailbox can be made.
    std::ofstream{o.folder / "us.example"} << "in the way";
    o.open();
    o.send(office::letter("Q1", {"ann@us.example"}, "x@c.example"));
    CHECK(o.queue.settled("Q1").state == state::delivered);
    auto const made = o.queue.successors();
    REQUIRE(made.size() == 2);
    auto const &near = made[0].first, &far = made[1].first;
    REQUIRE(near.env.recipients.size() == 2);
    CHECK(near.env.recipients[0].forward_path == box("bob@us.example"));
    CHECK_FALSE(near.env.recipients[0].stays);
    CHECK(near.env.recipients[1].forward_path == box("ann@us.example"));
    CHECK(near.env.recipients[1].stays);
    CHECK(near.env.reverse_path.address == box("x@c.example"));
    CHECK(far.env.reverse_path.address.domain == "us.example");
    CHECK(made[0].second.starts_with("Delivered-To: ann@us.example\r\n"));
    CHECK(o.queue.settled(near.queue_id, 1).last_reply.starts_with("4"));
    for (std::size_t times = 2; times < 4; ++times) {
        o.later(11min);
        CHECK(o.queue.settled(near.queue_id, 1, times).last_reply.starts_with("4"));
    }
    CHECK(abroad.mail(1).size() == 1);
    CHECK(o.queue.successors().size() == 2);
    std::filesystem::remove(o.folder / "us.example");
    o.later(11min);
    CHECK(o.queue.settled(near.queue_id, 1, 4).state == state::delivered);
    CHECK(std::filesystem::exists(o.folder / "us.example/ann/new"));
    CHECK(abroad.mail(1).size() == 1);
}

TEST_CASE("what the disk does not take is forwarded later, all of it, once")
{
    scripted_server abroad;
    forwarding_office o;
    o.use_exchanger("b.example", abroad);
    o.forward("ann@us.example", "friend@b.example", true);
    o.open();
    o.queue.fail_settlements(1);
    o.send(office::letter("Q1", {"ann@us.example"}, "x@c.example"));
    auto const first = o.queue.settled("Q1");
    CHECK(first.state == state::queued);
    CHECK(o.queue.successors().empty());
    CHECK(abroad.mail(0).empty());
    o.later(6min);
    CHECK(o.queue.settled("Q1", 0, 2).state == state::delivered);
    CHECK(abroad.mail(1).size() == 1);
    CHECK(o.queue.successors().size() == 2);
}

TEST_CASE("a forward that leads back is refused, and a message that is kept does not go on")
{
    forwarding_office o;
    o.forward("ann@us.example", "bob@us.example", false);
    o.forward("bob@us.example", "ann@us.example", false);
    o.open();
    o.send(office::letter("Q1", {"ann@us.example"}, "x@us.example"));
    CHECK(o.queue.settled("Q1").state == state::delivered);
    auto made = o.queue.successors();
    REQUIRE_FALSE(made.empty());
    CHECK(o.queue.settled(made[0].first.queue_id).state == state::delivered);
    made = o.queue.successors();
    REQUIRE(made.size() == 2);
    auto const u = o.queue.settled(made[1].first.queue_id);
    CHECK(u.state == state::bounced);
    auto kept = office::letter("Q2", {"ann@us.example"});
    kept.recipients[0].to.stays = true;
    o.send(std::move(kept));
    CHECK(o.queue.settled("Q2").last_reply == "250 2.0.0 delivered to the mailbox");
}
