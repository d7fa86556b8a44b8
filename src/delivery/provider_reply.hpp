// What a smart host's refusal is about: the message, or the account that we come with. Providers
// refuse with 5xx what is only too much for today; a mail that is given back for that is lost for
// nothing. Pure.
#pragma once

#include <cstdint>

#include "smtp/reply_parser.hpp"

namespace postern::delivery {

enum class complaint : std::uint8_t {
    none,      // about the message or its recipients, or unknown
    too_fast,  // over a rate: a pause of minutes helps
    too_much,  // over what a day, a plan or the provider's trust allows: a pause of an hour, again and again
    no_login,  // it wants one, or has forgotten ours
};

complaint complaint_of(smtp::reply const& r);

}  // namespace postern::delivery
