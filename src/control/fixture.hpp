// For this room's tests: a throw-away data directory with real accounts and a real queue.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include "control/commands.hpp"
#include "directory/directory.hpp"
#include "forwarding/book.hpp"
#include "spool/spool.hpp"

#include "support/throw_away_folder.hpp"

namespace postern::control::testing {

class temporary_folder {
public:
    explicit temporary_folder(std::string const& name = {}) : path_(root_.path() / name)
    {
        std::filesystem::create_directories(path_);
    }
    std::filesystem::path const& path() const { return path_; }

private:
    postern::testing::throw_away_folder root_;
    std::filesystem::path path_;
};

struct world {
    temporary_folder folder;
    std::shared_ptr<config::settings> settings = std::make_shared<config::settings>();
    std::unique_ptr<directory::directory> accounts;
    std::unique_ptr<spool::spool> queue;
    std::unique_ptr<forwarding::book> forwards;
    control::context context;

    world()
    {
        settings->hostname = "mail.example.com";
        settings->data_dir = folder.path();
        settings->domains.local = {"configured.example"};
        settings->listeners = {{":465", config::role::submission, config::tls_mode::implicit, {}},
                               {":587", config::role::submission, config::tls_mode::starttls, {}},
                               {":25", config::role::mx, config::tls_mode::starttls, {}}};
        directory::options d;
        d.folder = folder.path();
        d.hash_threads = 1;
        d.configured_domains = settings->domains.local;
        auto opened = directory::open_embedded(d);
        REQUIRE(opened);
        accounts = std::move(*opened);
        spool::options s;
        s.folder = folder.path();
        s.free_space_floor = 0;
        auto spooled = spool::open(s);
        REQUIRE(spooled);
        queue = std::move(*spooled);
        auto book = forwarding::book::open(folder.path(), wall_clock::now());
        REQUIRE(book);
        forwards = std::move(*book);
        forwards->configure(settings->hostname, settings->forwarding.srs_lifetime);
        context.forwards = forwards.get();
        context.settings = settings;
        context.accounts = accounts.get();
        context.queue = queue.get();
    }

    outcome run(std::string_view name, boost::json::object const& given = {})
    {
        return run_command(context, name, given);
    }
    /// The value of a command that must succeed.
    boost::json::value must(std::string_view name, boost::json::object const& given = {})
    {
        auto done = run(name, given);
        if (!done) FAIL(name << ": " << done.error().text);
        return std::move(*done);
    }
};

}  // namespace postern::control::testing
