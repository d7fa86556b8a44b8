// postern import postfix, postern import dovecot: another server's configuration as ours
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/application.hpp"
#include "cli/output.hpp"
#include "config/settings.hpp"
#include "control/local_socket.hpp"
#include "moving/plan.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    std::string postfix;
    std::string dovecot;
    std::string output;
    std::string commands;
    std::string users = "automatic";
    bool side_by_side = false;
    bool submission_only = false;
    bool force = false;
    bool json = false;
};

/// The files of this machine; standard input is "-".
class disk final : public moving::files {
public:
    basic_result<secret, moving::unreadable> read(std::string const& path, std::size_t limit) override
    {
        control::descriptor file{path == "-" ? ::dup(STDIN_FILENO)
                                             : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
        if (!file) return failed(errno);
        struct stat about {};
        if (path != "-" && ::fstat(file.get(), &about) == 0 && !S_ISREG(about.st_mode))
            return moving::unreadable{false, "is not a file"};
        std::string text(std::min<std::size_t>(limit + 1, 64u << 10), '\0');
        std::size_t size = 0;
        for (;;) {
            if (size == text.size()) grow(text, limit + 1);
            if (size == limit + 1) break;
            auto const got = ::read(file.get(), text.data() + size, text.size() - size);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return failed(errno);
            if (got == 0) break;
            size += static_cast<std::size_t>(got);
        }
        bool const whole = size <= limit;
        text.resize(size);
        auto content = secret::take(text);
        if (!whole) return moving::unreadable{false, "is larger than " + readable_size(limit)};
        return content;
    }

    std::vector<std::string> names(std::string const& folder) override
    {
        constexpr std::size_t most = 10'000;
        std::vector<std::string> list;
        std::unique_ptr<DIR, int (*)(DIR*)> const open{::opendir(folder.c_str()), ::closedir};
        while (open && list.size() < most) {
            auto const* one = ::readdir(open.get());
            if (one == nullptr) break;
            list.emplace_back(one->d_name);
        }
        std::sort(list.begin(), list.end());
        return list;
    }

private:
    static moving::unreadable failed(int number) { return {number == ENOENT, std::strerror(number)}; }

    // A larger room, and nothing left in the old one.
    static void grow(std::string& text, std::size_t most)
    {
        std::string larger(std::min(most, text.size() * 4), '\0');
        std::copy(text.begin(), text.end(), larger.begin());
        wipe(text.data(), text.size());
        text = std::move(larger);
    }
};

control::failure usage(std::string text) { return {control::failure::kind::usage, std::move(text), {}}; }

std::string own_name()
{
    std::vector<config::problem> none;
    auto const usual = config::parse({}, {}, none);
    return usual ? usual->hostname : "localhost";
}

bool is_folder(std::string const& path)
{
    struct stat about {};
    return ::stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode);
}

/// What a name on the command line stands for: a folder, a file, or "-" for standard input.
template <class Source, class Folder, class Text>
basic_result<Source, moving::trouble> source(moving::files& files, std::string path, Folder folder, Text text)
{
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    if (path != "-" && is_folder(path)) return folder(path);
    auto const content = files.read(path, moving::longest_configuration);
    std::string const shown = path == "-" ? "standard input" : path;
    if (!content) return moving::trouble{{shown, 0}, content.error().why};
    return text(content->reveal(), shown);
}

/// Beside it, then in its place. It may hold a password of a back end, so others don't get to read it.
bool write_file(std::string const& path, std::string const& text, bool force, mode_t mode, std::string& why)
{
    struct stat before {};
    bool const there = ::lstat(path.c_str(), &before) == 0;
    if (there && !force) {
        why = path + " is there already; --force replaces it";
        return false;
    }
    if (there && !S_ISREG(before.st_mode)) {
        why = path + " is not a file";
        return false;
    }
    auto const failed = [&](std::string const& name) {
        why = "can't write " + name + ": " + std::strerror(errno);
        return false;
    };
    auto name = path + ".XXXXXX";
    control::descriptor file{::mkstemp(name.data())};
    if (!file) return failed(path);
    bool fine = ::fchmod(file.get(), there ? before.st_mode & 07777 : mode) == 0;
    // As far as we may: whoever could read the old one can read the new one.
    if (there && ::fchown(file.get(), before.st_uid, before.st_gid) != 0 && errno != EPERM) fine = false;
    for (std::size_t done = 0; fine && done < text.size();) {
        auto const put = ::write(file.get(), text.data() + done, text.size() - done);
        if (put < 0 && errno == EINTR) continue;
        fine = put > 0;
        if (fine) done += static_cast<std::size_t>(put);
    }
    fine = fine && ::fsync(file.get()) == 0;
    // rename() would replace what came meanwhile.
    if (fine && there) fine = ::rename(name.c_str(), path.c_str()) == 0;
    if (fine && !there) {
        fine = ::link(name.c_str(), path.c_str()) == 0;
        if (fine) ::unlink(name.c_str());
    }
    if (fine) return true;
    int const number = errno;
    ::unlink(name.c_str());
    errno = number;
    return failed(path);
}

json::object to_json(moving::draft const& d, std::string const& toml)
{
    json::array findings;
    for (auto const& f : d.findings)
        findings.push_back(json::object{{"weight", moving::name_of(f.how_much)},
                                        {"file", f.at.file},
                                        {"line", f.at.line},
                                        {"name", f.name},
                                        {"value", f.value},
                                        {"why", f.why}});
    json::array commands;
    for (auto const& c : d.commands) commands.emplace_back(c);
    return {{"configuration", toml}, {"commands", std::move(commands)}, {"not_carried_over", std::move(findings)}};
}

int import_configuration(options const& o)
{
    if (o.postfix == "-" && o.dovecot == "-")
        return fail(usage("standard input can't be both; write one of them to a file"));
    disk files;
    moving::sources from;
    if (!o.postfix.empty()) {
        auto const name = own_name();
        auto read = source<moving::postfix_source>(
            files, o.postfix, [&](auto const& folder) { return moving::read_postfix(files, folder, name); },
            [&](auto text, auto const& shown) { return moving::parse_postfix(text, shown, name); });
        if (!read) return fail(usage(read.error().to_string()));
        from.postfix = std::move(*read);
    }
    if (!o.dovecot.empty()) {
        auto read = source<moving::dovecot_source>(
            files, o.dovecot, [&](auto const& folder) { return moving::read_dovecot_folder(files, folder); },
            [&](auto text, auto const& shown) { return moving::parse_dovecot_text(files, text, shown); });
        if (!read) return fail(usage(read.error().to_string()));
        from.dovecot = std::move(*read);
    }
    moving::wishes w{o.side_by_side, o.submission_only, moving::user_source::automatic};
    if (o.users == "direct") w.users = moving::user_source::direct;
    if (o.users == "socket") w.users = moving::user_source::socket;
    if (o.users == "import") w.users = moving::user_source::taken_over;
    auto const made = moving::plan(from, files, w);
    std::string origin = "Made by `postern import` from";
    for (auto const& one : {o.postfix, o.dovecot})
        if (!one.empty()) origin += (origin.ends_with("from") ? " " : " and ") + (one == "-" ? "standard input" : one);
    auto const toml = moving::to_toml(made, origin + '.');

    std::vector<config::problem> problems;
    if (!config::parse(toml, o.output.empty() ? "what was written" : o.output, problems))
        for (auto const& p : problems) complain(p.to_string());
    std::string why;
    if (!o.output.empty() && !write_file(o.output, toml, o.force, 0640, why)) return fail(usage(why));
    if (!o.commands.empty() && !write_file(o.commands, moving::to_script(made), o.force, 0700, why))
        return fail(usage(why));
    if (o.json) {
        print_json(to_json(made, toml));
    } else if (o.output.empty()) {
        print(toml);
        // The list goes to the other side, so that the first can be redirected into a file.
        print_aside(moving::to_report(made));
    } else {
        print(moving::to_report(made));
    }
    if (!made.commands.empty() && o.commands.empty() && !o.json)
        note(std::to_string(made.commands.size()) +
             " commands for accounts (users, aliases, grants) belong to it; --commands FILE writes them as a script");
    return problems.empty() ? all_is_well : problem_found;
}

void declare(command c, std::shared_ptr<options> const& o)
{
    c.add_option("--users", o->users,
                 "direct: a back end for each passdb; socket: ask Dovecot's auth process; import: take the users of "
                 "passwd-files over; automatic: direct where all have a counterpart, else socket")
        .one_of({"automatic", "direct", "socket", "import"});
    c.add_option("--output", o->output,
                 "Where the configuration goes; else standard output, and the list to standard error")
        .type_name("FILE");
    c.add_option("--commands", o->commands, "Where a script with the commands for accounts goes").type_name("FILE");
    c.add_flag("--side-by-side", o->side_by_side, "All ports 2000 higher, to run beside what is there");
    c.add_flag("--force", o->force, "Replace files that are there");
    c.add_flag("--json", o->json, "For programs");
    c.does([o] { return import_configuration(*o); });
}

}  // namespace

void add_configuration_import(command import)
{
    auto const o = std::make_shared<options>();
    o->postfix = "/etc/postfix";
    auto const postfix = import.add_subcommand("postfix", "Write a configuration from Postfix's");
    postfix
        .add_option("PATH", o->postfix, "Its folder, or the output of postconf -n and postconf -M; -: standard input")
        .show_default();
    postfix.add_option("--dovecot", o->dovecot, "Dovecot's folder, or the output of doveconf -n").type_name("PATH");
    postfix.add_flag("--submission-only", o->submission_only,
                     "Only what mail programs use; Postfix stays for mail from other servers, and sends on");
    declare(postfix, o);

    auto const d = std::make_shared<options>();
    d->dovecot = "/etc/dovecot";
    auto const dovecot = import.add_subcommand("dovecot", "Write a configuration from Dovecot's");
    dovecot.add_option("PATH", d->dovecot, "Its folder, or the output of doveconf -n; -: standard input")
        .show_default();
    declare(dovecot, d);
}

}  // namespace postern::cli
