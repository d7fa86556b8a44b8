// How many 4-KiB messages a second the spool takes and settles, what one costs in CPU
// time, and how long one waits for its commit. Writes under TMPDIR: point that at the
// disk in question.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include "base/ids.hpp"
#include "spool/spool.hpp"

namespace {

using namespace postern;
using namespace std::chrono_literals;

double cpu_seconds()
{
    rusage u{};
    getrusage(RUSAGE_SELF, &u);
    auto const seconds = [](timeval t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(u.ru_utime) + seconds(u.ru_stime);
}

/// Hands things from the spool's threads to one of ours.
template <class T>
class mailslot {
public:
    void put(T thing)
    {
        std::scoped_lock lock{mutex_};
        things_.push_back(std::move(thing));
        if (things_.size() == 1) wake_.notify_one();
    }
    void close()
    {
        std::scoped_lock lock{mutex_};
        closed_ = true;
        wake_.notify_one();
    }
    std::deque<T> take()
    {
        std::unique_lock lock{mutex_};
        wake_.wait(lock, [this] { return closed_ || !things_.empty(); });
        return std::exchange(things_, {});
    }

private:
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<T> things_;
    bool closed_ = false;
};

spool::message new_message()
{
    spool::message m;
    m.queue_id = make_queue_id();
    m.env.reverse_path.address = {"anna", "example.com"};
    mail::recipient to;
    to.forward_path = {"bob", "example.net"};
    m.env.recipients.push_back(std::move(to));
    m.accepted_at = wall_clock::now();
    m.session = make_session_id();
    m.account = "anna@example.com";
    m.client = "192.0.2.7";
    return m;
}

struct client {
    steady_time begun;
    std::uint64_t left = 0;
};

// Each client sends its next message when its last one was accepted, as SMTP clients do;
// two threads serve all of them, as the gate's would.
std::vector<double> run_clients(spool::spool& s, std::size_t clients, std::uint64_t messages,
                                std::string const& content)
{
    std::vector<double> waits;
    std::mutex waits_mutex;
    std::size_t const threads = std::min<std::size_t>(2, clients);
    std::vector<std::thread> running;
    for (std::size_t t = 0; t < threads; ++t) {
        running.emplace_back([&, t] {
            mailslot<std::size_t> accepted;
            std::vector<client> mine(clients / threads + (t < clients % threads ? 1 : 0));
            std::vector<double> my_waits;
            auto const send = [&](std::size_t i) {
                mine[i].begun = steady_clock::now();
                --mine[i].left;
                auto body = s.new_content();
                for (std::size_t at = 0; at < content.size(); at += 65'536)
                    if (!body->append(std::string_view{content}.substr(at, 65'536))) std::abort();
                s.accept(new_message(), std::move(body), [&accepted, i](result<> const& r) {
                    if (!r) std::abort();
                    accepted.put(i);
                });
            };
            std::size_t open = mine.size();
            for (std::size_t i = 0; i < mine.size(); ++i) {
                mine[i].left = messages / clients;
                send(i);
            }
            while (open > 0) {
                for (std::size_t const i : accepted.take()) {
                    my_waits.push_back(
                        std::chrono::duration<double, std::milli>(steady_clock::now() - mine[i].begun).count());
                    if (mine[i].left > 0) {
                        send(i);
                    } else {
                        --open;
                    }
                }
            }
            std::scoped_lock lock{waits_mutex};
            waits.insert(waits.end(), my_waits.begin(), my_waits.end());
        });
    }
    for (auto& t : running) t.join();
    return waits;
}

void accept_and_settle(benchmark::State& state)
{
    auto const clients = static_cast<std::size_t>(state.range(0));
    std::string const content(static_cast<std::size_t>(state.range(1)), 'x');
    auto const messages = static_cast<std::uint64_t>(state.range(2));
    std::string name = (std::filesystem::temp_directory_path() / "postern-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return state.SkipWithError("no folder to work in");
    {
        spool::options o;
        o.folder = name;
        auto s = spool::open(o);
        if (!s) return state.SkipWithError(s.error().logged.c_str());
        spool::spool& queue = **s;
        mailslot<spool::queued_message> arrived;
        queue.on_arrival([&](std::vector<spool::queued_message> all) {
            for (auto& m : all) arrived.put(std::move(m));
        });
        std::atomic<std::uint64_t> settled = 0;
        std::thread delivery{[&] {
            for (auto batch = arrived.take(); !batch.empty(); batch = arrived.take()) {
                for (auto const& m : batch) {
                    spool::settlement done;
                    done.queue_id = m.what->queue_id;
                    done.recipients.push_back({0, spool::recipient_state::delivered, {}, "250 2.0.0 Ok"});
                    queue.settle(std::move(done), std::nullopt, [&](result<> const&) { ++settled; });
                }
            }
        }};
        // The first round makes the files grow.
        std::uint64_t sent = messages / 4 / clients * clients;
        run_clients(queue, clients, sent, content);
        std::vector<double> waits;
        double cpu = 0, elapsed = 0;
        for (auto _ : state) {
            double const cpu_before = cpu_seconds();
            auto const begin = steady_clock::now();
            waits = run_clients(queue, clients, messages, content);
            sent += waits.size();
            while (settled < sent) std::this_thread::sleep_for(1ms);
            elapsed += std::chrono::duration<double>(steady_clock::now() - begin).count();
            cpu += cpu_seconds() - cpu_before;
        }
        arrived.close();
        delivery.join();
        std::sort(waits.begin(), waits.end());
        auto const at = [&](double part) {
            return waits[static_cast<std::size_t>(part * static_cast<double>(waits.size() - 1))];
        };
        double const count = static_cast<double>(waits.size()) * static_cast<double>(state.iterations());
        state.counters["per_second"] = count / elapsed;
        state.counters["cpu_us"] = cpu / count * 1e6;
        state.counters["p50_ms"] = at(0.5);
        state.counters["p99_ms"] = at(0.99);
        state.counters["max_ms"] = at(1);
        state.counters["MB_per_second"] = count * static_cast<double>(content.size()) / elapsed / 1e6;
    }
    std::error_code ignored;
    std::filesystem::remove_all(name, ignored);
}

BENCHMARK(accept_and_settle)
    ->ArgNames({"clients", "octets", "messages"})
    ->Args({1, 4096, 4000})
    ->Args({50, 4096, 50'000})
    ->Args({200, 4096, 50'000})
    ->Args({50, 65'536, 5'000})
    ->Args({10, 10 << 20, 50})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(1);

}  // namespace
