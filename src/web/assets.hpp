// Files that are a part of the program (cmake/embed.cmake), served compressed where the browser takes that.
#pragma once

#include <span>
#include <string_view>

#include "web/router.hpp"

namespace postern::web {

struct embedded_file {
    std::string_view path;  // "/assets/postern.css"
    std::string_view media_type;
    std::string_view tag;                  // changes with the content
    bool immutable;                        // the name does too
    std::string_view plain, gzip, brotli;  // empty: not worth it
};

/// A route for each. `files` are there for the whole life of the program.
void add_assets(router& table, std::span<embedded_file const> files);

/// The coding that an Accept-Encoding field likes best (RFC 9110 section 12.5.3) of those that there are: "br", "gzip"
/// or "" for none.
std::string_view preferred_coding(std::string_view accept, bool has_gzip, bool has_brotli) noexcept;

/// Whether a tag stands in an If-None-Match field (RFC 9110 section 13.1.2).
bool is_known(std::string_view if_none_match, std::string_view quoted_tag) noexcept;

namespace embedded {
std::span<embedded_file const> site_files();
std::span<embedded_file const> api_description();
std::span<embedded_file const> page_documents();
std::span<embedded_file const> page_assets();
std::span<embedded_file const> help_files();
}  // namespace embedded

}  // namespace postern::web
