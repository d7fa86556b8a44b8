#include "help/meaning.hpp"

#include <algorithm>
#include <optional>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "providers/replies.hpp"
#include "smtp/reply_parser.hpp"

namespace postern::help {
namespace {

constexpr std::size_t most_rules = 8;
constexpr std::size_t longest_text = 2000;
constexpr std::size_t shortest_reply = 12;  // of a rule's words that are looked for

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_word(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string_view trimmed(std::string_view text) noexcept
{
    constexpr std::string_view blanks = " \t\r\n";
    auto const first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// The words between blanks, without the signs around them, until `seen` says that it is enough.
template <class Seen>
void for_each_word(std::string_view text, Seen const& seen)
{
    constexpr std::string_view around = " \t\r\n()[]<>\"'.,;";
    while (!text.empty()) {
        auto const first = text.find_first_not_of(around);
        if (first == std::string_view::npos) return;
        text.remove_prefix(first);
        auto const end = text.find_first_of(" \t\r\n()[]<>\"'");
        auto word = text.substr(0, end);
        text.remove_prefix(word.size());
        while (!word.empty() && around.find(word.back()) != std::string_view::npos) word.remove_suffix(1);
        if (seen(word)) return;
    }
}

/// The id that our refusals end in. They hold digits and letters; a word of twelve letters alone is none.
std::string id_in(std::string_view text)
{
    std::string found;
    for_each_word(text, [&](std::string_view word) {
        // A link to the page of a refusal has it behind its last slash.
        if (auto const slash = word.rfind("/why/"); slash != std::string_view::npos) word.remove_prefix(slash + 5);
        auto const front = word.substr(0, word.find('.'));
        bool const mixed = std::any_of(front.begin(), front.end(), is_digit);
        if (mixed && looks_like_id(word)) found = to_upper(word);
        return !found.empty();
    });
    return found;
}

/// The first reply of a server that the text quotes: three digits of a refusal, and what follows them.
std::optional<smtp::reply> reply_in(std::string_view text)
{
    for (std::size_t i = 0; i + 3 <= text.size(); ++i) {
        // A port, 465 or 587, is no code.
        bool const begins =
            (text[i] == '4' || text[i] == '5') && text[i + 1] >= '0' && text[i + 1] <= '5' && is_digit(text[i + 2]);
        if (!begins || (i > 0 && (is_word(text[i - 1]) || text[i - 1] == '.'))) continue;
        if (i > 1 && text[i - 1] == '-' && is_digit(text[i - 2])) continue;  // "016-506"
        auto rest = text.substr(i + 3);
        if (!rest.empty() && is_word(rest.front())) continue;
        if (rest.size() > 1 && rest.front() == '.' && is_digit(rest[1])) continue;
        rest.remove_prefix(std::min<std::size_t>(rest.size(), 1));
        std::string line{text.substr(i, 3)};
        line += ' ';
        for (char const c : rest) line += c == '\r' || c == '\n' ? ' ' : c;
        line += "\r\n";
        smtp::reply_parser parser;
        std::string_view in = line;
        if (parser.take(in) == smtp::reply_parser::state::complete) return parser.release();
    }
    return std::nullopt;
}

providers::step step_of(smtp::reply const& r) noexcept
{
    switch (r.code) {
        case 454:
        case 525:
        case 534:
        case 535:
        case 538: return providers::step::auth;
        case 530: return providers::step::mail;
        case 421: return providers::step::banner;
        case 552:
        case 554: return providers::step::data;
        default: return providers::step::rcpt;
    }
}

}  // namespace

meaning find_meaning(std::string_view text, setup::program const* of)
{
    text = trimmed(text.substr(0, longest_text));
    meaning found;
    auto const add = [&](catalogue::rule const* r) {
        if (r == nullptr || found.rules.size() == most_rules) return;
        if (std::find(found.rules.begin(), found.rules.end(), r) == found.rules.end()) found.rules.push_back(r);
    };
    found.id = id_in(text);
    for_each_word(text, [&](std::string_view word) {
        auto const* by_id = catalogue::find(to_upper(word));
        add(by_id != nullptr                           ? by_id
            : word.find('-') != std::string_view::npos ? catalogue::find(to_lower(word))
                                                       : nullptr);
        return false;
    });
    // Our own replies begin with a rule's words.
    auto const said = setup::as_typed(text);
    for (auto const& r : catalogue::all()) {
        auto const own = setup::as_typed(r.reply.substr(0, r.reply.find('{')));
        if (r.code != 0 && own.size() >= shortest_reply && said.find(own) != std::string::npos) add(&r);
    }
    for (auto const& e : setup::explain(text, of))
        for (auto const* r : e.means) add(r);
    if (auto const reply = reply_in(text)) add(providers::match(step_of(*reply), nullptr, *reply).why);
    // What another program calls so.
    if (found.rules.empty() && of != nullptr)
        for (auto const& e : setup::explain(text))
            for (auto const* r : e.means) add(r);
    return found;
}

}  // namespace postern::help
