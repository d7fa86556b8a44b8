// check-code: a code for somebody who runs `postern check` elsewhere, and what was seen of those sessions
#include "control/commands.hpp"
#include "witness/book.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::chrono::seconds usual_life{3600};

}  // namespace

outcome record_of_check(context& c, std::string const& code)
{
    auto const seen = c.checks_seen ? c.checks_seen->read(code, steady_clock::now()) : std::nullopt;
    if (!seen) {
        return failure{failure::kind::problem,
                       "the code " + code +
                           " is not in use: it has expired, or the server was restarted since; `postern check-code` "
                           "makes a new one",
                       {}};
    }
    json::object o;
    o["code"] = code;
    o["sessions"] = witness::to_json(*seen);
    return json::value(std::move(o));
}

outcome check_code_add(context& c, arguments a)
{
    auto const life = a.optional_number("expires", static_cast<std::uint64_t>(witness::longest_life.count()));
    if (auto wrong = a.problem()) return std::move(*wrong);
    std::chrono::seconds const lasts = life ? std::chrono::seconds{*life} : usual_life;
    auto const code = c.checks_seen->issue(lasts, steady_clock::now());
    if (!code) return to_failure(code.error());
    json::object o;
    o["code"] = *code;
    o["expires"] = to_rfc3339(wall_clock::now() + lasts);
    o["hostname"] = c.settings->hostname;
    return json::value(std::move(o));
}

outcome check_code_show(context& c, arguments a)
{
    auto const code = a.text("code", 64);
    if (auto wrong = a.problem()) return std::move(*wrong);
    return record_of_check(c, code);
}

}  // namespace postern::control
