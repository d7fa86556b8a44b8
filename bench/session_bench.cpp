// What a session costs by itself: no socket, no TLS, no disk.
#include <benchmark/benchmark.h>

#include <string>

#include "smtp/data_decoder.hpp"
#include "smtp/server_session.hpp"
#include "witness/mark.hpp"

namespace {

using namespace postern;

smtp::server_settings settings()
{
    smtp::server_settings s;
    s.hostname = "mx.example";
    s.mechanisms = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
    s.message_size = 50U << 20;
    s.recipients = 1000;
    s.errors = 20;
    s.auth_failures = 5;
    return s;
}

smtp::tls_facts const tls{"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "mx.example", {}};
smtp::connection_facts const facts{.session_id = "K7Q2M9TX4WZA", .client = {}, .auth_without_tls = false};

/// Plays a message's commands up to DATA in one piece, then the end of its content.
void message(smtp::server_session& s, std::string_view batch)
{
    auto in = batch;
    auto next = s.on_input(in);
    while (!std::holds_alternative<smtp::read_data>(next)) {
        if (std::holds_alternative<smtp::check_sender>(next)) {
            next = s.on_sender({});
        } else if (std::holds_alternative<smtp::check_recipient>(next)) {
            next = s.on_recipient({});
        } else if (std::holds_alternative<smtp::begin_content>(next)) {
            next = s.on_content_ready({});
        } else {
            next = s.on_input(in);
        }
    }
    benchmark::DoNotOptimize(s.output().data());
    s.output().clear();
    (void)s.on_content({});
    (void)s.on_finished({}, "QK7Q2M9TX4WZA");
    s.output().clear();
}

void pipelined_message(benchmark::State& state)
{
    auto const shared = settings();
    smtp::server_session s{shared, facts};
    (void)s.on_connect(&tls);
    std::string_view hello = "EHLO client.example.com\r\n";
    (void)s.on_input(hello);
    s.output().clear();
    for (auto _ : state) {
        message(s,
                "MAIL FROM:<alice@example.com> SIZE=4096 BODY=8BITMIME\r\n"
                "RCPT TO:<bob@example.org>\r\nDATA\r\n");
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(pipelined_message);

// What a client's name costs, and what of that is the look at whether it is a check's.
void hello_of_a_client(benchmark::State& state)
{
    auto const shared = settings();
    smtp::server_session s{shared, facts};
    (void)s.on_connect(&tls);
    for (auto _ : state) {
        std::string_view hello = "EHLO client.example.com\r\n";
        (void)s.on_input(hello);
        benchmark::DoNotOptimize(s.output().data());
        s.output().clear();
    }
}
BENCHMARK(hello_of_a_client);

void is_it_a_check(benchmark::State& state)
{
    std::string_view const name = "client.example.com";
    for (auto _ : state) {
        bool found = witness::may_be_mark(name);
        benchmark::DoNotOptimize(found);
    }
}
BENCHMARK(is_it_a_check);

void hundred_recipients(benchmark::State& state)
{
    auto const shared = settings();
    smtp::server_session s{shared, facts};
    (void)s.on_connect(&tls);
    std::string_view hello = "EHLO client.example.com\r\n";
    (void)s.on_input(hello);
    std::string batch = "MAIL FROM:<alice@example.com>\r\n";
    for (int i = 0; i < 100; ++i) batch += "RCPT TO:<somebody" + std::to_string(i) + "@example.org>\r\n";
    batch += "DATA\r\n";
    for (auto _ : state) message(s, batch);
    state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(hundred_recipients);

void session_with_login(benchmark::State& state)
{
    auto const shared = settings();
    for (auto _ : state) {
        smtp::server_session s{shared, facts};
        (void)s.on_connect(&tls);
        std::string_view in =
            "EHLO client.example.com\r\n"
            "AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=\r\n";
        (void)s.on_input(in);
        (void)s.on_login(smtp::login_result::accepted, "alice@example.test");
        in = "QUIT\r\n";
        (void)s.on_input(in);
        benchmark::DoNotOptimize(s.output().data());
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(session_with_login);

void refusals(benchmark::State& state)
{
    auto shared = settings();
    shared.errors = 0;
    smtp::server_session s{shared, facts};
    (void)s.on_connect(&tls);
    for (auto _ : state) {
        std::string_view in = "FOO bar\r\n";
        (void)s.on_input(in);
        benchmark::DoNotOptimize(s.take_refusals().data());
        s.output().clear();
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(refusals);

std::string content(std::string const& line)
{
    std::string text;
    while (text.size() < (10U << 20)) text += line;
    return text;
}

/// In pieces as they come out of TLS records.
void decode(benchmark::State& state, std::string const& text, bool portably)
{
    std::vector<std::string_view> out;
    for (auto _ : state) {
        smtp::data_decoder d;
        for (std::size_t at = 0; at < text.size(); at += 16384) {
            auto in = std::string_view{text}.substr(at, 16384);
            out.clear();
            (void)(portably ? d.decode_portably(in, out) : d.decode(in, out));
            benchmark::DoNotOptimize(out.data());
        }
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

void decode_base64_lines(benchmark::State& state)
{
    decode(state, content(std::string(76, 'A') + "\r\n"), state.range(0) != 0);
}
BENCHMARK(decode_base64_lines)->ArgName("portable")->Arg(0)->Arg(1);

void decode_dots(benchmark::State& state) { decode(state, content("..\r\n"), false); }
BENCHMARK(decode_dots);

}  // namespace
