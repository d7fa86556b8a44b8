// Killed at any moment, the spool loses nothing that it said it had, and keeps nothing of
// what it did not. A child process takes and settles messages and writes down, before and
// after each step, what it did (a line survives a SIGKILL once it is written); then the
// parent kills it and looks.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "base/fault.hpp"
#include "support/spool_fixture.hpp"

namespace postern::spool {
namespace {

using namespace std::chrono_literals;
using namespace postern::testing;

std::string content_of(std::string const& id)
{
    std::size_t const size = std::hash<std::string>{}(id) % 8 == 0 ? 200'000 : 3'000;
    std::string text = id;
    while (text.size() < size) text += ' ' + id;
    return text;
}

class ledger {
public:
    explicit ledger(std::filesystem::path const& file)
        : descriptor_(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600))
    {
    }
    void note(char what, std::string const& id)
    {
        std::string const line = std::string{what} + ' ' + id + '\n';
        if (::write(descriptor_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(3);
    }

private:
    int descriptor_;
};

// Until it is killed; in the child.
[[noreturn]] void work(std::filesystem::path const& folder, std::string const& round, char const* crash_at)
{
    if (crash_at != nullptr) ::setenv("POSTERN_CRASH", crash_at, 1);
    ledger book{folder / "ledger"};
    auto opened = open(options_in(folder));
    if (!opened) ::_exit(2);
    spool& s = **opened;
    s.on_arrival([&](std::vector<queued_message> const& all) {
        for (auto const& m : all) {
            std::string const id = m.what->queue_id;
            switch (std::hash<std::string>{}(id) % 3) {
                case 0: break;
                case 1:
                    s.settle(fate_of(id, 0, recipient_state::queued, wall_clock::now() + 1h, "451 Later"), std::nullopt,
                             {});
                    break;
                default:
                    book.note('s', id);
                    s.settle(fate_of(id, 0, recipient_state::delivered), std::nullopt, [&book, id](result<> const& r) {
                        if (r) book.note('S', id);
                    });
            }
        }
    });
    std::vector<std::thread> senders;
    senders.reserve(4);
    for (int t = 0; t < 4; ++t)
        senders.emplace_back([&, t] {
            for (int i = 0;; ++i) {
                std::string const id = 'Q' + round + '-' + std::to_string(t) + '-' + std::to_string(i);
                book.note('a', id);
                if (!accept(s, some_message(id), content_of(id))) ::_exit(4);
                book.note('A', id);
            }
        });
    for (auto& t : senders) t.join();
    ::_exit(5);
}

std::map<char, std::set<std::string>> read_ledger(std::filesystem::path const& folder)
{
    std::map<char, std::set<std::string>> found;
    std::ifstream in{folder / "ledger"};
    for (std::string line; std::getline(in, line);)
        if (line.size() > 2) found[line[0]].insert(line.substr(2));
    return found;
}

void check_against_ledger(std::filesystem::path const& folder)
{
    auto book = read_ledger(folder);
    auto s = open(options_in(folder));
    REQUIRE(s);
    filter everything;
    everything.limit = 1'000'000;
    auto const all = (*s)->list(everything);
    REQUIRE(all);
    CHECK(all->size() == *(*s)->count());
    std::set<std::string> there;
    std::size_t big = 0;
    for (auto const& m : *all) {
        there.insert(m.what.queue_id);
        CHECK(book['a'].contains(m.what.queue_id));
        CHECK_MESSAGE(!book['S'].contains(m.what.queue_id), "settled, and still there: ", m.what.queue_id);
        auto const found = (*s)->find(m.what.queue_id);
        REQUIRE(found);
        auto const octets = found->body->read(0, 1'000'000);
        REQUIRE(octets);
        CHECK(*octets == content_of(m.what.queue_id));
        if (octets->size() > 128u << 10) ++big;
    }
    for (auto const& id : book['A'])
        if (!book['s'].contains(id)) CHECK_MESSAGE(there.contains(id), "accepted, and lost: ", id);
    CHECK(content_files_in(folder) == big);
    auto const due = (*s)->take_due(wall_clock::now() + 24h, 1'000'000);
    REQUIRE(due);
    CHECK(due->size() == there.size());
}

/// Whether the child was killed, by us or by itself.
bool run_and_kill(std::filesystem::path const& folder, std::string const& round, char const* crash_at,
                  std::chrono::milliseconds patience)
{
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) work(folder, round, crash_at);
    int status = 0;
    auto const until = steady_clock::now() + patience;
    while (::waitpid(child, &status, WNOHANG) == 0) {
        if (steady_clock::now() >= until) {
            ::kill(child, SIGKILL);
            ::waitpid(child, &status, 0);
            CHECK(WIFSIGNALED(status));
            return false;
        }
        std::this_thread::sleep_for(1ms);
    }
    CHECK(WIFSIGNALED(status));
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

TEST_CASE("killed at random moments, nothing accepted is lost")
{
    throw_away_folder folder;
    std::mt19937 random{std::random_device{}()};
    // On a busy machine some are killed before they accept anything.
    for (unsigned round = 0; round < 10 || (round < 60 && read_ledger(folder.path())['A'].size() <= 10); ++round) {
        std::chrono::milliseconds const patience{50 + 20 * round + random() % 400};
        CAPTURE(patience.count());
        static_cast<void>(run_and_kill(folder.path(), std::to_string(round), nullptr, patience));
        check_against_ledger(folder.path());
    }
    CHECK(read_ledger(folder.path())['A'].size() > 10);
}

TEST_CASE("killed at each named point, nothing accepted is lost" * doctest::skip(!has_fault_points))
{
    throw_away_folder folder;
    int round = 0;
    for (std::string const point : {"content_written", "content_synced", "before_commit", "after_commit",
                                    "before_settle_commit", "after_settle_commit"})
        for (char const* count : {":1", ":5", ":20"}) {
            std::string const at = point + count;
            CAPTURE(at);
            CHECK(run_and_kill(folder.path(), std::to_string(round++), at.c_str(), 20s));
            check_against_ledger(folder.path());
        }
}

}  // namespace
}  // namespace postern::spool
