// The service in a world of fakes, for the tests of this room.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "delivery/service_parts.hpp"
#include "support/fake_directory.hpp"
#include "support/fake_resolver.hpp"
#include "support/fake_spool.hpp"
#include "support/scripted_server.hpp"
#include "support/throw_away_folder.hpp"

namespace postern::delivery::testing {

using namespace postern::testing;
using namespace std::chrono_literals;
using state = spool::recipient_state;

inline mail::mailbox box(std::string const& text)
{
    std::size_t const at = text.rfind('@');
    return {text.substr(0, at), text.substr(at + 1)};
}

struct office {
    config::settings settings;
    surroundings world;
    fake_spool queue;
    fake_directory accounts;
    std::shared_ptr<names> dns = std::make_shared<names>();
    std::shared_ptr<std::atomic<long>> ahead = std::make_shared<std::atomic<long>>(0);  // seconds
    std::unique_ptr<service> running;
    postern::testing::throw_away_folder scratch;
    std::filesystem::path folder = scratch.path();
    unsigned sent = 0;

    office()
    {
        settings.hostname = "us.example";
        settings.delivery.local = "maildir:" + (folder / "%d/%n").string();
        settings.delivery.retry = {5min, 10min};
        world.loopback_is_us = false;
        world.limits.idle = 300ms;
        world.limits.quit = 500ms;
        world.now = [a = ahead] { return wall_clock::now() + std::chrono::seconds{a->load()}; };
        world.make_resolver = [n = dns](boost::asio::any_io_executor const&) -> result<std::unique_ptr<dns::resolver>> {
            std::unique_ptr<dns::resolver> r = std::make_unique<fake_resolver>(n);
            return r;
        };
        world.tls = *net::make_client_tls();
    }
    ~office()
    {
        if (running) running->stop(0s);
        running.reset();
    }

    void open()
    {
        auto made = make_service_in(world, settings, accounts, queue);
        REQUIRE(made);
        running = std::move(*made);
        running->start();
    }
    void use_smart_host(scripted_server const& s) { settings.delivery.smart_host = s.address(); }
    /// Mail for the domain goes to this server on loopback.
    void use_exchanger(std::string const& domain, scripted_server const& s)
    {
        dns->exchanger(domain, 10, "mx." + domain);
        dns->address("mx." + domain, "127.0.0.1");
        world.mx_port = s.port();
    }

    static spool::message letter(std::string id, std::vector<std::string> const& to,
                                 std::string const& from = "from@us.example")
    {
        spool::message m;
        m.queue_id = std::move(id);
        if (from.empty()) {
            m.env.reverse_path.null = true;
        } else {
            m.env.reverse_path.address = box(from);
            m.account = from;
        }
        m.accepted_at = wall_clock::now();
        for (auto const& t : to) {
            spool::stored_recipient r;
            r.to.forward_path = box(t);
            r.next_attempt = m.accepted_at;
            m.recipients.push_back(r);
        }
        return m;
    }
    static constexpr char const* usual = "Subject: test\r\nFrom: from@us.example\r\n\r\nbody\r\n";
    void send(spool::message m, std::string text = usual, bool piecemeal = false)
    {
        m.size = text.size();
        m.lines_begin_with_dot = text.starts_with('.') || text.find("\r\n.") != std::string::npos;
        queue.arrive(std::move(m), std::make_shared<memory_content>(std::move(text), piecemeal));
    }
    /// Puts the clock forward and has the queue looked at.
    void later(std::chrono::seconds by)
    {
        *ahead += by.count();
        running->wake();
    }
};

}  // namespace postern::delivery::testing
