#include "net/socket_stream.hpp"

#include <vector>

#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "net/listener.hpp"
#include "net/tls.hpp"
#include "support/throw_away_folder.hpp"

using namespace postern;
using namespace postern::net;
namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds patience{10};

std::shared_ptr<tls_context> server_context()
{
    testing::throw_away_folder const folder;
    certificate_files const files{folder.path() / "cert.pem", folder.path() / "key.pem"};
    REQUIRE(ensure_self_signed(files, {"mail.example.com"}));
    server_tls_options o;
    o.certificates = {files};
    auto const made = make_server_tls(o);
    REQUIRE(made);
    return *made;
}

// Each send() of the server arrives as one packet here, so that they can be counted.
struct packet_pair {
    socket_handle server, client;
    packet_pair()
    {
        int both[2] = {-1, -1};
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) == 0);
        server = socket_handle{both[0]};
        client = socket_handle{both[1]};
    }
};

// OpenSSL's client over memory, so that the test sees every packet.
class tls_client {
public:
    tls_client(int descriptor, int newest) : descriptor_(descriptor)
    {
        context_ = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_max_proto_version(context_, newest);
        ssl_ = SSL_new(context_);
        SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_connect_state(ssl_);
        SSL_do_handshake(ssl_);
        send();
    }
    ~tls_client()
    {
        SSL_free(ssl_);
        SSL_CTX_free(context_);
    }
    tls_client(tls_client const&) = delete;
    tls_client& operator=(tls_client const&) = delete;

    // What one packet of the server brought, decrypted; false when there is none.
    bool take(std::string& text)
    {
        char packet[70000];
        auto const n = ::recv(descriptor_, packet, sizeof packet, MSG_DONTWAIT);
        if (n <= 0) return false;
        BIO_write(SSL_get_rbio(ssl_), packet, static_cast<int>(n));
        SSL_do_handshake(ssl_);
        text.clear();
        char clear[20000];
        for (int got = 0; (got = SSL_read(ssl_, clear, sizeof clear)) > 0;)
            text.append(clear, static_cast<std::size_t>(got));
        send();
        return true;
    }
    void say(std::string const& line)
    {
        SSL_write(ssl_, line.data(), static_cast<int>(line.size()));
        send();
    }
    bool ready() const { return SSL_is_init_finished(ssl_) == 1; }
    bool told_goodbye() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }

private:
    void send()
    {
        char* octets = nullptr;
        auto const n = BIO_get_mem_data(SSL_get_wbio(ssl_), &octets);
        if (n > 0) CHECK(::send(descriptor_, octets, static_cast<std::size_t>(n), 0) == n);
        BIO_reset(SSL_get_wbio(ssl_));
    }

    int descriptor_;
    SSL_CTX* context_ = nullptr;
    SSL* ssl_ = nullptr;
};

// Greets, waits for one line, says good bye.
awaitable<void> serve_one(std::unique_ptr<stream> peer, std::shared_ptr<tls_context> context)
{
    auto const shaken = co_await peer->handshake_as_server(context, patience);
    CHECK(shaken);
    auto const greeted = co_await peer->write("220 hello\r\n", patience);
    CHECK(greeted);
    auto const line = co_await peer->read(patience);
    CHECK((line && *line == "QUIT\r\n"));
    auto const finished = co_await peer->finish("221 bye\r\n", patience);
    CHECK(finished);
    peer->close();
}

// What the client read, a string for each packet of the server's that held any.
std::vector<std::string> packets_of_a_session(int newest, unsigned& count, bool& goodbye)
{
    auto const context = server_context();

    packet_pair sockets;
    asio::io_context io{1};
    auto peer = make_socket_stream(io.get_executor(), sockets.server.take(), {}, {});
    asio::co_spawn(io, serve_one(std::move(peer), context), asio::detached);
    tls_client client{sockets.client.get(), newest};
    std::vector<std::string> said;
    bool asked = false;
    auto const until = steady_clock::now() + patience;
    while (!client.told_goodbye() && steady_clock::now() < until) {
        io.run_for(std::chrono::milliseconds{1});
        for (std::string text; client.take(text);) {
            ++count;
            if (!text.empty()) said.push_back(text);
        }
        if (!said.empty() && !asked) {
            client.say("QUIT\r\n");
            asked = true;
        }
    }
    goodbye = client.told_goodbye();
    return said;
}

}  // namespace

TEST_CASE("records that belong together travel together")
{
    for (int const newest : {TLS1_3_VERSION, TLS1_2_VERSION}) {
        CAPTURE(newest);
        unsigned packets = 0;
        bool goodbye = false;
        auto const said = packets_of_a_session(newest, packets, goodbye);
        REQUIRE(said.size() == 2);
        CHECK(said[0] == "220 hello\r\n");
        CHECK(said[1] == "221 bye\r\n");
        CHECK(goodbye);
        // The server's flight; its end or its ticket with the greeting; the last reply with close_notify.
        CHECK(packets == 3);
    }
}

TEST_CASE("what doesn't fit into the socket is sent when there is room")
{
    auto const context = server_context();

    int both[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) == 0);
    socket_handle const client_end{both[1]};
    asio::io_context io{1};
    auto peer = make_socket_stream(io.get_executor(), both[0], {}, {});
    std::string const much(3'000'000, 'x');
    bool sent = false;
    auto const send_much = [](std::unique_ptr<stream> s, std::shared_ptr<tls_context> c, std::string const* octets,
                              bool* done) -> awaitable<void> {
        auto const shaken = co_await s->handshake_as_server(c, patience);
        CHECK(shaken);
        auto const written = co_await s->write(*octets, patience);
        CHECK(written);
        s->close();
        *done = true;
    };
    asio::co_spawn(io, send_much(std::move(peer), context, &much, &sent), asio::detached);
    tls_client client{client_end.get(), TLS1_3_VERSION};
    std::size_t got = 0;
    auto const until = steady_clock::now() + patience;
    while (!client.told_goodbye() && steady_clock::now() < until) {
        io.run_for(std::chrono::milliseconds{1});
        std::string text;
        if (client.take(text)) got += text.size();
    }
    CHECK(sent);
    CHECK(got == much.size());
}
