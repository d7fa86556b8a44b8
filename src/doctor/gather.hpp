// Looks: at the machine, at files, at listeners, at the DNS. Each function fills its part of the facts,
// waits within its limit, and judges nothing.
#pragma once

#include <chrono>
#include <string>

#include "doctor/facts.hpp"

namespace postern::doctor {

/// Certificates of the configuration, from their files.
void gather_certificates(facts& f);
/// Disk, clock, rights, interfaces. `clock_from`: host or host:port of a time server; empty: none is asked.
void gather_machine(facts& f, std::string const& clock_from);
/// The server's name, its addresses and theirs; every local domain. Needs the certificates.
void gather_names(facts& f, std::chrono::seconds limit);
/// Each listener from this machine and by the addresses of its name. Needs the names.
void gather_reach(facts& f, std::chrono::seconds limit);
/// Every trick at every listener that a stranger can be played to.
void gather_relay(facts& f, std::chrono::seconds limit);

}  // namespace postern::doctor
