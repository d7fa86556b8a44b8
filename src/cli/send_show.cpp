#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include <sys/ioctl.h>
#include <unistd.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/text.hpp"
#include "cli/application.hpp"
#include "cli/output.hpp"
#include "cli/send.hpp"
#include "cli/this_terminal.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

using terminal::colour;

std::string fixed(double value, int digits)
{
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

double milliseconds(steady_clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

bool all_taken(send_result const& r)
{
    return std::all_of(r.report.recipients.begin(), r.report.recipients.end(),
                       [](auto const& one) { return one.said.ok(); });
}

json::object to_json(catalogue::rule const& rule)
{
    return {{"id", rule.id},
            {"rule", rule.name},
            {"what", rule.what},
            {"remedy", rule.user},
            {"operator", rule.operator_remedy}};
}

json::value to_json(smtp::reply const& r)
{
    if (r.code == 0) return nullptr;
    return json::object{{"code", r.code}, {"status", to_string(r.status)}, {"text", printable(r.text, 2000)}};
}

json::object to_json(net::shown_certificate const& c)
{
    json::array names;
    for (auto const& n : c.names) names.emplace_back(n);
    return {{"subject", c.subject},
            {"issuer", c.issuer},
            {"names", std::move(names)},
            {"not_before", to_rfc3339(c.not_before)},
            {"not_after", to_rfc3339(c.not_after)},
            {"key_type", c.key_type},
            {"key_bits", c.key_bits},
            {"signature", c.signature},
            {"self_signed", c.self_signed},
            {"serial", c.serial},
            {"sha256", c.sha256}};
}

json::value tls_to_json(send_result const& r)
{
    auto const& seen = r.around.seen;
    if (!r.tls && seen.chain.empty() && seen.alert.empty()) return nullptr;
    json::array chain;
    for (auto const& c : seen.chain) chain.push_back(to_json(c));
    json::object o{{"chain", std::move(chain)},
                   {"trusted", seen.trusted},
                   {"why_not", seen.untrusted_because},
                   {"name_fits", seen.name_fits},
                   {"alert", seen.alert}};
    if (r.tls) {
        o["version"] = r.tls->version;
        o["cipher"] = r.tls->cipher;
        o["verified"] = r.tls->peer_verified;
        o["problem"] = r.tls->peer_problem;
    }
    return o;
}

json::array transcript_to_json(client::transcript const& log)
{
    json::array all;
    for (auto const& line : log.lines()) {
        char const* const who = line.who == client::speaker::ours     ? "client"
                                : line.who == client::speaker::theirs ? "server"
                                                                      : "note";
        all.push_back(json::object{{"milliseconds", milliseconds(line.at)}, {"who", who}, {"text", line.text}});
    }
    return all;
}

void show_recipients(send_result const& r, terminal::painter const& paint)
{
    for (auto const& one : r.report.recipients)
        if (!one.said.ok())
            print_line(paint(colour::bad, "not for " + one.to.to_string()) + ": " + one.said.to_string());
}

double middle(std::vector<double> sorted, double share)
{
    if (sorted.empty()) return 0;
    std::sort(sorted.begin(), sorted.end());
    auto const at = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    return sorted[std::clamp<std::size_t>(at, 1, sorted.size()) - 1];
}

}  // namespace

std::string shown(client::transcript_line const& line, terminal::painter const& paint)
{
    auto const text = client::to_string(line);
    switch (line.who) {
        case client::speaker::ours: return paint(colour::strong, text);
        case client::speaker::note: return paint(colour::quiet, text);
        case client::speaker::theirs: break;
    }
    bool const bad = line.text.starts_with('4') || line.text.starts_with('5');
    return bad ? paint(colour::bad, text) : text;
}

void show(send_result const& r, bool quiet, terminal::painter const& paint)
{
    if (!r.trouble) {
        show_recipients(r, paint);
        if (quiet) return;
        auto const taken = std::count_if(r.report.recipients.begin(), r.report.recipients.end(),
                                         [](auto const& one) { return one.said.ok(); });
        print_line(paint(colour::good, "Sent") + ": the server has taken the message for " + std::to_string(taken) +
                   (taken == 1 ? " recipient" : " recipients") + " (" + r.report.last.to_string() + ")");
        return;
    }
    auto const& rule = client::explain(*r.trouble, r.around);
    auto const aside = paint_for_complaints();
    print_aside(aside(colour::bad, "Not sent") + ": " + r.trouble->text + "\n");
    print_aside("  " + std::string{rule.what} + "\n");
    print_aside("  -> " + std::string{rule.user} + "\n");
    print_aside(aside(colour::quiet, "  (" + std::string{rule.name} + ", " + std::string{rule.id} + ")") + "\n");
}

void show(repeat_result const& r, terminal::painter const& paint)
{
    print_line(paint(r.failed == 0 ? colour::good : colour::warning,
                     std::to_string(r.sent) + " sent, " + std::to_string(r.failed) + " not") +
               ", over " + std::to_string(r.connections) + (r.connections == 1 ? " connection" : " connections") +
               " in " + fixed(r.seconds, 2) + " s: " + fixed(r.seconds > 0 ? r.sent / r.seconds : 0, 1) + " a second");
    if (r.sent != 0)
        print_line("a message took " + fixed(middle(r.milliseconds, 0.5), 1) + " ms (half of them), " +
                   fixed(middle(r.milliseconds, 0.99), 1) + " ms (99 of 100)");
    for (auto const& f : r.failures) {
        print_line(paint(colour::bad, std::to_string(f.times) + " times") + ": " + f.text);
        print_line("  -> " + std::string{f.rule->user} + " (" + std::string{f.rule->id} + ")");
    }
}

void print_as_json(send_result const& r)
{
    json::object o{{"outcome", client::name_of(r.verdict)}, {"sent", !r.trouble}};
    if (r.trouble) {
        o["stage"] = client::name_of(r.trouble->where);
        o["text"] = r.trouble->text;
        o["explanation"] = to_json(client::explain(*r.trouble, r.around));
        auto const& said = r.trouble->what == client::trouble::kind::login ? r.trouble->login.last : r.trouble->how;
        o["reply"] = to_json(said.said);
    } else {
        o["reply"] = to_json(r.report.last);
    }
    json::array recipients;
    for (auto const& one : r.report.recipients)
        recipients.push_back(json::object{{"address", one.to.to_string()},
                                          {"taken", !r.trouble && one.said.ok()},
                                          {"reply", to_json(one.said.said)}});
    o["recipients"] = std::move(recipients);
    o["server"] = r.route.host.empty() ? std::string{} : r.route.to_string();
    o["address"] = r.server_address;
    o["tls"] = tls_to_json(r);
    o["mechanism"] = r.mechanism;
    json::array extensions;
    for (auto const& e : r.extensions) extensions.emplace_back(e);
    o["extensions"] = std::move(extensions);
    o["milliseconds"] = milliseconds(steady_clock::now() - r.log.start());
    o["transcript"] = transcript_to_json(r.log);
    o["transcript_left_out"] = r.log.left_out();
    print_json(o);
}

void print_as_json(repeat_result const& r)
{
    json::array failures;
    for (auto const& f : r.failures) {
        auto one = to_json(*f.rule);
        one["text"] = f.text;
        one["times"] = f.times;
        failures.push_back(std::move(one));
    }
    print_json(json::object{{"sent", r.sent},
                            {"failed", r.failed},
                            {"connections", r.connections},
                            {"seconds", r.seconds},
                            {"rate", r.seconds > 0 ? r.sent / r.seconds : 0.0},
                            {"median_milliseconds", middle(r.milliseconds, 0.5)},
                            {"p99_milliseconds", middle(r.milliseconds, 0.99)},
                            {"failures", std::move(failures)}});
}

int exit_status(send_result const& r)
{
    bool const sent = r.trouble ? r.verdict == client::verdict::sent : all_taken(r);
    return sent ? all_is_well : problem_found;
}

int exit_status(repeat_result const& r) { return r.failed == 0 ? all_is_well : problem_found; }

std::function<void(unsigned)> progress_bar(unsigned all, bool wanted)
{
    if (!wanted || ::isatty(STDERR_FILENO) == 0) return {};
    auto const begun = steady_clock::now();
    auto const drawn = std::make_shared<steady_time>();
    return [all, begun, drawn](unsigned done) {
        constexpr auto often = std::chrono::milliseconds{100};
        auto const now = steady_clock::now();
        if (now - *drawn < often && done != all) return;
        *drawn = now;
        winsize size{};
        unsigned const columns = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : 80;
        auto const seconds = std::chrono::duration<double>(now - begun).count();
        auto const text = " " + std::to_string(done) + "/" + std::to_string(all) + ", " +
                          fixed(seconds > 0 ? done / seconds : 0, 1) + " a second";
        auto const room = columns > text.size() + 4 ? columns - text.size() - 4 : 0;
        auto const full = room * done / std::max(all, 1U);
        print_aside("\r[" + std::string(full, '#') + std::string(room - full, ' ') + "]" + text +
                    (done == all ? "\n" : ""));
    };
}

}  // namespace postern::cli
