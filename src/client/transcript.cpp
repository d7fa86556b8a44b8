#include "client/transcript.hpp"

#include <cstdio>

#include "base/text.hpp"

namespace postern::client {

void transcript::add(speaker who, std::string_view text)
{
    transcript_line line{steady_clock::now() - start_, who, printable(text, longest_line)};
    if (watcher_) watcher_(line);
    if (lines_.size() == most_lines) {
        ++left_out_;
        return;
    }
    lines_.push_back(std::move(line));
}

std::string to_string(transcript_line const& line)
{
    char time[32];
    std::snprintf(time, sizeof time, "%7.3f", std::chrono::duration<double>(line.at).count());
    char const* const mark = line.who == speaker::ours ? " -> " : line.who == speaker::theirs ? " <- " : " == ";
    return time + std::string{mark} + line.text;
}

}  // namespace postern::client
