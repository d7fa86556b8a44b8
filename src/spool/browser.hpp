// Questions of operators about all that waits: which messages match a filter, what waits for
// whom. They may take a second where a million messages wait; so they have a connection of their
// own, and neither deliveries nor commits wait for them. What is at its first attempt is in
// none of these tables.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "spool/spool.hpp"
#include "store/sqlite.hpp"

namespace postern::spool {

struct found_message {
    std::int64_t id = 0;
    std::string queue_id;
    std::string file;  // only where it was asked for
};

class browser {
public:
    explicit browser(std::filesystem::path file) : file_(std::move(file)) {}

    /// Up to `limit` that match and are behind f.after, in order of arrival. Whether they are handed
    /// out is not known here.
    result<std::vector<found_message>> select(filter const& f, std::size_t limit, bool with_files);
    result<std::vector<destination_load>> destinations(std::size_t limit);
    /// All but what is known of handed out ones.
    result<totals> look_over();

private:
    result<> open();
    /// Closes a connection that failed, so that the next question opens it anew.
    error failed(std::string_view doing);

    std::filesystem::path file_;
    std::mutex mutex_;
    store::connection db_;  // opened by the first question
};

}  // namespace postern::spool
