// How commands talk: results to standard output, complaints to standard error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "control/protocol.hpp"

namespace postern::cli {

/// "postern: ..." on standard error.
void complain(std::string_view text);
/// "postern: note: ..." on standard error: nothing failed, but look at this.
void note(std::string_view text);
/// "postern: warning: ..." on standard error: it works, but is dangerous.
void warn(std::string_view text);
/// Complains, gives the exit status.
int fail(control::failure const& f);

void print(std::string_view text);
/// To standard error: what belongs to a result, but not into the file that it is redirected to.
void print_aside(std::string_view text);
void print_line(std::string_view text);
/// One value, on one line.
void print_json(boost::json::value const& v);

/// Columns as wide as they need to be; the first row is the heading.
class table {
public:
    explicit table(std::vector<std::string> heading) { rows_.push_back(std::move(heading)); }
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    void print() const;

private:
    std::vector<std::vector<std::string>> rows_;
};

// Reading results. What is missing is empty: a server of another version may know less.
std::string text_of(boost::json::value const& v, std::string_view key);
bool flag_of(boost::json::value const& v, std::string_view key);
std::vector<std::string> texts_of(boost::json::value const& v, std::string_view key);
std::string joined(std::vector<std::string> const& texts, std::string_view between = ", ");
/// "2026-11-22 07:04:11 UTC" from the time of a result.
std::string readable_time(std::string_view rfc3339);
/// "1.5 MiB"
std::string readable_size(std::uint64_t octets);

}  // namespace postern::cli
