#include "web/app_pages.hpp"

#include <vector>

#include "web/assets.hpp"

namespace postern::web {
namespace {

/// "/account.html" is at /account.
std::vector<embedded_file> documents()
{
    constexpr std::string_view ending = ".html";
    std::vector<embedded_file> out;
    for (auto file : embedded::page_documents()) {
        if (file.path.ends_with(ending)) file.path.remove_suffix(ending.size());
        out.push_back(file);
    }
    return out;
}

}  // namespace

void add_app_pages(router& table)
{
    static std::vector<embedded_file> const pages = documents();
    add_assets(table, pages);
    add_assets(table, embedded::page_assets());
}

}  // namespace postern::web
