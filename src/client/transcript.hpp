// What was said in a conversation, line by line with its time, for people to read. Whoever writes
// a line blanks the secrets in it; nobody searches for them later. Bounded: a talkative server
// fills no memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace postern::client {

enum class speaker : std::uint8_t { ours, theirs, note };

struct transcript_line {
    steady_clock::duration at{};  // since the start
    speaker who = speaker::note;
    std::string text;  // printable, without its line end
};

class transcript {
public:
    static constexpr std::size_t most_lines = 2000;
    static constexpr std::size_t longest_line = 1000;

    explicit transcript(steady_time start = steady_clock::now()) : start_(start) {}

    /// Called with each line as it is added.
    void watch(std::function<void(transcript_line const&)> watcher) { watcher_ = std::move(watcher); }

    void add(speaker who, std::string_view text);
    void note(std::string_view text) { add(speaker::note, text); }

    std::vector<transcript_line> const& lines() const noexcept { return lines_; }
    /// Lines that there was no room for.
    std::size_t left_out() const noexcept { return left_out_; }
    steady_time start() const noexcept { return start_; }

private:
    steady_time start_;
    std::vector<transcript_line> lines_;
    std::size_t left_out_ = 0;
    std::function<void(transcript_line const&)> watcher_;
};

/// "  0.123 -> EHLO laptop.example", "  0.125 <- 250 ok", "  0.126 == TLSv1.3".
std::string to_string(transcript_line const& line);

}  // namespace postern::client
