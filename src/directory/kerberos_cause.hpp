// What went wrong in the Kerberos library: the client's doing, or ours; and in plain words.
#pragma once

#include <string>

#include <gssapi/gssapi.h>

#include "sasl/mechanism.hpp"

namespace postern::directory {

struct kerberos_failure {
    bool ours = false;  // nothing is wrong with the ticket: try again later
    sasl::context_answer::state what = sasl::context_answer::state::refused;
    char const* note = "";
};
kerberos_failure judge_failure(OM_uint32 major, OM_uint32 minor) noexcept;

/// The library's own words.
std::string words_of(OM_uint32 major, OM_uint32 minor);

}  // namespace postern::directory
