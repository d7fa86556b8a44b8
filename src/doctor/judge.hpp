// What is wrong with an installation: from facts to findings. Pure: no question is asked here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue/verdict.hpp"
#include "doctor/facts.hpp"
#include "zone/records.hpp"

namespace postern::doctor {

enum class area : std::uint8_t {
    server,
    certificate,
    dns,
    ports,
    relay,
    clock,
    disk,
    descriptors,
    queue,
    back_ends,
    configuration,
    permissions
};
inline constexpr area all_areas[] = {area::server, area::certificate, area::dns,           area::ports,
                                     area::relay,  area::clock,       area::disk,          area::descriptors,
                                     area::queue,  area::back_ends,   area::configuration, area::permissions};
std::string_view to_string(area a) noexcept;

/// hint: it works, and could be better.
enum class severity : std::uint8_t { hint, warning, failure };
std::string_view to_string(severity s) noexcept;

struct finding {
    area where = area::server;
    severity how_bad = severity::failure;
    catalogue::rule const* why = nullptr;
    std::vector<catalogue::evidence> values;  // for the placeholders of the rule
    std::vector<std::string> change;          // the exact lines to publish, or to write into the configuration
};

/// What was looked at, and is as it should be.
struct praise {
    area where = area::server;
    std::string text;
};

struct report {
    std::vector<finding> findings;
    std::vector<praise> well;
    void good(area a, std::string text);
    void add(finding f) { findings.push_back(std::move(f)); }
};

/// What the records of this installation's domains say.
zone::server zone_server(facts const& f);

void judge_certificates(facts const& f, report& r);
void judge_names(facts const& f, report& r);    // of the server: addresses, PTR, TLSA
void judge_domains(facts const& f, report& r);  // of each local domain
void judge_reach(facts const& f, report& r);
void judge_relay(facts const& f, report& r);
void judge_machine(facts const& f, report& r);
void judge_server(facts const& f, report& r);
void judge_configuration(facts const& f, report& r);

/// Whether a certificate of these names is for the host (RFC 6125 section 6.4: a star is one whole label).
bool covers(std::vector<std::string> const& names, std::string_view host);

}  // namespace postern::doctor
