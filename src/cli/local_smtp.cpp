#include "cli/local_smtp.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.hpp"

namespace postern::cli {
namespace {

// What RFC 5321 section 4.5.3.2 wants of clients. Behind the end of the message its milters have their say, and a
// client that gives up first has its message sent twice.
constexpr auto patience = std::chrono::minutes{5}, patience_at_end = std::chrono::minutes{10};
constexpr std::size_t most_at_once = 100;  // where the server does not say how many it takes

error failed(std::string text) { return {{4, 4, 2}, "the server does not answer", std::move(text)}; }

std::string_view words(smtp::obstacle o)
{
    switch (o) {
        case smtp::obstacle::smtputf8: return "it has addresses or a header that need SMTPUTF8";
        case smtp::obstacle::eight_bit: return "it has 8-bit text";
        case smtp::obstacle::binary: return "it is binary";
        case smtp::obstacle::require_tls: return "it demands TLS";
        case smtp::obstacle::too_big: return "it is too big";
        case smtp::obstacle::too_late: return "its time is over";
        case smtp::obstacle::none: break;
    }
    return "";
}

class conversation {
public:
    conversation(int socket, std::string const& hostname) : socket_(socket), session_(settings_for(hostname)) {}

    /// Until nothing is under way, or all is over. `content`: of the message under way.
    result<> advance(std::string_view content)
    {
        for (;;) {
            auto const next = session_.next();
            if (std::holds_alternative<smtp::ready>(next)) return done{};
            if (std::holds_alternative<smtp::read_reply>(next)) {
                if (auto answered = exchange(); !answered) return answered;
                continue;
            }
            if (auto const* send = std::get_if<smtp::send_content>(&next)) {
                auto text = std::exchange(session_.output(), {});
                if (send->chunk) {
                    text += content;
                } else {
                    smtp::dot_stuffer stuffer;
                    stuffer.add(content, text);
                    stuffer.finish(text);
                }
                if (auto sent = control::write_all(socket_, text, steady_clock::now() + patience_at_end); !sent)
                    return failed("the server stopped to listen: " + sent.error().logged);
                session_.on_content_sent();
                at_end_ = true;
                continue;
            }
            return failed(session_.failure_text().empty() ? "the server ended the connection"
                                                          : session_.failure_text());
        }
    }

    smtp::client_session& session() noexcept { return session_; }

private:
    static smtp::client_settings settings_for(std::string const& hostname)
    {
        smtp::client_settings s;
        s.hostname = hostname;
        s.tls = smtp::tls_wish::never;
        s.stays_here = true;
        return s;
    }

    result<> exchange()
    {
        auto const until = steady_clock::now() + (std::exchange(at_end_, false) ? patience_at_end : patience);
        auto const text = std::exchange(session_.output(), {});
        if (!text.empty())
            if (auto sent = control::write_all(socket_, text, until); !sent)
                return failed("the server stopped to listen: " + sent.error().logged);
        auto const before = session_.replies();
        while (session_.replies() == before && session_.failed() == smtp::failure::none) {
            auto const left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now());
            pollfd wait{socket_, POLLIN, 0};
            int const ready = ::poll(&wait, 1, std::max(0, static_cast<int>(left.count())));
            if (ready < 0 && errno == EINTR) continue;
            if (ready <= 0) return failed("the server gave no answer in time");
            std::array<char, 4096> octets{};
            auto const n = ::recv(socket_, octets.data(), octets.size(), 0);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return failed("the server closed the connection");
            session_.on_input({octets.data(), static_cast<std::size_t>(n)});
        }
        return done{};
    }

    int socket_;
    smtp::client_session session_;
    bool at_end_ = false;  // the message has been sent
};

}  // namespace

result<control::descriptor> connect_to_server(std::string const& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return failed("sendmail.socket is not set to a path that a socket can have");
    std::memcpy(address.sun_path, path.data(), path.size());
    control::descriptor made{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!made) return failed(std::string{"can't make a socket: "} + std::strerror(errno));
    if (::connect(made.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0) return made;
    switch (errno) {
        case ENOENT:
        case ECONNREFUSED:
            return failed("no server takes mail at " + path +
                          ": start it (`systemctl start postern`), or set sendmail.socket to where it listens");
        case EACCES:
            return failed("this user may not open " + path +
                          ": sendmail.mode and sendmail.group say who may, and who may look into its folder");
        default: return failed("can't reach the server at " + path + ": " + std::strerror(errno));
    }
}

result<std::vector<smtp::recipient_result>> submit(control::descriptor const& to, std::string const& hostname,
                                                   mail::envelope const& env, std::string_view content,
                                                   bool utf8_header, std::size_t& taken)
{
    taken = 0;
    conversation with{to.get(), hostname};
    if (auto up = with.advance({}); !up) return std::move(up).error();
    auto& session = with.session();
    auto const said = session.announced().most_recipients;
    std::size_t const at_once = said == 0 ? most_at_once : said;

    std::vector<smtp::recipient_result> fates;
    for (std::size_t from = 0; from < env.recipients.size(); from += at_once) {
        std::vector<mail::recipient const*> some;
        for (std::size_t i = from; i < std::min(env.recipients.size(), from + at_once); ++i)
            some.push_back(&env.recipients[i]);
        bool const utf8 =
            utf8_header || (!env.reverse_path.null && env.reverse_path.address.needs_smtputf8()) ||
            std::any_of(some.begin(), some.end(), [](auto const* r) { return r->forward_path.needs_smtputf8(); });
        smtp::outgoing const message{&env, some, content.size(), utf8};
        if (auto const obstacle = session.check(message); obstacle != smtp::obstacle::none)
            return error{
                {5, 6, 0}, "not taken", "the server does not take the message: " + std::string{words(obstacle)}};
        session.begin(from, message);
        if (auto sent = with.advance(content); !sent) return std::move(sent).error();
        while (auto over = session.take_finished())
            for (auto& one : over->recipients) {
                if (one.what == smtp::fate::accepted) ++taken;
                fates.push_back(std::move(one));
            }
    }
    session.quit();
    // It has taken all that there is; how it says goodbye does not matter.
    [[maybe_unused]] auto const ignored = with.advance({});
    return fates;
}

}  // namespace postern::cli
