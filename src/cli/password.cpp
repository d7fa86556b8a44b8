#include "cli/password.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "control/local_socket.hpp"

namespace postern::cli {
namespace {

using control::failure;

constexpr std::size_t longest = 1024;

failure wrong(std::string text) { return {failure::kind::usage, std::move(text), {}}; }

/// One octet at a time, so that nothing behind the line is taken and no buffer keeps it.
basic_result<secret, failure> read_first_line(int fd, std::string const& from)
{
    std::string line;
    line.reserve(longest + 2);  // never grows: no copy is left behind
    for (;;) {
        char c = 0;
        auto const got = ::read(fd, &c, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            wipe(line.data(), line.size());
            return wrong("can't read the password from " + from + ": " + std::strerror(errno));
        }
        if (got == 0 || c == '\n') break;
        line.push_back(c);
        if (line.size() > longest) {
            wipe(line.data(), line.size());
            return wrong("the password from " + from + " is longer than " + std::to_string(longest) + " octets");
        }
    }
    if (line.ends_with('\r')) line.pop_back();
    return secret::take(line);
}

/// The terminal without echo, put back also when Ctrl-C ends us.
class silence {
public:
    explicit silence(int terminal)
    {
        if (::tcgetattr(terminal, &before_) != 0) return;
        terminal_ = terminal;
        struct sigaction act {};
        act.sa_handler = restore_and_die;
        for (int s : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(s, &act, nullptr);
        auto quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        quiet.c_lflag |= ECHONL;
        ::tcsetattr(terminal, TCSAFLUSH, &quiet);
    }
    ~silence()
    {
        restore();
        for (int s : {SIGINT, SIGTERM, SIGHUP}) ::signal(s, SIG_DFL);
    }
    silence(silence const&) = delete;
    silence& operator=(silence const&) = delete;

private:
    static void restore() noexcept
    {
        if (terminal_ >= 0) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
        terminal_ = -1;
    }
    static void restore_and_die(int number)
    {
        restore();
        ::signal(number, SIG_DFL);
        ::raise(number);
    }
    static inline termios before_{};
    static inline int terminal_ = -1;
};

basic_result<secret, failure> prompt(int terminal, std::string_view text)
{
    if (::write(terminal, text.data(), text.size()) < 0) return wrong("can't ask for the password at the terminal");
    return read_first_line(terminal, "the terminal");
}

basic_result<secret, failure> ask_twice()
{
    control::descriptor terminal{::open("/dev/tty", O_RDWR | O_CLOEXEC)};
    if (!terminal || ::isatty(STDIN_FILENO) == 0) {
        return wrong(
            "there is no terminal to ask for the password: give it with --password-stdin or --password-file, or let "
            "--generate make one");
    }
    silence quiet{terminal.get()};
    auto first = prompt(terminal.get(), "New password: ");
    if (!first) return first;
    auto second = prompt(terminal.get(), "The same again: ");
    if (!second) return second;
    if (first->reveal() != second->reveal()) return wrong("the two passwords differ; nothing was changed");
    return first;
}

basic_result<secret, failure> ask_once(std::string const& text)
{
    control::descriptor terminal{::open("/dev/tty", O_RDWR | O_CLOEXEC)};
    if (!terminal)
        return wrong("there is no terminal to ask for the password: give it with --password-stdin or --password-file");
    silence quiet{terminal.get()};
    return prompt(terminal.get(), text);
}

basic_result<secret, failure> read_file(std::string const& path)
{
    control::descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) return wrong("can't read the password from " + path + ": " + std::strerror(errno));
    return read_first_line(file.get(), path);
}

/// 20 characters without look-alikes: 100 random bits.
secret make_password()
{
    constexpr std::string_view alphabet = "abcdefghjkmnpqrstuvwxyz023456789";
    static_assert(alphabet.size() == 32);
    auto octets = random_octets(20);
    std::string text;
    text.reserve(24);
    for (std::size_t i = 0; i < octets.size(); ++i) {
        if (i != 0 && i % 5 == 0) text += '-';
        text += alphabet[static_cast<unsigned char>(octets[i]) % alphabet.size()];
    }
    wipe(octets.data(), octets.size());
    return secret::take(text);
}

}  // namespace

void add_password_options(command c, password_source& source)
{
    auto const from_stdin =
        c.add_flag("--password-stdin", source.from_stdin, "The password: first line of standard input");
    auto const from_file =
        c.add_option("--password-file", source.file, "The password: first line of FILE").type_name("FILE");
    auto const generate = c.add_flag("--generate", source.generate, "Make a strong password and print it");
    from_stdin.excludes(from_file).excludes(generate);
    from_file.excludes(generate);
}

basic_result<secret, failure> read_present_password(password_source const& source, std::string const& prompt)
{
    auto read = source.from_stdin ? read_first_line(STDIN_FILENO, "standard input")
                : source.file     ? read_file(*source.file)
                                  : ask_once(prompt);
    if (read && read->empty()) return wrong("the password is empty");
    return read;
}

basic_result<new_password, failure> read_password(password_source const& source)
{
    if (source.generate) return new_password{make_password(), true};
    auto read = source.from_stdin ? read_first_line(STDIN_FILENO, "standard input")
                : source.file     ? read_file(*source.file)
                                  : ask_twice();
    if (!read) return std::move(read.error());
    if (read->empty()) return wrong("the password is empty");
    // It travels as JSON, and SCRAM hashes characters, not octets (RFC 5802 section 5.1).
    if (!is_utf8(read->reveal())) return wrong("the password is not UTF-8 text");
    return new_password{std::move(*read), false};
}

}  // namespace postern::cli
