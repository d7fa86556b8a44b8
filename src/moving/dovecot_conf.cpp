#include "moving/dovecot_conf.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "moving/lines.hpp"

namespace postern::moving {
namespace {

constexpr std::size_t deepest_include = 16;
constexpr std::size_t deepest_section = 32;
constexpr std::size_t most_files = 200;
constexpr std::size_t most_settings = 20'000;
constexpr std::size_t longest_value = 64u << 10;

// Shell-like patterns of !include: `*` and `?` within a file's name.
bool matches(std::string_view pattern, std::string_view name)
{
    std::size_t p = 0, n = 0, star = std::string_view::npos, mark = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = n;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size() && (pattern.starts_with('.') || !name.starts_with('.'));
}

std::string folder_of(std::string const& path)
{
    auto const slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

// What stands before a comment: a # behind blank space, outside of quotes.
std::string_view without_comment(std::string_view line)
{
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        char const c = line[i];
        if (quote != 0 && c == '\\') {
            ++i;
        } else if (quote != 0) {
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) {
            return trimmed(line.substr(0, i));
        }
    }
    return trimmed(line);
}

std::string unquoted(std::string_view text)
{
    bool const quoted =
        text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front();
    if (!quoted) return std::string(text);
    std::string out;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        if (text[i] == '\\' && i + 2 < text.size()) ++i;
        out += text[i];
    }
    return out;
}

class reading {
public:
    explicit reading(files& disk) : disk_(disk) {}

    bool file(std::string const& path, section& into, place const& asked_by)
    {
        if (std::find(open_.begin(), open_.end(), path) != open_.end())
            return wrong(asked_by, path + " includes itself");
        if (open_.size() >= deepest_include)
            return wrong(asked_by, "files include each other more than " + std::to_string(deepest_include) + " deep");
        if (++files_ > most_files) return wrong(asked_by, "more than " + std::to_string(most_files) + " files");
        auto const content = disk_.read(path, longest_configuration);
        if (!content)
            return wrong(asked_by.file.empty() ? place{path, 0} : asked_by,
                         (asked_by.file.empty() ? std::string{} : path + ": ") + content.error().why);
        open_.push_back(path);
        bool const fine = text(content->reveal(), path, into);
        open_.pop_back();
        return fine;
    }

    bool text(std::string_view all, std::string const& name, section& root)
    {
        std::vector<section*> at{&root};  // sections are appended to the innermost only, so these stay valid
        std::string joined;
        unsigned joined_at = 0;
        bool fine = true;
        for_each_line(all, [&](std::string_view raw, unsigned number) {
            if (raw.find('\0') != std::string_view::npos)
                return fine = wrong({name, number}, "holds a NUL octet; this is no configuration");
            auto line = trimmed(raw);
            if (joined.empty() && (line.empty() || line.front() == '#')) return true;
            if (joined.empty()) joined_at = number;
            if (joined.size() + line.size() > longest_value)
                return fine =
                           wrong({name, joined_at}, "is longer than " + std::to_string(longest_value >> 10) + " KiB");
            if (line.ends_with('\\')) {
                joined += line.substr(0, line.size() - 1);
                joined += ' ';
                return true;
            }
            joined += line;
            std::string const complete = std::move(joined);
            joined.clear();
            return fine = one_line(complete, {name, joined_at}, at, root);
        });
        if (fine && at.size() > 1)
            return wrong(at.back()->at, "the section \"" + printable(at.back()->kind, 60) + "\" is never closed");
        return fine;
    }

    trouble const& why() const noexcept { return why_; }

private:
    bool wrong(place at, std::string text)
    {
        why_ = {std::move(at), std::move(text)};
        return false;
    }

    bool one_line(std::string const& line, place const& at, std::vector<section*>& open, section const& root)
    {
        if (line.starts_with("!include_try") || line.starts_with("!include")) return include(line, at, *open.back());
        auto const equals = line.find('=');
        auto const content = without_comment(line);
        if (content.empty()) return true;
        if (content == "}") {
            if (open.size() == 1) return wrong(at, "a \"}\" without a section that it closes");
            open.pop_back();
            return true;
        }
        if (content.ends_with('{') && (equals == std::string::npos || equals > content.size())) {
            if (open.size() > deepest_section)
                return wrong(at, "sections are more than " + std::to_string(deepest_section) + " deep");
            if (++settings_ > most_settings) return wrong(at, "too many settings");
            auto const head = trimmed(content.substr(0, content.size() - 1));
            auto const blank = std::min(head.find_first_of(" \t"), head.size());
            if (head.empty()) return wrong(at, "a \"{\" without the name of a section");
            section s;
            s.kind = head.substr(0, blank);
            s.name = unquoted(trimmed(head.substr(blank)));
            s.at = at;
            open.back()->sections.push_back(std::move(s));
            open.push_back(&open.back()->sections.back());
            return true;
        }
        if (equals == std::string::npos)
            return wrong(at, "\"" + printable(content, 60) + "\" is neither a setting (key = value) nor a section");
        if (++settings_ > most_settings) return wrong(at, "too many settings");
        return add_setting(line, at, *open.back(), root);
    }

    bool add_setting(std::string_view line, place const& at, section& into, section const& root)
    {
        setting s;
        auto const [key, raw] = split_pair(line);
        s.key = key;
        s.at = at;
        if (s.key.empty()) return wrong(at, "a value without a name before its \"=\"");
        if (raw.starts_with("# hidden")) {
            s.hidden = true;
        } else {
            auto value = without_comment(raw);
            if (value.starts_with('<')) {
                s.from_file = true;
                value = trimmed(value.substr(1));
            }
            s.value = s.from_file || value.find('$') == std::string_view::npos ? unquoted(value)
                                                                               : expanded(value, into, root);
            if (s.value.size() > longest_value) return wrong(at, "grows longer than 64 KiB");
        }
        into.settings.push_back(std::move(s));
        return true;
    }

    // "$mail_plugins quota": what the name had so far.
    static std::string expanded(std::string_view value, section const& here, section const& root)
    {
        std::string const text = unquoted(value);
        std::string out;
        for (std::size_t i = 0; i < text.size(); ++i) {
            bool const begins = text[i] == '$' && (i == 0 || text[i - 1] == ' ');
            std::size_t end = i + 1;
            while (begins && end < text.size() &&
                   ((lower(text[end]) >= 'a' && lower(text[end]) <= 'z') || text[end] == '_'))
                ++end;
            if (end == i + 1) {
                out += text[i];
                continue;
            }
            auto const name = std::string_view{text}.substr(i + 1, end - i - 1);
            auto const* known = here.find(name) != nullptr ? here.find(name) : root.find(name);
            if (known != nullptr) out += known->value;
            if (out.size() > longest_value) break;
            i = end - 1;
        }
        return std::string(trimmed(out));
    }

    bool include(std::string_view line, place const& at, section& into)
    {
        auto const blank = line.find_first_of(" \t");
        auto const word = line.substr(0, blank);
        bool const may_miss = word == "!include_try";
        auto const pattern =
            blank == std::string_view::npos ? std::string{} : unquoted(without_comment(trimmed(line.substr(blank))));
        if ((word != "!include" && !may_miss) || pattern.empty())
            return wrong(at, "\"" + printable(line, 60) + "\" is not understood");
        auto const path = pattern.front() == '/' ? pattern : folder_of(at.file) + '/' + pattern;
        if (path.find_first_of("*?") == std::string::npos) {
            if (may_miss) {
                auto const there = disk_.read(path, longest_configuration);
                if (!there && there.error().missing) return true;
            }
            return file(path, into, at);
        }
        auto const folder = folder_of(path);
        auto const last = path.substr(path.rfind('/') + 1);
        bool found = false;
        for (auto const& one : disk_.names(folder)) {
            if (!matches(last, one)) continue;
            found = true;
            if (!file(path.substr(0, path.rfind('/') + 1).append(one), into, at)) return false;
        }
        return found || may_miss || wrong(at, "there is no file " + path);
    }

    files& disk_;
    trouble why_;
    std::vector<std::string> open_;
    std::size_t files_ = 0;
    std::size_t settings_ = 0;
};

}  // namespace

setting const* section::find(std::string_view key) const
{
    auto const found = std::find_if(settings.rbegin(), settings.rend(), [&](auto const& s) { return s.key == key; });
    return found == settings.rend() ? nullptr : &*found;
}

std::string section::value(std::string_view key, std::string_view otherwise) const
{
    auto const* found = find(key);
    return found == nullptr ? std::string(otherwise) : found->value;
}

std::vector<section const*> section::all(std::string_view of_kind, std::string_view named) const
{
    std::vector<section const*> list;
    for (auto const& s : sections)
        if (s.kind == of_kind && (named.empty() || s.name == named)) list.push_back(&s);
    return list;
}

basic_result<section, trouble> read_dovecot(files& disk, std::string const& path)
{
    section root;
    reading r{disk};
    if (!r.file(path, root, {})) return r.why();
    return root;
}

basic_result<section, trouble> parse_dovecot(files& disk, std::string_view text, std::string const& name)
{
    section root;
    reading r{disk};
    if (text.size() > longest_configuration) return trouble{{name, 0}, "is larger than 1 MiB"};
    if (!r.text(text, name, root)) return r.why();
    return root;
}

}  // namespace postern::moving
