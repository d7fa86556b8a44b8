// Answers of the mail process in the reader's language. It speaks English, as its log and the command line do; what of it is
// ours, texts of the catalogue and sentences beside it, is translated here.
#pragma once

#include <string_view>

#include <boost/json/value.hpp>

namespace postern::web {

/// In place. What servers replied, what the log has, and what strangers wrote stay as they are.
void put_into_language(boost::json::value& answer, std::string_view language);

}  // namespace postern::web
