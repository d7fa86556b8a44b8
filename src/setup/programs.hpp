// Mail programs and devices: where each has the settings of the outgoing server, what the fields are called and what goes
// into them, what it can't do, and what its own error numbers mean. Data, compiled in from programs.toml; guides and
// `check --client` are made from it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue/catalogue.hpp"
#include "providers/providers.hpp"

namespace postern::setup {

struct field {
    std::string_view name;   // as the program shows it
    std::string_view value;  // with {placeholders}: {address}, {user}, {server}, {port}, {security}
};

/// What the program shows when something fails, and the rules of the catalogue that it can mean, the likeliest first.
struct symptom {
    std::string_view shown;  // an error number or a part of the text
    std::span<catalogue::rule const* const> means;
};

struct program {
    std::string_view id;                      // "outlook2010"
    std::string_view name;                    // "Outlook 2010"
    std::span<std::string_view const> names;  // how people call it
    std::span<std::string_view const> path;   // the menu, step by step
    std::span<field const> fields;
    std::string_view implicit_tls, starttls, plain;  // its words for {security}; empty: it can't
    std::string_view snippet;  // lines to copy, for programs with a configuration file or code; may be empty
    std::string_view run;      // the command that sends a test mail with them; may be empty
    std::string_view note;     // good to know; may be empty
    std::string_view warning;  // what it can't do; may be empty
    std::span<symptom const> symptoms;
};

/// What goes into the fields.
struct values {
    std::string address;  // of the sender
    std::string user;
    std::string server;
    std::uint16_t port = 465;
    providers::security how = providers::security::implicit_tls;
};

std::span<program const> all();
/// By id or by a loose name ("Outlook 2013", "iphone", "Apple Mail on my Mac"), or null.
program const* find(std::string_view name);

/// Lines of text that lead through the program: the menu, the fields with their values, what it can't do.
std::vector<std::string> instructions(program const& p, values const& v);
/// A text with its {placeholders} filled, in the program's own words.
std::string fill(program const& p, std::string_view text, values const& v);

/// A text as a keyboard has it: in small letters, with plain quotes, dashes and blanks for the typographic ones.
std::string as_typed(std::string_view text);

struct explanation {
    program const* whose;
    std::string_view shown;
    std::span<catalogue::rule const* const> means;
};
/// What an error number or text of a program can mean; `of` limits it to one program (null: all). At most 20.
std::vector<explanation> explain(std::string_view text, program const* of = nullptr);

}  // namespace postern::setup
