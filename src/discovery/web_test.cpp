#include "discovery/web.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "discovery/discovery.hpp"
#include "discovery/documents.hpp"
#include "support/fake_resolver.hpp"
#include "support/test_certificate.hpp"

namespace postern::discovery {
namespace {

constexpr auto host = "mx.b.example";  // the test certificate's name

std::string answer(std::string_view status, std::string_view more, std::string_view body)
{
    return "HTTP/1.1 " + std::string{status} +
           "\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + std::string{more} + "\r\n" + std::string{body};
}

/// A web server at a free port, with TLS or without; one answer to each request line. "HANG": none.
class web_server {
public:
    using pages = std::function<std::string(std::string const& line)>;

    web_server(SSL_CTX* tls, pages p) : tls_(tls), pages_(std::move(p))
    {
        std::signal(SIGPIPE, SIG_IGN);
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in a{};
        a.sin_family = AF_INET;
        ::inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
        socklen_t size = sizeof a;
        REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&a), size) == 0);
        REQUIRE(::listen(listener_, 8) == 0);
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&a), &size);
        port = ntohs(a.sin_port);
        thread_ = std::thread{[this] { serve(); }};
    }
    ~web_server()
    {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
        for (int const fd : hanging_) ::close(fd);
    }
    web_server(web_server const&) = delete;
    web_server& operator=(web_server const&) = delete;

    std::uint16_t port = 0;

private:
    void serve()
    {
        for (;;) {
            int const fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            talk(fd);
        }
    }
    void talk(int fd)
    {
        SSL* const ssl = tls_ != nullptr ? SSL_new(tls_) : nullptr;
        if (ssl != nullptr) SSL_set_fd(ssl, fd);
        std::string in;
        bool open = ssl == nullptr || SSL_accept(ssl) == 1;
        while (open && in.find("\r\n\r\n") == std::string::npos) {
            char buffer[2048];
            auto const n = ssl != nullptr ? SSL_read(ssl, buffer, sizeof buffer)
                                          : static_cast<int>(::recv(fd, buffer, sizeof buffer, 0));
            if (n <= 0) open = false;
            if (n > 0) in.append(buffer, static_cast<std::size_t>(n));
        }
        auto const out = open ? pages_(in.substr(0, in.find("\r\n"))) : std::string{};
        if (open && out != "HANG") {
            if (ssl != nullptr)
                SSL_write(ssl, out.data(), static_cast<int>(out.size()));
            else
                ::send(fd, out.data(), out.size(), MSG_NOSIGNAL);
            if (ssl != nullptr) SSL_shutdown(ssl);
        }
        if (ssl != nullptr) SSL_free(ssl);
        if (out == "HANG")
            hanging_.push_back(fd);
        else
            ::close(fd);
    }

    SSL_CTX* tls_;
    pages pages_;
    int listener_ = -1;
    std::thread thread_;
    std::vector<int> hanging_;
};

struct world {
    testing::test_certificate certificate;
    std::shared_ptr<testing::names> names = std::make_shared<testing::names>();
    options o;

    world()
    {
        names->address(host, "127.0.0.1");
        o.authorities = certificate.folder / "chain.pem";
    }

    page get(std::string url, std::chrono::milliseconds limit = std::chrono::seconds{20})
    {
        boost::asio::io_context context;
        testing::fake_resolver resolver{names};
        auto const pages = make_web(resolver, o, steady_clock::now() + limit);
        std::optional<page> came;
        boost::asio::co_spawn(context, pages->ask(std::move(url), {}), [&](std::exception_ptr failed, page p) {
            REQUIRE_FALSE(failed);
            came = std::move(p);
        });
        context.run();
        REQUIRE(came.has_value());
        return *came;
    }
};

TEST_CASE("a document comes over https, from the host that our own resolver found")
{
    world w;
    web_server server{w.certificate.context.get(), [](std::string const& line) {
                          return line == "GET /a?b HTTP/1.1" ? answer("200 OK", "", "<a/>") : answer("404 No", "", "");
                      }};
    auto const root = "https://" + std::string{host} + ':' + std::to_string(server.port);
    auto const p = w.get(root + "/a?b");
    CHECK(p.status == 200);
    CHECK(p.body == "<a/>");
    CHECK(p.type == "text/xml");
    CHECK(w.get(root + "/c").status == 404);
    CHECK(w.get("https://nobody.example/").problem.find("nobody") != std::string::npos);
    // Nobody vouches for it.
    w.o.authorities.clear();
    auto const stranger = w.get(root + "/a?b");
    CHECK(stranger.status == 0);
    CHECK(stranger.untrusted);
    // Another name than the certificate's.
    w.o.authorities = w.certificate.folder / "chain.pem";
    w.names->address("other.example", "127.0.0.1");
    CHECK(w.get("https://other.example:" + std::to_string(server.port) + "/a?b").untrusted);
}

TEST_CASE("redirections are followed a few times, and never from https to http")
{
    world w;
    web_server plain{nullptr, [](std::string const&) { return answer("200 OK", "", "forged"); }};
    std::string root;
    web_server server{
        w.certificate.context.get(), [&](std::string const& line) {
            if (line.find("/once") != std::string::npos)
                return answer("302 Found", "Location: " + root + "/there\r\n", "");
            if (line.find("/round") != std::string::npos)
                return answer("302 Found", "Location: " + root + "/round\r\n", "");
            if (line.find("/down") != std::string::npos)
                return answer("302 Found",
                              "Location: http://" + std::string{host} + ':' + std::to_string(plain.port) + "/\r\n", "");
            return answer("200 OK", "", "<there/>");
        }};
    root = "https://" + std::string{host} + ':' + std::to_string(server.port);
    auto const p = w.get(root + "/once");
    CHECK(p.body == "<there/>");
    CHECK(p.url == root + "/there");
    CHECK(w.get(root + "/round").problem == "it goes round in redirections");
    auto const down = w.get(root + "/down");
    CHECK(down.body.empty());
    CHECK(down.problem.find("it leads to http://") == 0);
    CHECK(w.get("http://" + std::string{host} + ':' + std::to_string(plain.port) + "/").body == "forged");
    CHECK(w.get("http://user@" + std::string{host} + "/").status == 0);
    CHECK(w.get("ftp://" + std::string{host} + "/").status == 0);
}

TEST_CASE("what is too long or does not come is no answer")
{
    world w;
    web_server server{w.certificate.context.get(), [](std::string const& line) {
                          return line.find("/long") != std::string::npos
                                     ? answer("200 OK", "", std::string(longest_document + 1, 'x'))
                                     : std::string{"HANG"};
                      }};
    auto const root = "https://" + std::string{host} + ':' + std::to_string(server.port);
    auto const big = w.get(root + "/long");
    CHECK(big.status == 0);
    CHECK(big.problem.find("longer than") != std::string::npos);
    auto const silent = w.get(root + "/hang", std::chrono::milliseconds{200});
    CHECK(silent.status == 0);
    CHECK_FALSE(silent.problem.empty());
}

}  // namespace
}  // namespace postern::discovery
