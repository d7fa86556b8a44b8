#include "providers/replies.hpp"

#include <algorithm>
#include <span>
#include <string>

#include "base/text.hpp"
#include "catalogue/rules.hpp"
#include "providers/tables.hpp"
#include "providers/wild_text.hpp"

namespace postern::providers {

namespace {

namespace rules = catalogue::rules;
using catalogue::actor;

// The lines joined, in small letters; the enhanced code that each line repeats is left out.
std::string joined(smtp::reply const& r)
{
    std::string out;
    std::string_view rest = r.text;
    while (!rest.empty()) {
        auto const end = rest.find('\n');
        auto line = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        std::size_t taken = 0;
        if (!smtp::find_status(line, taken).empty()) line.remove_prefix(taken);
        while (line.starts_with(' ')) line.remove_prefix(1);
        if (!out.empty()) out += ' ';
        out += to_lower(line);
    }
    return out;
}

bool is_code(std::span<int const> codes, int code)
{
    return codes.empty() ||
           std::any_of(codes.begin(), codes.end(), [&](int c) { return c == code || c == code / 100; });
}

bool fits(reply_row const& row, step when, smtp::reply const& r, std::string_view text)
{
    if ((row.steps >> static_cast<unsigned>(when) & 1u) == 0 || !is_code(row.codes, r.code)) return false;
    if (!row.statuses.empty() && std::find(row.statuses.begin(), row.statuses.end(), r.status) == row.statuses.end())
        return false;
    return row.words.empty() ||
           std::any_of(row.words.begin(), row.words.end(), [&](auto w) { return has_somewhere(text, w); });
}

certainty how_sure(reply_row const& row) noexcept
{
    if (!row.words.empty() || !row.whose.empty()) return certainty::own_words;
    return row.statuses.empty() ? certainty::code : certainty::status;
}

// A refused password where the account's own one is never taken says what is to be done.
meaning at_provider(meaning m, step when, provider const* whose)
{
    bool const plain_refusal = m.why == &rules::auth_failed || m.why == &rules::auth_prompt_quoted;
    if (when == step::auth && plain_refusal && whose != nullptr && whose->wants_app_password())
        m.why = &rules::provider_wants_app_password;
    return m;
}

}  // namespace

meaning match(step when, provider const* whose, smtp::reply const& r)
{
    // What is no refusal can still tell something: that a firewall changed it, or that a token was refused.
    bool const tells = when == step::banner || when == step::ehlo || (when == step::auth && r.code == 334);
    if (r.code < 400 && !tells) return {};
    auto const text = joined(r);
    auto const search = [&](bool own) -> reply_row const* {
        for (auto const& row : reply_rows()) {
            if (row.whose.empty() == own) continue;
            if (own && row.whose != whose->id && row.whose != whose->family) continue;
            if (fits(row, when, r, text)) return &row;
        }
        return nullptr;
    };
    auto const* row = whose != nullptr ? search(true) : nullptr;
    if (row == nullptr) row = search(false);
    if (row == nullptr) return {};
    auto const who = row->who == actor::unknown ? row->why->who : row->who;
    return at_provider({row->why, who, how_sure(*row)}, when, whose);
}

}  // namespace postern::providers
