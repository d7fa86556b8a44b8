// What signing costs: a signature of each kind, the body hash by its length, and a whole message.
#include <benchmark/benchmark.h>

#include "mail/dkim_canonical.hpp"
#include "signing/message_signing.hpp"

namespace {

using namespace postern;
using kind = signing_key::kind;

void a_signature(benchmark::State& state, kind k)
{
    auto const key = *signing_key::generate(k);
    auto const hash = digest(hash::sha256, "x");
    for (auto _ : state) benchmark::DoNotOptimize(key.sign(hash));
}
BENCHMARK_CAPTURE(a_signature, rsa_2048, kind::rsa)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(a_signature, ed25519, kind::ed25519)->Unit(benchmark::kMicrosecond);

std::string text_of(std::size_t size, bool base64)
{
    std::string out;
    while (out.size() < size)
        out += base64 ? std::string(76, 'A') + "\r\n"
                      : "Some words of prose, as people write them to each other, in lines.\r\n";
    out.resize(size);
    return out;
}

void a_body_hash(benchmark::State& state, mail::canonical_form form, bool base64)
{
    constexpr std::size_t piece = 64u << 10;
    auto const text = text_of(piece, base64);
    for (auto _ : state) {
        mail::body_hasher h{form};
        h.add(text);
        benchmark::DoNotOptimize(h.finish());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(piece));
}
BENCHMARK_CAPTURE(a_body_hash, relaxed_base64, mail::canonical_form::relaxed, true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(a_body_hash, relaxed_prose, mail::canonical_form::relaxed, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(a_body_hash, simple_prose, mail::canonical_form::simple, false)->Unit(benchmark::kMicrosecond);

// What the thread of the connection does, without the signature itself: fields, canonical forms, room.
void a_message_without_the_signature(benchmark::State& state)
{
    config::settings const settings;
    auto ring = std::make_shared<signing::keyring>(settings);
    for (auto const k : {kind::rsa, kind::ed25519}) ring->add("example.com", {"s", *signing_key::generate(k)});
    std::string const section =
        "Received: from a by b; Thu, 26 Nov 2026 07:00:00 +0000\r\nFrom: Ann <ann@example.com>\r\n"
        "To: Bob <bob@example.net>\r\nSubject: Is dinner ready?\r\nDate: Thu, 26 Nov 2026 07:00:00 +0000\r\n"
        "Message-ID: <1@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";
    auto const fields = *mail::parse_fields(section);
    auto const body = text_of(4096, false);
    for (auto _ : state) {
        auto const s = signing::message_signing::begin(ring, fields, wall_clock::now());
        benchmark::DoNotOptimize(s->placeholder());
        s->add_body(body);
    }
}
BENCHMARK(a_message_without_the_signature)->Unit(benchmark::kMicrosecond);

}  // namespace
