// postern import, also as postern account import: users of another program's file
#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <unistd.h>

#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/output.hpp"
#include "control/json_memory.hpp"
#include "control/local_socket.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    std::string file;
    std::string format = "dovecot";
    std::string domain;
    std::string scheme;
    bool json = false;
};

basic_result<secret, control::failure> read_file(std::string const& path)
{
    auto const wrong = [&](std::string const& why) {
        return control::failure{control::failure::kind::usage, "can't read " + path + ": " + why, {}};
    };
    control::descriptor file{path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) return wrong(std::strerror(errno));
    constexpr std::size_t longest = control::longest_request / 2;  // as JSON it grows
    std::string text(longest + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        auto const got = ::read(file.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return wrong(std::strerror(errno));
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > longest) {
        wipe(text.data(), size);
        return wrong("it is larger than " + readable_size(longest) + "; split it");
    }
    secret read{std::string_view{text}.substr(0, size)};
    wipe(text.data(), size);
    return read;
}

int import_file(application const& app, options const& o)
{
    if (o.file.empty())
        return fail({control::failure::kind::usage, "FILE is required: the users, or - for standard input", {}});
    auto lines = read_file(o.file);
    if (!lines) return fail(lines.error());
    if (lines->empty()) {
        return fail({control::failure::kind::usage,
                     (o.file == "-" ? std::string{"standard input"} : o.file) +
                         " is empty; a line looks like ann@example.com:{SHA512-CRYPT}$6$...",
                     {}});
    }
    json::object arguments{control::wiping_storage()};
    arguments["lines"] = lines->reveal();
    arguments["format"] = o.format;
    if (!o.domain.empty()) arguments["domain"] = o.domain;
    if (!o.scheme.empty()) arguments["scheme"] = o.scheme;
    auto done = perform(app, "account import", arguments);
    if (!done) return done.error();
    if (o.json)
        print_json(*done);
    else
        print_line(text_of(*done, "imported") + " accounts imported");
    return all_is_well;
}

}  // namespace

command add_import(command commands, application& app)
{
    auto o = std::make_shared<options>();
    auto const c = commands.add_subcommand("import", "Add or change many accounts: all lines of a file, or none");
    c.add_option("FILE", o->file, "Another program's file of users; -: standard input");
    c.add_option("--format", o->format, "dovecot: passwd-file, or plain lines address:hash; htpasswd; shadow")
        .one_of({"dovecot", "htpasswd", "shadow"});
    c.add_option("--domain", o->domain, "Of users whose names are no addresses");
    c.add_option("--scheme", o->scheme, "Of hashes that say nothing about themselves, such as SHA256");
    c.add_flag("--json", o->json, "For programs");
    return c.does([&app, o] { return import_file(app, *o); });
}

}  // namespace postern::cli
