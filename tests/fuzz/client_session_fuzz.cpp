// The client session against a server that says anything: the driver's part is played as the
// interface demands. Every message ends with a fate for each recipient, and none is accepted
// without a reply of 2xx behind its content.
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.hpp"
#include "smtp/client_session.hpp"

using namespace postern;
using namespace postern::smtp;

namespace {

struct letter {
    mail::envelope env;
    std::vector<mail::recipient> recipients;
    std::vector<mail::recipient const*> pointers;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size < 3) return 0;
    unsigned const choice = data[0];
    unsigned pieces = data[1];
    std::string_view in{reinterpret_cast<char const*>(data + 2), size - 2};

    client_settings settings;
    settings.hostname = "us.example";
    settings.speaks = choice & 1 ? dialect::lmtp : dialect::smtp;
    settings.tls = choice & 2 ? tls_wish::required : choice & 4 ? tls_wish::if_offered : tls_wish::never;
    settings.logs_in = (choice & 32) != 0;
    settings.logs_in_clear = (choice & 64) != 0;
    client_session s{settings};
    bool proven = false;  // something of ours went out that proves who we are

    std::vector<letter> letters(3);
    for (std::size_t i = 0; i < letters.size(); ++i) {
        letters[i].env.reverse_path.null = true;
        if (choice & 8) letters[i].env.body = mail::body_type::binary_mime;
        for (std::size_t r = 0; r <= i; ++r) {
            mail::recipient to;
            to.forward_path = {"to" + std::to_string(r), "b.example"};
            letters[i].recipients.push_back(to);
        }
        for (auto const& r : letters[i].recipients) letters[i].pointers.push_back(&r);
    }

    std::size_t begun = 0, over = 0, contents = 0, accepted_messages = 0;
    auto const collect = [&] {
        while (auto f = s.take_finished()) {
            ++over;
            require(f->recipients.size() == letters[f->id].recipients.size());
            bool any = false;
            for (auto const& r : f->recipients) {
                require(r.what != fate::pending);
                if (r.what == fate::accepted) {
                    any = true;
                    require(f->content_sent && r.said.positive());
                }
                if (r.what == fate::refused) require(r.said.permanent());
            }
            if (any) ++accepted_messages;
        }
    };
    auto const begin_one = [&] {
        if (begun == letters.size() || !s.can_begin()) return false;
        outgoing const m{&letters[begun].env, letters[begun].pointers, 10, false};
        if (s.check(m) != obstacle::none) return false;
        s.begin(begun, m);
        ++begun;
        return true;
    };

    bool lost = false;
    for (int step = 0; step < 10'000; ++step) {
        collect();
        auto const act = s.next();
        if (std::holds_alternative<hang_up_now>(act)) break;
        if (std::holds_alternative<ready>(act)) {
            if (!begin_one()) s.quit();
            continue;
        }
        if (std::holds_alternative<send_content>(act)) {
            s.output().clear();
            s.on_content_sent();
            ++contents;
            begin_one();
            continue;
        }
        if (std::holds_alternative<start_tls_now>(act)) {
            s.on_tls((choice & 16) != 0);
            continue;
        }
        if (std::holds_alternative<choose_login>(act)) {
            sasl::client_credentials c;
            c.authcid = "ann";
            c.password = secret{"pencil"};
            c.token = secret{"token"};
            c.certificate = true;
            sasl::client_means const means{(choice & 128) != 0, (choice & 128) == 0, true};
            auto const usable = s.usable_mechanisms();
            auto m = sasl::make_client_mechanism(sasl::choose_mechanism(usable, {}, means), c, {});
            if (m) {
                s.begin_login(std::move(m));
            } else {
                s.give_up_login("nothing fits");
            }
            continue;
        }
        if (std::holds_alternative<answer_challenge>(act)) {
            require(s.tls() || settings.logs_in_clear);
            auto const& challenge = s.challenge();
            s.on_answer(s.mechanism().step(challenge ? std::optional<std::string_view>{*challenge} : std::nullopt));
            proven = true;
            continue;
        }
        s.output().clear();
        if (in.empty()) {
            s.on_lost("end of input");
            lost = true;
            continue;
        }
        pieces = pieces * 1664525u + 1013904223u;
        std::string_view const part = in.substr(0, pieces % 64 + 1);
        in.remove_prefix(part.size());
        s.on_input(part);
    }
    collect();
    require(std::holds_alternative<hang_up_now>(s.next()));
    require(over == begun);
    require(accepted_messages <= contents);
    if (settings.tls == tls_wish::required) require(begun == 0 || s.tls());
    if (settings.logs_in) require(begun == 0 || (proven && !s.logged_in_by().empty()));
    static_cast<void>(lost);
    return 0;
}
