// What a server's reply means: the rule of the catalogue that names the cause, and whose turn it is to act. The table is
// data, compiled in from replies.json. Any reply gets an answer, and how sure it is.
#pragma once

#include <cstdint>

#include "catalogue/catalogue.hpp"
#include "providers/providers.hpp"
#include "smtp/reply_parser.hpp"

namespace postern::providers {

/// What was asked when the reply came.
enum class step : std::uint8_t {
    banner,
    ehlo,
    starttls,
    auth,
    mail,
    rcpt,
    data,  // the command, the final dot, or a report that came later
};

enum class certainty : std::uint8_t {
    own_words,  // the provider's, or words that several servers have
    status,     // by the enhanced status code (RFC 3463)
    code,       // by the reply code and the step alone
};

struct meaning {
    catalogue::rule const* why = nullptr;  // null: the reply is no refusal
    catalogue::actor who = catalogue::actor::unknown;
    certainty how_sure = certainty::code;
};

/// The first that fits: rows of the provider (null: unknown), general rows, the enhanced code, the reply code.
/// Positive replies have no meaning here; 334 has one where it carries an error of OAuth.
meaning match(step when, provider const* whose, smtp::reply const& reply);

}  // namespace postern::providers
