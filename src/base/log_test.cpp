#include "base/log.hpp"

#include <array>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/history.hpp"
#include "base/history_file.hpp"
#include "base/ids.hpp"
#include "base/log_lines.hpp"
#include "support/throw_away_folder.hpp"

using namespace postern;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

using folder = postern::testing::throw_away_folder;

// Standard error is another file as long as this lives.
struct redirected {
    int before;
    explicit redirected(int to) : before(::dup(STDERR_FILENO)) { ::dup2(to, STDERR_FILENO); }
    ~redirected()
    {
        ::dup2(before, STDERR_FILENO);
        ::close(before);
    }
    redirected(redirected const&) = delete;
    redirected& operator=(redirected const&) = delete;
};

struct screen_file {
    fs::path path;
    int file;
    redirected screen;
    explicit screen_file(folder const& f)
        : path(f.path() / "screen"),
          file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)),
          screen(file)
    {
    }
    ~screen_file() { ::close(file); }
    std::string text() const
    {
        std::ifstream in(path);
        std::stringstream all;
        all << in.rdbuf();
        return all.str();
    }
};

struct stopped {
    ~stopped() { log::stop(); }
};

std::size_t count(std::string_view text, std::string_view what)
{
    std::size_t n = 0;
    for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) ++n;
    return n;
}

std::string text_line(std::initializer_list<log::field> fields)
{
    std::string out;
    log::append_text(out, from_microseconds(0), log::level::info, "e", fields.begin(), fields.size());
    return out;
}

std::string json_line(std::initializer_list<log::field> fields)
{
    std::string out;
    log::append_json(out, from_microseconds(0), log::level::info, "e", fields.begin(), fields.size());
    return out;
}

}  // namespace

TEST_CASE("a line of text has the time in milliseconds, the level, the event and its values")
{
    std::string out;
    log::field const fields[] = {{"session", "K7Q2M9TX4WZA"}, {"size", 1234}, {"tls", true}, {"none", ""}, {"n", -5}};
    log::append_text(out, from_microseconds(1795331051123456), log::level::warning, "accepted", fields, 5);
    CHECK(out == "2026-11-22T07:04:11.123Z warning accepted session=K7Q2M9TX4WZA size=1234 tls=yes n=-5\n");
    out.clear();
    log::append_json(out, from_microseconds(1795331051123456), log::level::error, "accepted", fields, 5);
    CHECK(out == R"({"time":"2026-11-22T07:04:11.123456Z","level":"error","event":"accepted","session":"K7Q2M9TX4WZA",)"
                 "\"size\":1234,\"tls\":true,\"n\":-5}\n");
}

TEST_CASE("the second that is kept for the next event is not kept too long")
{
    for (auto const us : {std::int64_t{1795331051999999}, std::int64_t{1795331052000000}, std::int64_t{-1},
                          std::int64_t{0}, std::int64_t{1795331051000001}}) {
        std::string out;
        log::append_json(out, from_microseconds(us), log::level::info, "e", nullptr, 0);
        CHECK(out == R"({"time":")" + to_rfc3339(from_microseconds(us)) + R"(","level":"info","event":"e"})" + "\n");
    }
}

TEST_CASE("no value can look like another value or another line")
{
    struct row {
        std::string_view value, text, json;
    };
    row const rows[] = {
        {"plain-1.2@x", "plain-1.2@x", R"("plain-1.2@x")"},
        {"two words", R"("two words")", R"("two words")"},
        {"a=b", R"("a=b")", R"("a=b")"},
        {"say \"hi\"", R"("say \"hi\"")", R"("say \"hi\"")"},
        {"back\\slash", R"("back\\slash")", R"("back\\slash")"},
        {"line\r\nend", R"("line\x0d\x0aend")", R"("line\u000d\u000aend")"},
        {std::string_view{"nul\0x", 5}, R"("nul\x00x")", R"("nul\u0000x")"},
        {"\x1b[31m", R"("\x1b[31m")", R"("\u001b[31m")"},
        {"\x7f", R"("\x7f")", R"("\u007f")"},
        {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"", "\"gr\xc3\xbc\xc3\x9f\""},
        {"bad\xff", R"("bad\xff")", R"("bad\\xff")"},
        {"\xe2\x80\xaeover", R"("\xe2\x80\xaeover")", R"("\u202eover")"},
        {"\xc2\x85next", R"("\xc2\x85next")", R"("\u0085next")"},
        {"\xe2\x80\xa8sep", R"("\xe2\x80\xa8sep")", R"("\u2028sep")"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.value);
        CHECK(text_line({{"k", r.value}}) == "1970-01-01T00:00:00.000Z info e k=" + std::string(r.text) + "\n");
        CHECK(json_line({{"k", r.value}}) ==
              R"({"time":"1970-01-01T00:00:00.000000Z","level":"info","event":"e","k":)" + std::string(r.json) + "}\n");
    }
}

TEST_CASE("a huge value is cut")
{
    std::string const huge(100'000, 'x');
    CHECK(text_line({{"k", huge}}).size() < 5000);
    CHECK(json_line({{"k", huge}}).size() < 5000);
    CHECK(json_line({{"k", huge}}).find("x...\"") != std::string::npos);
}

TEST_CASE("levels, formats and the history are what the options say, also after a second start")
{
    folder const f;
    screen_file const screen(f);
    stopped const end;
    log::start({.level = log::level::warning, .history = f.path() / "h"});
    log::event(log::level::info, "quiet", {{"session", "K7Q2M9TX4WZA"}});
    log::event(log::level::warning, "loud", {{"session", "K7Q2M9TX4WZA"}});
    log::event(log::level::debug, "nowhere", {{"session", "K7Q2M9TX4WZA"}});
    log::flush();
    CHECK(count(screen.text(), "\n") == 1);
    CHECK(count(screen.text(), " warning loud session=K7Q2M9TX4WZA\n") == 1);
    auto lines = log::find_in_history(f.path() / "h", {"k7q2m9tx4wza.3"});
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].find(R"("event":"quiet")") != std::string::npos);
    CHECK(lines[1].find(R"("event":"loud")") != std::string::npos);

    log::start({.format = log::format::json, .level = log::level::debug, .history = f.path() / "other"});
    log::event(log::level::debug, "now", {{"n", 1}});
    log::event(log::level::info, "there", {{"session", "K7Q2M9TX4WZA"}});
    log::stop();
    CHECK(count(screen.text(), R"("event":"now","n":1})") == 1);
    CHECK(log::find_in_history(f.path() / "h", {"K7Q2M9TX4WZA"}).size() == 2);
    CHECK(log::find_in_history(f.path() / "other", {"K7Q2M9TX4WZA"}).size() == 1);
}

TEST_CASE("events without a running log go straight to standard error")
{
    folder const f;
    screen_file const screen(f);
    log::stop();
    log::start({.level = log::level::info});
    log::stop();
    log::event(log::level::info, "late", {{"n", 1}});
    CHECK(count(screen.text(), " info late n=1\n") == 1);
}

TEST_CASE("a whole id is found, and nothing that only looks like it")
{
    folder const f;
    screen_file const screen(f);
    stopped const end;
    log::start({.level = log::level::error, .history = f.path() / "h"});
    std::string const id = "K7Q2M9TX4WZA";
    log::event(log::level::info, "one", {{"session", id}});
    log::event(log::level::info, "two", {{"refusal", id + ".12"}});
    log::event(log::level::info, "longer", {{"session", id + "Q"}});
    log::event(log::level::info, "inside", {{"reply", "550 (" + id + ".1)"}});
    log::event(log::level::info, "forged", {{"reply", R"(","session":")" + id + "\""}});
    log::event(log::level::info, "both", {{"session", id}, {"queue_id", "Q0123456789AB"}});
    log::event(log::level::info, "message", {{"queue_id", "Q0123456789AB"}});
    auto names = [&](std::vector<std::string> const& ids, std::size_t limit = 100) {
        std::string all;
        for (auto const& line : log::find_in_history(f.path() / "h", ids, limit)) {
            auto const at = line.find(R"("event":")") + 9;
            all += line.substr(at, line.find('"', at) - at) + ' ';
        }
        return all;
    };
    CHECK(names({id}) == "one two both ");
    CHECK(names({"q0123456789ab"}) == "both message ");
    CHECK(names({id, "Q0123456789AB"}) == "one two both message ");
    CHECK(names({id, "Q0123456789AB"}, 2) == "both message ");
    CHECK(names({}) == "");
    CHECK(names({""}) == "");
    CHECK(names({"ZZZZZZZZZZZZ"}) == "");
    CHECK(log::find_in_history(f.path() / "no such folder", {id}).empty());
}

TEST_CASE("the history stays within its size and loses its oldest file first")
{
    folder const f;
    log::history_writer w;
    std::uint64_t const size = 80'000;
    w.use(f.path() / "h", size);
    std::string why;
    std::string const filling(90, 'x');
    for (int i = 0; i < 3000; ++i) {
        REQUIRE(
            w.write(R"({"session":"K7Q2M9TX4WZA","n":)" + std::to_string(i) + ",\"x\":\"" + filling + "\"}\n", why));
        if (i % 100 == 0) {
            std::uint64_t total = 0;
            for (auto const& [number, path] : log::history_files(f.path() / "h")) total += fs::file_size(path);
            CHECK(total <= size + 200);
        }
    }
    auto const files = log::history_files(f.path() / "h");
    CHECK(files.size() >= 7);
    CHECK(files.size() <= 8);
    auto const lines = log::find_in_history(f.path() / "h", {"K7Q2M9TX4WZA"});
    REQUIRE(lines.size() > 400);
    CHECK(lines.back().find("\"n\":2999,") != std::string::npos);
    int n = 3000 - static_cast<int>(lines.size());
    for (auto const& line : lines) REQUIRE(line.find("\"n\":" + std::to_string(n++) + ",") != std::string::npos);
}

TEST_CASE("a line cut off by a crash does not spoil the next one")
{
    folder const f;
    fs::create_directories(f.path() / "h");
    std::ofstream(f.path() / "h" / "events.7.jsonl") << "{\"session\":\"K7Q2M9TX4WZA\"}\n{\"session\":\"K7Q2";
    std::ofstream(f.path() / "h" / "events.x.jsonl") << "not ours";
    log::history_writer w;
    w.use(f.path() / "h", 1 << 20);
    std::string why;
    REQUIRE(w.write("{\"session\":\"K7Q2M9TX4WZA\",\"n\":2}\n", why));
    auto const lines = log::find_in_history(f.path() / "h", {"K7Q2M9TX4WZA"});
    REQUIRE(lines.size() == 2);
    CHECK(lines[1] == "{\"session\":\"K7Q2M9TX4WZA\",\"n\":2}");
    CHECK(log::history_files(f.path() / "h").size() == 1);
}

TEST_CASE("lines longer than the reading block do not hide others")
{
    folder const f;
    fs::create_directories(f.path() / "h");
    std::ofstream(f.path() / "h" / "events.0.jsonl") << "{\"session\":\"K7Q2M9TX4WZA\",\"n\":1}\n"
                                                     << std::string(6u << 20, 'x') << '\n'
                                                     << "{\"session\":\"K7Q2M9TX4WZA\",\"n\":2}\n"
                                                     << std::string(3u << 19, 'y') << '\n'
                                                     << "{\"session\":\"K7Q2M9TX4WZA\",\"n\":3}\n";
    CHECK(log::find_in_history(f.path() / "h", {"K7Q2M9TX4WZA"}).size() == 3);
}

TEST_CASE("a history that can't be written is said once, and again when lines were lost")
{
    folder const f;
    screen_file const screen(f);
    stopped const end;
    auto const place = f.path() / "h";
    std::ofstream(place) << "a file where the folder should be";
    log::start({.level = log::level::error, .history = place});
    for (int i = 0; i < 3; ++i) {
        log::event(log::level::info, "lost", {{"session", "K7Q2M9TX4WZA"}});
        log::flush();
    }
    CHECK(count(screen.text(), " error history_failed ") == 1);
    fs::remove(place);
    log::event(log::level::info, "kept", {{"session", "K7Q2M9TX4WZA"}});
    log::flush();
    log::stop();
    CHECK(count(screen.text(), " warning log_lines_dropped sink=history lines=3\n") == 1);
    CHECK(log::find_in_history(place, {"K7Q2M9TX4WZA"}).size() == 1);
}

TEST_CASE("a stuck standard error stops nobody; what was dropped is counted and said later")
{
    folder const f;
    int pipe[2];
    REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
    std::string seen;
    {
        redirected const screen(pipe[1]);
        ::close(pipe[1]);
        log::start({.history = f.path() / "h"});
        std::string const filling(1000, 'x');
        auto const begun = steady_clock::now();
        for (int i = 0; i < 12'000; ++i) log::event(log::level::info, "flood", {{"x", filling}});
        log::event(log::level::info, "kept", {{"session", "K7Q2M9TX4WZA"}});
        CHECK(steady_clock::now() - begun < 60s);  // a screen that hangs would hold it for ever
        CHECK(log::find_in_history(f.path() / "h", {"K7Q2M9TX4WZA"}).size() == 1);

        std::thread reader([&] {
            std::array<char, 65536> piece{};
            for (ssize_t n = 0; (n = ::read(pipe[0], piece.data(), piece.size())) > 0;)
                seen.append(piece.data(), static_cast<std::size_t>(n));
        });
        for (int i = 0; i < 400; ++i) {
            log::flush();
            std::this_thread::sleep_for(2ms);
        }
        log::event(log::level::info, "again");
        log::stop();
        ::dup2(screen.before, STDERR_FILENO);
        reader.join();
    }
    ::close(pipe[0]);
    CHECK(count(seen, " info again\n") == 1);
    auto const said = seen.find("log_lines_dropped sink=stderr lines=");
    REQUIRE(said != std::string::npos);
    auto const dropped = std::stoull(seen.substr(seen.find("lines=", said) + 6));
    CHECK(dropped > 1000);
    CHECK(count(seen, " info flood ") + count(seen, " info kept ") + dropped == 12'001);
    CHECK(seen.back() == '\n');
}

TEST_CASE("a closed standard error is no reason to die")
{
    int pipe[2];
    REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
    redirected const screen(pipe[1]);
    ::close(pipe[1]);
    ::close(pipe[0]);
    log::start({});
    for (int i = 0; i < 10; ++i) {
        log::event(log::level::error, "nobody_listens");
        log::flush();
    }
    log::stop();
}

TEST_CASE("many threads: every line arrives whole and once")
{
    folder const f;
    screen_file const screen(f);
    log::start({.history = f.path() / "h"});
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([t] {
            for (int i = 0; i < 500; ++i) {
                log::event(log::level::info, "e", {{"t", t}, {"i", i}, {"session", "K7Q2M9TX4WZA"}});
                if (i % 200 == 0) log::event(log::level::error, "urgent");
            }
        });
    for (int i = 0; i < 5; ++i) log::start({.history = f.path() / "h"});
    for (auto& t : threads) t.join();
    log::stop();
    CHECK(count(screen.text(), " info e t=") == 2000);
    CHECK(count(screen.text(), " error urgent\n") == 12);
    CHECK(log::find_in_history(f.path() / "h", {"K7Q2M9TX4WZA"}).size() == 2000);
}

// The thread sanitizer does not follow threads that a forked child starts.
#if defined(__SANITIZE_THREAD__)
#define POSTERN_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define POSTERN_TSAN 1
#endif
#endif
#ifndef POSTERN_TSAN
TEST_CASE("a child of fork() logs on its own and repeats nothing of its parent's")
{
    folder const f;
    screen_file const screen(f);
    log::start({});
    for (int i = 0; i < 100; ++i) log::event(log::level::info, "parent");
    auto const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        log::event(log::level::info, "child");
        log::start({});
        log::event(log::level::info, "child_thread");
        log::stop();
        ::_exit(0);
    }
    int status = 1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    log::stop();
    CHECK(count(screen.text(), " info parent\n") == 100);
    CHECK(count(screen.text(), " info child\n") == 1);
    CHECK(count(screen.text(), " info child_thread\n") == 1);
}
#endif
