#include "sendmail/options.hpp"

#include <string_view>
#include <utility>

#include "base/text.hpp"

namespace postern::sendmail {
namespace {

// Those that take a value, attached or as the next argument.
constexpr std::string_view with_value = "ABCFLNORVXbfhopr";
// Those whose value can only be attached.
constexpr std::string_view with_attached = "deq";
// What other sendmails know and what changes nothing here.
constexpr std::string_view without_effect = "GUcmnx";

error wrong(std::string text) { return {{5, 5, 4}, "wrong call", std::move(text)}; }

result<> set_mode(options& o, std::string const& value)
{
    switch (value.size() == 1 ? value[0] : '\0') {
        case 'm': o.mode = mode::deliver; return done{};
        case 's': o.mode = mode::talk_smtp; return done{};
        case 'p': o.mode = mode::list_queue; return done{};
        case 'i': o.mode = mode::new_aliases; return done{};
        case 'd':
        case 'D': return wrong("-bd: the server is started with `postern serve`");
        case 'v':
        case 't': return wrong("-b" + value + ": ask `postern explain` what becomes of an address");
        default: return wrong("-b" + printable(value, 40) + " is not known here; -bm, -bs, -bp and -bi are");
    }
}

/// RFC 3461 section 4.1, as `-N failure,delay`.
result<> set_notify(options& o, std::string const& value)
{
    mail::dsn_notify n;
    n.specified = true;
    std::string_view left = value;
    bool other = false;
    while (!left.empty()) {
        auto const word = left.substr(0, left.find(','));
        left.remove_prefix(std::min(left.size(), word.size() + 1));
        if (equal_ignoring_case(word, "never")) {
            n.never = true;
            continue;
        }
        other = true;
        if (equal_ignoring_case(word, "success"))
            n.success = true;
        else if (equal_ignoring_case(word, "failure"))
            n.failure = true;
        else if (equal_ignoring_case(word, "delay"))
            n.delay = true;
        else
            return wrong("-N " + printable(value, 40) + ": expected never, or some of success,failure,delay");
    }
    if (n.never == other) return wrong("-N: expected never alone, or some of success,failure,delay");
    o.notify = n;
    return done{};
}

/// -O Name=value, of which one matters: the others ask for what is so anyway, or for what isn't done.
void set_long(options& o, std::string_view text)
{
    auto const equals = text.find('=');
    if (!equal_ignoring_case(text.substr(0, equals), "IgnoreDots")) return;
    auto const value = equals == std::string_view::npos ? std::string_view{} : text.substr(equals + 1);
    o.dot_is_text = value.empty() || lower(value.front()) == 't' || lower(value.front()) == 'y';
}

result<> set_value(options& o, char option, std::string value)
{
    switch (option) {
        case 'b': return set_mode(o, value);
        case 'C': o.configuration = std::move(value); return done{};
        case 'F': o.full_name = std::move(value); return done{};
        case 'f':
        case 'r': o.sender = value == "<>" ? std::string{} : std::move(value); return done{};
        case 'N': return set_notify(o, value);
        case 'R':
            if (equal_ignoring_case(value, "hdrs"))
                o.ret = mail::dsn_return::headers;
            else if (equal_ignoring_case(value, "full"))
                o.ret = mail::dsn_return::full;
            else
                return wrong("-R " + printable(value, 40) + ": expected hdrs or full");
            return done{};
        case 'V': o.envelope_id = std::move(value); return done{};
        case 'o':
            // -oi is what everybody gives; the others ask for what is so anyway, or for what isn't done.
            if (value == "i") o.dot_is_text = true;
            return done{};
        case 'O': set_long(o, value); return done{};
        default: return done{};
    }
}

}  // namespace

result<options> parse_options(std::string const& program, std::vector<std::string> const& arguments)
{
    options o;
    if (program == "mailq") o.mode = mode::list_queue;
    if (program == "newaliases") o.mode = mode::new_aliases;
    std::size_t i = 0;
    for (; i < arguments.size(); ++i) {
        auto const& word = arguments[i];
        if (word == "--") {
            ++i;
            break;
        }
        // As getopt does it: options may come behind recipients.
        if (word.size() < 2 || word[0] != '-') {
            o.recipients.push_back(word);
            continue;
        }
        for (std::size_t at = 1; at < word.size(); ++at) {
            char const option = word[at];
            if (with_value.find(option) != std::string_view::npos) {
                std::string value = word.substr(at + 1);
                if (value.empty()) {
                    if (i + 1 == arguments.size()) return wrong(std::string{"-"} + option + " needs a value behind it");
                    value = arguments[++i];
                }
                if (auto set = set_value(o, option, std::move(value)); !set) return std::move(set).error();
                break;
            }
            if (with_attached.find(option) != std::string_view::npos) {
                if (option == 'q') o.mode = mode::run_queue;
                break;
            }
            if (option == 't') {
                o.from_header = true;
            } else if (option == 'i') {
                o.dot_is_text = true;
            } else if (option == 'I') {
                o.mode = mode::new_aliases;
            } else if (option == 'v') {
                o.verbose = true;
            } else if (without_effect.find(option) == std::string_view::npos) {
                return wrong("there is no option -" + printable(std::string_view{&option, 1}, 8));
            }
        }
    }
    o.recipients.insert(o.recipients.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
    return o;
}

}  // namespace postern::sendmail
