// What a certificate authority answers: every parser, and a whole order in which each answer is a line of the input.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "acme/issuance.hpp"

namespace {

postern::acme::ec_key const& key()
{
    static auto const made = postern::acme::ec_key::generate();
    return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace postern;
    using namespace postern::acme;
    std::string_view left{reinterpret_cast<char const*>(data), size};
    parse_directory(left);
    parse_order(left);
    parse_authorization(left);
    parse_problem(left);
    parse_renewal_window(left);
    parse_retry_after(left, wall_time{});

    wishes w;
    w.directory = "https://ca.example/directory";
    w.names = {"mail.example.com"};
    w.kinds = {"http-01", "tls-alpn-01"};
    w.request = "CSR";
    issuance machine{std::move(w), key(), steady_time{}, std::chrono::seconds{60}};
    auto now = machine.begin();
    steady_time time{};
    // Each answer: a line, of which the first octet is the kind of status.
    for (int n = 0; n < 200; ++n) {
        time += std::chrono::milliseconds{10};
        if (std::holds_alternative<call>(now)) {
            if (left.empty()) break;
            auto const line = left.substr(0, left.find('\n'));
            left.remove_prefix(std::min(left.size(), line.size() + 1));
            answer a;
            a.status = line.empty() ? 200 : line.front() == '4' ? 400 : line.front() == '5' ? 503 : 200;
            a.body = line.empty() ? line : line.substr(1);
            a.nonce = line.ends_with(' ') ? "" : "nonce";
            a.location = "https://ca.example/1";
            a.retry_after = line.substr(0, 3);
            now = machine.on_answer(a, wall_time{}, time);
        } else if (std::holds_alternative<show>(now)) {
            now = machine.on_shown();
        } else if (auto const* p = std::get_if<later>(&now)) {
            time += p->time;
            now = machine.on_time();
        } else {
            break;
        }
    }
    return 0;
}
