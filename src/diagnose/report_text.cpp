#include <algorithm>

#include "base/text.hpp"
#include "catalogue/rules.hpp"
#include "diagnose/report.hpp"
#include "terminal/width.hpp"

namespace postern::diagnose {
namespace {

using terminal::colour;

constexpr std::size_t least_width = 40, light_width = 5, step_width = 9, id_width = 6;

std::string_view light_of(outcome o) noexcept
{
    switch (o) {
        case outcome::ok: return "ok";
        case outcome::warning: return "note";
        case outcome::failure: return "FAIL";
        case outcome::skipped: break;
    }
    return "-";
}

colour colour_of(outcome o) noexcept
{
    switch (o) {
        case outcome::ok: return colour::good;
        case outcome::warning: return colour::warning;
        case outcome::failure: return colour::bad;
        case outcome::skipped: break;
    }
    return colour::quiet;
}

/// A block of text behind a label; further lines stand under its first.
void add_block(std::vector<std::string>& out, page const& p, std::string_view label, std::string_view text,
               colour c = colour::strong)
{
    constexpr std::size_t indent = 12;
    if (text.empty()) return;
    bool first = true;
    for (auto const& line : terminal::wrap(text, std::max(p.width, least_width) - indent)) {
        auto const front = terminal::padded(first ? std::string{label} : std::string{}, indent);
        out.push_back((first ? p.paint(c, front) : front) + line);
        first = false;
    }
}

}  // namespace

std::string headline(observations const& o, diagnosis const& d)
{
    auto const* const t = o.talk();
    if (auto const* first = d.first()) {
        bool const works = d.how == outcome::warning && t != nullptr;
        return (works ? o.is_in() ? "Sending works, but: " : "It works, but: " : "") + first->headline();
    }
    if (t == nullptr) return "Nothing wrong was found";
    if (!o.is_in())
        return o.person.host + " port " + std::to_string(t->at.port) + " works (" + std::string{name_of(t->way)} +
               "), as far as can be seen without a log-in";
    return catalogue::fill(
        catalogue::rules::everything_works.reply,
        {{"server", o.person.host}, {"port", std::to_string(t->at.port)}, {"security", std::string{name_of(t->way)}}});
}

std::vector<std::string> step_lines(diagnosis const& d, page const& p, step reached)
{
    std::vector<std::string> out;
    auto const width = std::max(p.width, least_width);
    for (auto const& s : d.steps) {
        if (s.what > reached) break;
        auto const* const worst = d.worst_of(s.what);
        bool const bad = s.how == outcome::failure || s.how == outcome::warning;
        std::string const id = bad && worst != nullptr ? std::string{worst->rule->id} : std::string{};
        auto const room = width - light_width - step_width - (id.empty() ? 0 : id_width + 1);
        auto const& evidence = bad && worst != nullptr && !worst->evidence.empty() ? worst->evidence : s.evidence;
        auto text = terminal::cut(evidence.empty() && s.how == outcome::skipped ? "not reached" : evidence, room);
        auto line = p.paint(colour_of(s.how), terminal::padded(std::string{light_of(s.how)}, light_width)) +
                    terminal::padded(std::string{name_of(s.what)}, step_width);
        if (s.how == outcome::skipped) {
            line += p.paint(colour::quiet, text);
        } else if (id.empty()) {
            line += text;
        } else {
            line += terminal::padded(std::move(text), room) + " " + p.paint(colour_of(s.how), id);
        }
        out.push_back(std::move(line));
    }
    return out;
}

std::vector<std::string> result_lines(observations const& o, diagnosis const& d, page const& p)
{
    std::vector<std::string> out;
    auto const* const first = d.first();
    auto const tone = first == nullptr ? colour::good : colour_of(d.how);
    out.emplace_back();
    add_block(out, p, "RESULT", headline(o, d), tone);
    if (first != nullptr) {
        add_block(out, p, "WHAT TO DO", first->remedy());
        bool const not_for_you = first->who == catalogue::actor::you || first->who == catalogue::actor::network;
        if (!not_for_you) add_block(out, p, "server", first->operator_remedy(), colour::quiet);
        if (first->who != catalogue::actor::unknown && first->who != catalogue::actor::nobody)
            add_block(out, p, "who", std::string{name_of(first->who)}, colour::quiet);
        add_block(out, p, "because", first->explanation(), colour::quiet);
        add_block(out, p, "evidence", first->evidence, colour::quiet);
    }
    if (!p.program.empty()) {
        out.emplace_back();
        bool heading = true;
        for (auto const& text : p.program) {
            for (auto const& line : terminal::wrap(text, std::max(p.width, least_width) - 2))
                out.push_back(heading ? p.paint(colour::strong, line) : "  " + line);
            heading = false;
        }
    }
    bool titled = false;
    for (auto const& f : d.findings) {
        if (&f == first) continue;
        if (!titled) {
            out.emplace_back();
            out.push_back(p.paint(colour::strong, "Also noticed:"));
        }
        titled = true;
        auto const text = f.headline() + (f.evidence.empty() ? "" : " (" + terminal::cut(f.evidence, 200) + ")");
        add_block(out, p, "  " + std::string{f.rule->id}, text, colour::quiet);
    }
    auto const width = std::max<std::size_t>(p.width, least_width);
    for (auto& line : both_columns(o.both, o.person.host, p.paint, width)) out.push_back(std::move(line));
    if (p.dialogue) {
        for (auto const& one : o.dialogues) {
            if (one->lines.empty()) continue;
            out.emplace_back();
            out.push_back(p.paint(colour::strong, one->title));
            for (auto const& l : one->lines)
                out.push_back(terminal::cut(client::to_string(l), std::max<std::size_t>(p.width, least_width)));
            if (one->left_out != 0)
                out.push_back(p.paint(colour::quiet, "(" + std::to_string(one->left_out) + " more lines)"));
        }
    }
    return out;
}

}  // namespace postern::diagnose
