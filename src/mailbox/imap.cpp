#include <algorithm>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "mailbox/imap_lines.hpp"
#include "mailbox/search.hpp"

namespace postern::mailbox {
namespace {

class imap_search final : public search {
public:
    using search::search;

private:
    awaitable<void> work() override
    {
        std::string line;
        bool ok = co_await link_.read_line(line);
        if (!ok) co_return;
        login_disabled_ = line.find("LOGINDISABLED") != std::string::npos;
        if (!starts_with_ignoring_case(line, "* OK") && !starts_with_ignoring_case(line, "* PREAUTH")) {
            link_.fail("no IMAP server greets there: " + line);
            co_return;
        }
        // RFC 3501 section 7.1.4: who is in already can't log in.
        out_.logged_in = starts_with_ignoring_case(line, "* PREAUTH");
        if (!out_.logged_in) out_.logged_in = co_await log_in();
        if (!out_.logged_in) co_return;
        ok = co_await command("LIST \"\" \"*\"");
        if (!ok) co_return;
        auto const folders = in_order(std::move(folders_));
        for (auto const& f : folders) {
            co_await look_into(f);
            if (out_.found.size() >= most_messages) break;
        }
        co_await command("LOGOUT");
    }

    awaitable<bool> log_in()
    {
        std::string line;
        auto tag = next_tag();
        bool ok = co_await link_.write_line(tag + " AUTHENTICATE PLAIN");
        if (ok) co_await until(tag, line, plus_ends);
        if (link_.failed()) co_return false;
        if (line.starts_with("+")) {
            std::string proof{'\0'};
            proof.append(at_.user).append(1, '\0').append(at_.password.reveal());
            auto encoded = base64_encode(proof);
            wipe(proof.data(), proof.size());
            co_return co_await prove(std::move(encoded), tag);
        }
        if (login_disabled_) {
            link_.fail("the mailbox takes no password (LOGINDISABLED): " + line);
            co_return false;
        }
        // Without PLAIN: LOGIN, which has its limits.
        auto const user = quote(at_.user);
        auto password = quote(at_.password.reveal());
        if (!user || !password) {
            link_.fail("the mailbox takes no user names or passwords with such letters: " + line);
            co_return false;
        }
        std::string login;
        tag = next_tag();
        login.reserve(tag.size() + user->size() + password->size() + 16);  // never grows: no copy is left behind
        login.append(tag).append(" LOGIN ").append(*user).append(" ").append(*password);
        wipe(password->data(), password->size());
        co_return co_await prove(std::move(login), tag);
    }

    /// Says the last word of a log-in, and hears what becomes of it.
    awaitable<bool> prove(std::string octets, std::string tag)
    {
        std::string line;
        bool ok = co_await link_.write_line(std::move(octets));
        if (ok) ok = co_await until(tag, line);
        if (!ok && !link_.failed()) {
            out_.refused = starts_with_ignoring_case(line, tag + " NO");
            out_.problem = printable(line, 300);
        }
        co_return ok;
    }

    awaitable<void> look_into(listed_folder folder)
    {
        auto const name = quote(folder.name);
        if (!name) co_return;
        numbers_.clear();
        bool ok = co_await command("EXAMINE " + *name);
        if (!ok) co_return;
        ok = co_await command("UID SEARCH TEXT \"" + token_ + "\"");
        if (!ok) co_return;
        auto const numbers = numbers_;
        for (auto const n : numbers) {
            if (out_.found.size() >= most_messages) break;
            literal_.clear();
            ok = co_await command("UID FETCH " + std::to_string(n) + " (BODY.PEEK[]<0." + std::to_string(most_content) +
                                  ">)");
            if (!ok) co_return;
            if (literal_.empty()) continue;
            out_.found.push_back({folder.name, is_junk(folder.name, folder.attributes), std::move(literal_)});
        }
    }

    /// INBOX and junk first.
    static std::vector<listed_folder> in_order(std::vector<listed_folder> all)
    {
        auto const rank = [](listed_folder const& f) {
            return equal_ignoring_case(f.name, "INBOX") ? 0 : is_junk(f.name, f.attributes) ? 1 : 2;
        };
        std::stable_sort(all.begin(), all.end(), [&](auto const& a, auto const& b) { return rank(a) < rank(b); });
        if (all.size() > most_folders) all.resize(most_folders);
        if (all.empty()) all.push_back({"INBOX", ""});
        return all;
    }

    awaitable<bool> command(std::string text)
    {
        auto const tag = next_tag();
        bool ok = co_await link_.write_line(tag + " " + text);
        std::string line;
        if (ok) ok = co_await until(tag, line);
        co_return ok;
    }

    std::string next_tag() { return "a" + std::to_string(++count_); }

    enum ends_with_plus : bool { plus_goes_on, plus_ends };

    /// Takes what comes until the answer to `tag`, or until we are asked for more; true: OK.
    awaitable<bool> until(std::string tag, std::string& last, ends_with_plus plus = plus_goes_on)
    {
        for (std::size_t i = 0; i < most_lines; ++i) {
            bool ok = co_await link_.read_line(last);
            if (!ok) co_return false;
            if (auto const size = literal_behind(last)) {
                std::string octets;
                ok = co_await link_.read_octets(*size, most_content, octets);
                if (!ok) co_return false;
                literal_ = std::move(octets);
                continue;
            }
            if (plus == plus_ends && last.starts_with("+")) co_return true;
            if (last.starts_with("*") && last.find("LOGINDISABLED") != std::string::npos) login_disabled_ = true;
            if (last.starts_with(tag + " ")) co_return starts_with_ignoring_case(last.substr(tag.size() + 1), "OK");
            if (auto numbers = parse_search(last)) numbers_ = std::move(*numbers);
            if (auto folder = parse_list(last); folder && folders_.size() < most_folders * 4)
                if (folder->attributes.find("\\Noselect") == std::string::npos) folders_.push_back(std::move(*folder));
        }
        link_.fail("the server sent too many lines");
        co_return false;
    }

    unsigned count_ = 0;
    bool login_disabled_ = false;
    std::vector<listed_folder> folders_;
    std::vector<std::uint32_t> numbers_;
    std::string literal_;
};

}  // namespace

awaitable<outcome> search_imap(boost::asio::any_io_executor executor, server at, std::string token,
                               steady_clock::duration limit)
{
    imap_search looking{executor, std::move(at), std::move(token), limit};
    auto found = co_await looking.run();
    co_return found;
}

bool is_junk(std::string_view folder, std::string_view attributes) noexcept
{
    for (std::string_view const word : {"junk", "spam", "bulk", "unerw", "pourriel", "werbung", "quarantine"})
        for (std::size_t i = 0; i + word.size() <= folder.size(); ++i)
            if (equal_ignoring_case(folder.substr(i, word.size()), word)) return true;
    return attributes.find("\\Junk") != std::string_view::npos;
}

}  // namespace postern::mailbox
