// How values of each type are read and written. Used by the tables of options alone.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/text.hpp"
#include "config/option.hpp"
#include "config/values.hpp"

namespace postern::config::types {

inline bool expect(node const& n, node_kind kind, std::string_view what, reader& r)
{
    if (n.kind == kind) return true;
    r.bad(n, "expected " + std::string(what) + ", not " + std::string(name_of(n.kind)));
    return false;
}

struct text {
    static constexpr std::string_view name = "text";
    static void read(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "text in quotes", r)) return;
        if (n.text.size() > 4096 || n.text.find('\0') != std::string::npos)
            r.bad(n, "the text is too long or holds a NUL");
        else
            out = n.text;
    }
    static std::string write(std::string const& value) { return quote(value); }
};

struct path {
    static constexpr std::string_view name = "path";
    static void read(std::filesystem::path& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "a path in quotes", r)) return;
        if (n.text.find('\0') != std::string::npos || n.text.size() > 4096)
            r.bad(n, "not a usable path");
        else
            out = n.text;
    }
    static std::string write(std::filesystem::path const& value) { return quote(value.string()); }
};

struct boolean {
    static constexpr std::string_view name = "true or false";
    static void read(bool& out, node const& n, reader& r)
    {
        if (expect(n, node_kind::boolean, name, r)) out = n.boolean;
    }
    static std::string write(bool value) { return value ? "true" : "false"; }
};

template <std::uint64_t Least, std::uint64_t Most>
struct number {
    static constexpr std::string_view name = "number";
    template <class T>
    static void read(T& out, node const& n, reader& r)
    {
        static_assert(Most <= std::numeric_limits<T>::max());
        if (!expect(n, node_kind::integer, "a number", r)) return;
        if (n.integer < 0 || static_cast<std::uint64_t>(n.integer) < Least ||
            static_cast<std::uint64_t>(n.integer) > Most)
            r.bad(n, "must be from " + std::to_string(Least) + " to " + std::to_string(Most));
        else
            out = static_cast<T>(n.integer);
    }
    static std::string write(std::uint64_t value) { return std::to_string(value); }
};

template <std::uint64_t Least, std::uint64_t Most>
struct size {
    static constexpr std::string_view name = "size";
    static void read(std::uint64_t& out, node const& n, reader& r)
    {
        std::optional<std::uint64_t> value;
        if (n.kind == node_kind::text) value = parse_size(n.text);
        if (n.kind == node_kind::integer && n.integer >= 0) value = static_cast<std::uint64_t>(n.integer);
        if (!value)
            r.bad(n, "expected a size such as \"50 MiB\" or a number of octets");
        else if (*value < Least || *value > Most)
            r.bad(n, "must be from " + print_size(Least) + " to " + print_size(Most));
        else
            out = *value;
    }
    static std::string write(std::uint64_t value)
    {
        auto const shown = print_size(value);
        return shown.find(' ') == std::string::npos ? shown : quote(shown);
    }
};

// In milliseconds.
template <std::int64_t Least, std::int64_t Most>
struct duration {
    static constexpr std::string_view name = "duration";
    static std::optional<std::chrono::milliseconds> read_one(node const& n, reader& r)
    {
        std::optional<std::chrono::milliseconds> value;
        if (n.kind == node_kind::text) value = parse_duration(n.text);
        if (n.kind == node_kind::integer && n.integer >= 0 && n.integer <= Most)
            value = std::chrono::milliseconds{n.integer * 1000};
        if (!value && n.kind != node_kind::integer) {
            r.bad(n, "expected a duration such as \"30s\", \"5m\", \"2 days\", or a number of seconds");
        } else if (!value || value->count() < Least || value->count() > Most) {
            r.bad(n, "must be from " + print_duration(std::chrono::milliseconds{Least}) + " to " +
                         print_duration(std::chrono::milliseconds{Most}));
            value.reset();
        }
        return value;
    }
    template <class D>
    static void read(D& out, node const& n, reader& r)
    {
        auto const value = read_one(n, r);
        if (!value) return;
        out = std::chrono::duration_cast<D>(*value);
        if (out != *value) r.bad(n, "must be whole seconds");
    }
    static std::string write(std::chrono::milliseconds value) { return quote(print_duration(value)); }
};

// A list whose items Item reads and writes.
template <class Item>
struct list {
    static constexpr std::string_view name = Item::list_name;
    template <class T>
    static void read(std::vector<T>& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::list, std::string("a list such as ") + std::string(Item::list_example), r)) return;
        std::vector<T> values;
        for (auto const& item : n.items) {
            T value{};
            if (Item::read_item(value, item, r)) values.push_back(std::move(value));
        }
        out = std::move(values);
    }
    template <class T>
    static std::string write(std::vector<T> const& values)
    {
        std::string out = "[";
        for (auto const& v : values) {
            if (out.size() > 1) out += ", ";
            out += Item::write_item(v);
        }
        return out + ']';
    }
};

struct wait_item {
    static constexpr std::string_view list_name = "list of durations";
    static constexpr std::string_view list_example = "[\"5m\", \"1h\"]";
    using one = duration<1000, 30LL * 86'400'000>;
    static bool read_item(std::chrono::seconds& out, node const& n, reader& r)
    {
        auto const value = one::read_one(n, r);
        if (value) out = std::chrono::duration_cast<std::chrono::seconds>(*value);
        return value.has_value();
    }
    static std::string write_item(std::chrono::seconds value) { return one::write(value); }
};

struct network_item {
    static constexpr std::string_view list_name = "list of networks";
    static constexpr std::string_view list_example = "[\"192.0.2.0/24\"]";
    static bool read_item(network& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "a network in quotes", r)) return false;
        std::string why;
        auto const value = parse_network(n.text, why);
        if (!value) {
            r.bad(n, why);
            return false;
        }
        out = *value;
        return true;
    }
    static std::string write_item(network const& value) { return quote(value.to_string()); }
};

// One of a few words. The list: {word, value}.
template <class Words>
struct choice {
    static constexpr std::string_view name = Words::name;
    template <class T>
    static void read(T& out, node const& n, reader& r)
    {
        std::string all;
        std::vector<std::string> words;
        for (auto const& [word, value] : Words::all) {
            if (n.kind == node_kind::text && n.text == word) {
                out = T{value};
                return;
            }
            all += (all.empty() ? "" : ", ") + quote(word);
            words.emplace_back(word);
        }
        std::string what = "expected one of " + all;
        if (n.kind != node_kind::text) {
            what += ", not " + std::string(name_of(n.kind));
        } else {
            what += ", not " + quote(printable(n.text, 60));
            if (auto const meant = nearest(n.text, words); !meant.empty())
                what += "; did you mean " + quote(meant) + '?';
        }
        r.bad(n, std::move(what));
    }
    template <class T>
    static std::string write(T const& value)
    {
        for (auto const& [word, meant] : Words::all)
            if (T{meant} == value) return quote(word);
        return quote("");
    }
};

// An option of this type; it reads and writes what Get finds in an S.
template <class S, class Type, auto Get>
constexpr basic_option<S> entry(std::string_view name, bool taken_up, std::string_view doc, std::string_view example,
                                std::string_view since)
{
    return {name,
            Type::name,
            example,
            taken_up,
            since,
            doc,
            [](S& s, node const& n, reader& r) { Type::read(Get(s), n, r); },
            [](S const& s) { return Type::write(Get(s)); }};
}

}  // namespace postern::config::types
