#include "doctor/judge.hpp"

namespace postern::doctor {

std::string_view to_string(area a) noexcept
{
    switch (a) {
        case area::server: return "server";
        case area::certificate: return "certificate";
        case area::dns: return "dns";
        case area::ports: return "ports";
        case area::relay: return "relay";
        case area::clock: return "clock";
        case area::disk: return "disk";
        case area::descriptors: return "descriptors";
        case area::queue: return "queue";
        case area::back_ends: return "backends";
        case area::configuration: return "config";
        case area::permissions: return "permissions";
    }
    return "server";
}

std::string_view to_string(severity s) noexcept
{
    return s == severity::failure ? "failure" : s == severity::warning ? "warning" : "hint";
}

void report::good(area a, std::string text) { well.push_back({a, std::move(text)}); }

}  // namespace postern::doctor
