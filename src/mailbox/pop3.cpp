#include <algorithm>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "mailbox/search.hpp"

namespace postern::mailbox {
namespace {

constexpr unsigned most_looked_at = 20;

class pop3_search final : public search {
public:
    using search::search;

private:
    awaitable<void> work() override
    {
        std::string line;
        bool ok = co_await link_.read_line(line);
        if (!ok) co_return;
        if (!line.starts_with("+OK")) {
            link_.fail("no POP3 server greets there: " + line);
            co_return;
        }
        ok = co_await command("USER " + at_.user, line);
        std::string pass;
        pass.reserve(at_.password.size() + 8);  // never grows: no copy is left behind
        pass.append("PASS ").append(at_.password.reveal());
        if (ok) ok = co_await command(std::move(pass), line);
        if (!ok) {
            if (link_.failed()) co_return;
            out_.refused = line.starts_with("-ERR");
            out_.problem = printable(line, 300);
            co_return;
        }
        out_.logged_in = true;
        ok = co_await command("STAT", line);
        if (!ok) co_return;
        auto const digits = std::string_view{line}.substr(std::min<std::size_t>(4, line.size()));
        auto const count = parse_number<unsigned>(digits.substr(0, digits.find(' '))).value_or(0);
        for (unsigned i = 0; i < std::min(count, most_looked_at); ++i) {
            std::string content;
            ok = co_await read_front(count - i, content);
            if (!ok) break;
            if (content.find(token_) != std::string::npos && out_.found.size() < most_messages)
                out_.found.push_back({"INBOX", false, std::move(content)});
        }
        co_await command("QUIT", line);
    }

    awaitable<bool> command(std::string text, std::string& answer)
    {
        if (text.find_first_of("\r\n") != std::string::npos) {
            wipe(text.data(), text.size());
            link_.fail("the mailbox takes no user names or passwords with line ends");
            co_return false;
        }
        bool ok = co_await link_.write_line(std::move(text));
        if (ok) ok = co_await link_.read_line(answer);
        co_return ok&& answer.starts_with("+OK");
    }

    /// The header and some lines of the body (TOP, RFC 1939 section 7).
    awaitable<bool> read_front(unsigned number, std::string& content)
    {
        std::string line;
        bool ok = co_await command("TOP " + std::to_string(number) + " 200", line);
        for (std::size_t i = 0; ok && i < most_lines; ++i) {
            ok = co_await link_.read_line(line);
            if (!ok || line == ".") co_return ok;
            if (line.starts_with('.')) line.erase(0, 1);
            if (content.size() < most_content) content.append(line).append("\r\n");
        }
        // What still comes of it would be read as the next answers.
        if (ok) link_.fail("the server sent too many lines");
        co_return false;
    }
};

}  // namespace

awaitable<outcome> search_pop3(boost::asio::any_io_executor executor, server at, std::string token,
                               steady_clock::duration limit)
{
    pop3_search looking{executor, std::move(at), std::move(token), limit};
    auto found = co_await looking.run();
    co_return found;
}

}  // namespace postern::mailbox
