// Whole recorded sessions into the judge: each line of the input is what a server said, or how it ended.
#include <cstdint>
#include <string_view>

#include "base/text.hpp"
#include "client/first_octets.hpp"
#include "diagnose/judge.hpp"
#include "diagnose/report.hpp"
#include "smtp/client_commands.hpp"

namespace {

using namespace postern;
using namespace postern::diagnose;
using client::ending;

/// The lines of the input, one reply at a time.
class recording {
public:
    explicit recording(std::string_view text) : text_(text) {}

    std::string_view line()
    {
        auto const end = text_.find('\n');
        auto const one = text_.substr(0, end);
        text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
        return one;
    }

    std::uint8_t octet()
    {
        if (text_.empty()) return 0;
        auto const c = static_cast<std::uint8_t>(text_.front());
        text_.remove_prefix(1);
        return c;
    }

    step_result next()
    {
        step_result r;
        constexpr ending endings[] = {ending::reply,  ending::reply,     ending::reply,       ending::timed_out,
                                      ending::closed, ending::malformed, ending::tls_refused, ending::not_possible};
        r.how = endings[octet() % 8];
        r.took = std::chrono::milliseconds{octet() * 100};
        auto const said = line();
        if (r.how != ending::reply) {
            r.problem = r.first = printable(said);
            r.alert = printable(said, 30);
            r.service = client::guess_service(said);
            return r;
        }
        smtp::reply_parser parser;
        std::string text{said};
        for (auto& c : text)
            if (c == '|') c = '\n';
        text += '\n';
        std::string_view in = text;
        if (parser.take(in) == smtp::reply_parser::state::complete) r.said = parser.release();
        return r;
    }

    client::announcement announcement()
    {
        client::announcement a;
        a.extended = octet() % 4 != 0;
        std::string text{line()};
        for (auto& c : text)
            if (c == '|') c = '\n';
        a.known = smtp::parse_extensions(text);
        a.lines = {printable(text)};
        a.auth_equals = text.find("AUTH=") != std::string::npos;
        return a;
    }

private:
    std::string_view text_;
};

talk_seen talk(recording& in)
{
    talk_seen t;
    constexpr std::uint16_t ports[] = {25, 465, 587, 2525};
    auto const kind = in.octet();
    t.at = {*ip_address::parse(kind % 2 ? "192.0.2.1" : "2001:db8::1"), ports[kind / 2 % 4]};
    t.way = static_cast<tls_way>(kind / 8 % 3);
    t.silent = kind % 64 == 63;
    t.greeting = in.next();
    if (in.octet() % 2) {
        t.hello_before = in.next();
        t.announced_before = in.announcement();
    }
    if (in.octet() % 2) {
        t.handshake = in.next();
        if (in.octet() % 2) {
            t.tls.emplace();
            net::shown_certificate c;
            c.issuer = c.subject = printable(in.line());
            c.names = {printable(in.line())};
            c.key_bits = in.octet() * 16;
            c.self_signed = in.octet() % 2;
            c.issuer_published = in.octet() % 2;
            t.certificates.chain = {c};
            t.certificates.trusted = in.octet() % 2;
            t.certificates.name_fits = in.octet() % 2;
            t.certificates.trust_error = in.octet();
            t.hello_within = in.next();
            t.announced_within = in.announcement();
        }
    }
    return t;
}

observations record(recording& in)
{
    observations o;
    o.person.host = printable(in.line(), 100);
    o.person.has_password = true;
    auto const kind = in.octet();
    if (kind % 2) o.person.port = static_cast<std::uint16_t>(kind % 4 == 1 ? 587 : 25);
    if (kind % 8 > 4) o.person.way = static_cast<tls_way>(kind % 3);
    o.names.looked = true;
    o.names.what = static_cast<dns::finding>(in.octet() % 5);
    o.names.v4 = {*ip_address::parse("192.0.2.1")};
    o.names.v6 = {*ip_address::parse("2001:db8::1")};
    for (std::uint16_t const port : {std::uint16_t{25}, std::uint16_t{465}, std::uint16_t{587}})
        for (auto const* all : {&o.names.v4, &o.names.v6})
            o.doors.push_back({{all->front(), port}, static_cast<door_state>(in.octet() % 6), 0, {}});
    for (auto n = in.octet() % 4; n > 0; --n) o.talks.push_back(talk(in));
    if (!o.talks.empty() && in.octet() % 2) o.chosen = in.octet() % o.talks.size();
    o.not_tried = static_cast<withheld>(in.octet() % 6);
    for (auto n = in.octet() % 4; n > 0; --n) {
        login_seen l;
        l.user = printable(in.line(), 100);
        l.mechanism = printable(in.line(), 20);
        l.result.how = static_cast<client::login_result::what>(in.octet() % 6);
        l.result.last = in.next();
        l.result.server_error = printable(in.line());
        if (l.result.accepted() && !o.logged_in) o.logged_in = o.logins.size();
        o.logins.push_back(std::move(l));
    }
    auto const steps = in.octet();
    if (steps & 1) o.mine.mail = in.next();
    if (steps & 2) o.mine.rcpt = in.next();
    if (steps & 4) o.mine.rcpt_outside = in.next();
    if (steps & 8) o.mine.data = in.next();
    if (steps & 16) o.stranger.mail = o.stranger.rcpt_outside = in.next();
    return o;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    recording in{{reinterpret_cast<char const*>(data), size}};
    auto const o = record(in);
    auto const d = judge(o);
    page const p;
    if (d.steps.size() != all_steps.size()) __builtin_trap();
    (void)step_lines(d, p, step::headers);
    (void)result_lines(o, d, p);
    (void)to_json(o, d);
    return 0;
}
