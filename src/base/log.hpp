// What happened, as events with named values. Each event becomes one line on
// standard error (text or JSON) and, where a history is kept, one line of the
// history that `postern why` reads. Events never carry a secret.
//
// Writing never blocks the caller: lines go to a bounded buffer that a thread of
// its own empties; when the sink is stuck, lines are dropped and counted, and the
// number is logged when the sink takes lines again.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace postern::log {

enum class level { error, warning, info, debug };
enum class format { text, json };

/// A named value. Text is borrowed until event() returns.
struct field {
    std::string_view key;
    std::variant<std::string_view, std::int64_t, bool> value;

    field(std::string_view k, std::string_view v) : key(k), value(v) {}
    field(std::string_view k, std::string const& v) : key(k), value(std::string_view{v}) {}
    field(std::string_view k, char const* v) : key(k), value(std::string_view{v}) {}
    field(std::string_view k, bool v) : key(k), value(v) {}
    template <std::integral T>
        requires(!std::same_as<T, bool>)
    field(std::string_view k, T v) : key(k), value(static_cast<std::int64_t>(v))
    {
    }
};

struct options {
    log::format format = log::format::text;
    log::level level = log::level::info;
    std::filesystem::path history{};          // folder; empty: none is kept
    std::uint64_t history_size = 256u << 20;  // octets of all its files; the oldest file goes first
};

/// Starts the writing thread, or changes the options of a running one (reload).
/// Before the first start events go straight to standard error, as text.
void start(options o);
/// Writes what is left and ends the thread. Safe to call when never started.
void stop();
/// Waits until what was recorded before has been handed to the sinks; at most a second.
void flush();

/// Records an event. Empty text values are left out. The usual keys: session,
/// queue_id, client, listener, account, rule, reply, reverse_path, forward_path.
/// Events below the level do not go to standard error; all but debug go to the history.
void event(level l, std::string_view name, std::initializer_list<field> fields = {});
void event(level l, std::string_view name, field const* fields, std::size_t count);

}  // namespace postern::log
