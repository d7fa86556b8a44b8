#include <algorithm>
#include <array>

#include "base/whole_file.hpp"
#include "cli/send.hpp"
#include "config/tree.hpp"
#include "config/values.hpp"

namespace postern::cli {
namespace {

constexpr std::size_t longest = 64 << 10;

struct text_key {
    std::string_view name;
    std::string send_options::*to;
};
constexpr std::array<text_key, 11> texts{{{"from", &send_options::from},
                                          {"server", &send_options::server},
                                          {"tls", &send_options::tls},
                                          {"hello", &send_options::hello},
                                          {"authorities", &send_options::authorities},
                                          {"certificate", &send_options::certificate},
                                          {"private_key", &send_options::key},
                                          {"user", &send_options::user},
                                          {"authzid", &send_options::authzid},
                                          {"notify", &send_options::notify},
                                          {"subject", &send_options::subject}}};

std::vector<std::string> known_keys()
{
    std::vector<std::string> all{"password_file", "token_file", "mechanisms", "timeout"};
    for (auto const& t : texts) all.emplace_back(t.name);
    return all;
}

error wrong(std::string const& file, config::place at, std::string const& text)
{
    return {{5, 3, 5}, "", file + ":" + std::to_string(at.line) + ": " + text};
}

result<std::string> text_in(std::string const& file, std::string const& key, config::node const& n)
{
    if (n.kind != config::node_kind::text)
        return wrong(file, n.at, "`" + key + "` has to be text, and is " + std::string{config::name_of(n.kind)});
    return n.text;
}

/// `credential_given`: an option says with what to log in, and none of the file's counts.
result<> take(send_options& o, bool credential_given, std::string const& file, std::string const& key,
              config::node const& n)
{
    auto const is_text = std::find_if(texts.begin(), texts.end(), [&](auto const& t) { return t.name == key; });
    if (is_text != texts.end()) {
        auto text = text_in(file, key, n);
        if (!text) return std::move(text).error();
        if ((o.*(is_text->to)).empty()) o.*(is_text->to) = std::move(*text);
        return done{};
    }
    if (key == "password_file" || key == "token_file") {
        auto text = text_in(file, key, n);
        if (!text) return std::move(text).error();
        auto& to = key == "password_file" ? o.password_file : o.token_file;
        if (!credential_given) to = std::move(*text);
        return done{};
    }
    if (key == "mechanisms") {
        if (n.kind != config::node_kind::list) return wrong(file, n.at, "`mechanisms` has to be a list");
        bool const open = o.mechanisms.empty();
        for (auto const& one : n.items) {
            auto text = text_in(file, key, one);
            if (!text) return std::move(text).error();
            if (open) o.mechanisms.push_back(std::move(*text));
        }
        return done{};
    }
    if (key == "timeout") {
        if (n.kind != config::node_kind::integer || n.integer < 1 || n.integer > 3600)
            return wrong(file, n.at, "`timeout` has to be a number of seconds, 1 to 3600");
        if (!o.timeout) o.timeout = static_cast<unsigned>(n.integer);
        return done{};
    }
    auto const meant = config::nearest(key, known_keys());
    return wrong(file, n.at,
                 "unknown key `" + key + "`" + (meant.empty() ? "" : "; did you mean `" + meant + "`?") +
                     (key == "password" ? " (a password stands in a file of its own)" : ""));
}

}  // namespace

result<> read_send_settings(send_options& o)
{
    if (!o.settings) return done{};
    auto const& file = *o.settings;
    auto text = read_whole_file(file, longest);
    if (!text) return std::move(text).error();
    if (!*text) return error{{5, 3, 5}, "", "there is no file " + file};
    std::vector<config::problem> problems;
    auto const tree = config::read_tree((*text)->reveal(), file, problems);
    if (!tree) return error{{5, 3, 5}, "", problems.empty() ? file + " is no TOML" : problems.front().to_string()};
    bool const credential_given = o.password_stdin || o.password_file || o.token_file;
    for (std::size_t i = 0; i < tree->keys.size(); ++i)
        if (auto taken = take(o, credential_given, file, tree->keys[i].name, tree->items[i]); !taken) return taken;
    return done{};
}

}  // namespace postern::cli
