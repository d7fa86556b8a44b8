#include "web/certificates.hpp"

#include <filesystem>
#include <string>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/log.hpp"

namespace postern::web {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds look_every = 2s, look_at_first = 200ms;
constexpr auto patience_at_first = 5s;
constexpr std::size_t most_certificates = 1000;

/// What changes when a file does.
std::string mark_of(std::filesystem::path const& file)
{
    std::error_code ec;
    auto const time = std::filesystem::last_write_time(file, ec).time_since_epoch().count();
    auto const size = std::filesystem::file_size(file, ec);
    return ec ? std::string{} : std::to_string(time) + ':' + std::to_string(size);
}

std::vector<net::certificate_text> certificates_in(json::object const& o, std::string_view key)
{
    std::vector<net::certificate_text> out;
    auto const* all = o.if_contains(key);
    if (!all || !all->is_array()) return out;
    for (auto const& one : all->as_array()) {
        if (!one.is_object() || out.size() == most_certificates) break;
        auto const& row = one.as_object();
        out.push_back({std::string{text_in(row, "certificate")}, secret{text_in(row, "private_key")}});
    }
    return out;
}

class keeper {
public:
    keeper(server& pages, certificate_options o) : pages_(pages), options_(std::move(o)) {}

    net::awaitable<void> look(server_link& mail)
    {
        json::object arguments;
        if (!version_.empty() && !from_files_) arguments["version"] = version_;
        auto const told = co_await mail.ask("web certificates", std::move(arguments), {}, {});
        if (told && told->is_object()) {
            take(told->as_object());
        } else if (options_.own && (from_files_ || !has_one_)) {
            look_at_files();
        } else if (!told) {
            complain(told.error().text);
        }
    }

    bool has_one() const noexcept { return has_one_; }

private:
    void look_at_files()
    {
        auto const mark = mark_of(options_.own->chain) + '/' + mark_of(options_.own->private_key);
        if (mark == version_) return;
        net::server_tls_options o;
        o.certificates = {*options_.own};
        if (!use(std::move(o))) return;
        version_ = mark;
        from_files_ = true;
    }

    void take(json::object const& told)
    {
        auto const version = text_in(told, "version");
        if (version == version_) return;
        net::server_tls_options o;
        o.texts = certificates_in(told, "certificates");
        o.challenges = certificates_in(told, "proofs");
        if (!use(std::move(o))) return;
        version_ = version;
        from_files_ = false;
    }

    /// What can't be used leaves the old ones in force.
    bool use(net::server_tls_options o)
    {
        o.session_context = "web";
        o.protocol = "http/1.1";
        auto made = net::make_server_tls(o);
        if (!made) {
            complain(made.error().logged);
            return false;
        }
        if (has_one_) log::event(log::level::info, "web_certificates_reloaded");
        has_one_ = true;
        said_.clear();
        pages_.serve(std::move(*made), options_.https_port);
        return true;
    }

    void complain(std::string const& why)
    {
        if (why == said_) return;
        if (!has_one_ && steady_clock::now() - began_ < patience_at_first) return;  // both may just be starting
        said_ = why;
        log::event(log::level::warning, "web_certificates_not_read",
                   {{"problem", why},
                    {"remedy", has_one_ ? "the ones that were there stay in use"
                                        : "nothing is served until there is one; see whether `postern serve` runs"}});
    }

    server& pages_;
    certificate_options options_;
    std::string version_;  // of what is in use
    std::string said_;
    steady_time began_ = steady_clock::now();
    bool has_one_ = false;
    bool from_files_ = false;
};

}  // namespace

net::awaitable<void> keep_certificates(server* pages, certificate_options o, server_link* mail)
{
    keeper k{*pages, std::move(o)};
    asio::steady_timer timer{co_await asio::this_coro::executor};
    for (;;) {
        co_await k.look(*mail);
        if (k.has_one())
            timer.expires_after(look_every);
        else
            timer.expires_after(look_at_first);
        boost::system::error_code ec;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    }
}

}  // namespace postern::web
