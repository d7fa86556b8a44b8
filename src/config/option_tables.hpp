// What the tables of options are made of, and where each of them is. Used by options*.cpp alone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "config/option_types.hpp"

namespace postern::config {

// In the order of the manual within each section; options() has all of them.
std::span<option const> server_table();
std::span<option const> login_table();
std::span<option const> oauth_table();
std::span<option const> delivery_table();
std::span<option const> transport_table();
std::span<option const> mx_table();
std::span<option const> web_table();

namespace types {

constexpr bool reload = true;
constexpr bool restart = false;
constexpr std::string_view first_version = "0.1.0";

constexpr std::int64_t second = 1000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;
constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t tib = mib * mib;

template <class Type, auto Get>
constexpr option setting(std::string_view name, bool taken_up, std::string_view doc, std::string_view example = {},
                         std::string_view since = first_version)
{
    return entry<settings, Type, Get>(name, taken_up, doc, example, since);
}

}  // namespace types
}  // namespace postern::config
