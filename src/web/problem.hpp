// What the web process itself refuses: rows of the catalogue (web.toml), in the reader's language, as a page for people and
// as JSON for programs (below /api/).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalogue/verdict.hpp"
#include "control/protocol.hpp"
#include "http/message.hpp"

namespace postern::web {

namespace rules = catalogue::rules;

/// Made for who asked: the path decides between the two forms.
http::response answer_for(catalogue::rule const& why, http::request const& r);
/// For handlers of pages: what the mail process would not do.
http::response answer_for(control::failure const& f, http::request const& r);

/// {"error": {rule, text, remedy}}, never cached.
http::response json_error(unsigned status, catalogue::rule const& why, std::string_view text, std::string_view remedy,
                          std::vector<std::string> const& details = {});
/// The same with the row's own status and texts. `said`: in place of its headline.
http::response json_error(catalogue::rule const& why, http::request const& r, std::string_view said = {});

}  // namespace postern::web
