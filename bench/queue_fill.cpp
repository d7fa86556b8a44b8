// queue_fill FOLDER MESSAGES DESTINATIONS: fills a spool with mail that could not be delivered yet, through
// the spool's own writer, as a server would have: accepted, handed out, deferred. Attempts are due over the
// next four hours, at addresses in dead-N.example.
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <string>

#include "base/ids.hpp"
#include "spool/spool.hpp"

namespace {

using namespace postern;
using namespace std::chrono_literals;

// So many on their way at once: what a delivery that fails at once would have.
constexpr std::uint64_t most_open = 5000;

struct progress {
    std::mutex mutex;
    std::condition_variable wake;
    std::uint64_t open = 0;

    // Once there are enough, half of them have to end first: so they come in batches, as they do in a server.
    void begin()
    {
        std::unique_lock lock{mutex};
        if (open >= most_open) wake.wait(lock, [this] { return open <= most_open / 2; });
        ++open;
    }
    void end()
    {
        std::scoped_lock lock{mutex};
        if (--open == 0 || open == most_open / 2) wake.notify_all();
    }
    void wait_for_all()
    {
        std::unique_lock lock{mutex};
        wake.wait(lock, [this] { return open == 0; });
    }
};

void expect(result<> const& r)
{
    if (r) return;
    std::fprintf(stderr, "queue_fill: %s\n", r.error().logged.c_str());
    std::exit(1);
}

spool::message letter(std::uint64_t number, std::uint64_t destinations)
{
    spool::message m;
    m.queue_id = make_queue_id();
    m.account = "user" + std::to_string(number % 1000) + "@example.com";
    m.env.reverse_path.address = {"user" + std::to_string(number % 1000), "example.com"};
    mail::recipient to;
    to.forward_path = {"someone" + std::to_string(number),
                       "dead-" + std::to_string(number % destinations) + ".example"};
    m.env.recipients.push_back(std::move(to));
    m.accepted_at = wall_clock::now() - 6h;
    m.session = make_session_id();
    m.client = "192.0.2.7";
    return m;
}

}  // namespace

int main(int count, char** arguments)
{
    if (count != 4) {
        std::fputs("queue_fill FOLDER MESSAGES DESTINATIONS\n", stderr);
        return 2;
    }
    std::uint64_t const messages = std::strtoull(arguments[2], nullptr, 10);
    std::uint64_t const destinations = std::max<std::uint64_t>(1, std::strtoull(arguments[3], nullptr, 10));
    spool::options o;
    o.folder = arguments[1];
    auto opened = spool::open(o);
    if (!opened) {
        std::fprintf(stderr, "queue_fill: %s\n", opened.error().logged.c_str());
        return 1;
    }
    auto& queue = **opened;
    progress under_way;
    std::mt19937 random{1};
    queue.on_arrival([&](std::vector<spool::queued_message> arrived) {
        auto const now = wall_clock::now();
        for (auto const& m : arrived) {
            auto const& domain = m.what->recipients[0].to.forward_path.domain;
            spool::settlement s;
            s.queue_id = m.what->queue_id;
            s.next_hop = "mx:" + domain;
            auto const wait = std::chrono::milliseconds{random() % (4 * 3600 * 1000)};
            s.recipients.push_back({0, spool::recipient_state::queued, now + wait,
                                    "451 4.4.1 No connection to the mail server of " + domain});
            queue.settle(std::move(s), std::nullopt, [&](result<> r) {
                expect(r);
                under_way.end();
            });
        }
    });
    std::string content = "From: user@example.com\r\nSubject: for the queue\r\nMessage-ID: <x@example.com>\r\n\r\n";
    while (content.size() < 2000) content += "A line of text that stands for what people write.\r\n";
    for (std::uint64_t i = 0; i < messages; ++i) {
        under_way.begin();
        auto body = queue.new_content();
        expect(body->append(content));
        queue.accept(letter(i, destinations), std::move(body), [](result<> r) { expect(r); });
        if (i % 100'000 == 99'999) std::printf("%llu\n", static_cast<unsigned long long>(i + 1));
    }
    under_way.wait_for_all();
    queue.on_arrival({});
    return 0;
}
