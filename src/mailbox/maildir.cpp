#include <algorithm>
#include <fstream>

#include "base/text.hpp"
#include "mailbox/mailbox.hpp"

namespace postern::mailbox {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_looked_at = 500;  // the newest of a folder

struct candidate {
    fs::path file;
    fs::file_time_type time;
};

void add_files(fs::path const& folder, std::vector<candidate>& out)
{
    std::error_code failed;
    for (fs::directory_iterator at{folder, failed}, end; !failed && at != end; at.increment(failed)) {
        std::error_code none;
        if (!at->is_regular_file(none)) continue;
        out.push_back({at->path(), at->last_write_time(none)});
        if (out.size() > most_looked_at * 20) return;
    }
}

std::string front_of(fs::path const& file)
{
    std::ifstream in{file, std::ios::binary};
    std::string octets(most_content, '\0');
    in.read(octets.data(), static_cast<std::streamsize>(octets.size()));
    octets.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
    return octets;
}

void look_into(fs::path const& folder, std::string const& name, std::string const& token, outcome& out)
{
    std::vector<candidate> files;
    add_files(folder / "new", files);
    add_files(folder / "cur", files);
    std::sort(files.begin(), files.end(), [](auto const& a, auto const& b) { return a.time > b.time; });
    if (files.size() > most_looked_at) files.resize(most_looked_at);
    for (auto const& f : files) {
        if (out.found.size() >= most_messages) return;
        auto content = front_of(f.file);
        if (content.find(token) == std::string::npos) continue;
        out.found.push_back({name, is_junk(name, ""), std::move(content)});
    }
}

}  // namespace

outcome search_maildir(fs::path const& folder, std::string const& token)
{
    outcome out;
    std::error_code failed;
    if (!fs::is_directory(folder / "new", failed) || !fs::is_directory(folder / "cur", failed)) {
        out.problem = "there is no Maildir at " + printable(folder.string(), 200);
        return out;
    }
    out.reached = out.logged_in = true;
    look_into(folder, "INBOX", token, out);
    std::size_t looked = 0;
    for (fs::directory_iterator at{folder, failed}, end; !failed && at != end; at.increment(failed)) {
        auto const name = at->path().filename().string();
        if (name.size() < 2 || name.front() != '.' || ++looked > most_folders) continue;
        look_into(at->path(), name.substr(1), token, out);
    }
    return out;
}

}  // namespace postern::mailbox
