#include "web/site.hpp"

#include "web/api.hpp"
#include "web/app_pages.hpp"
#include "web/assets.hpp"
#include "web/challenge.hpp"
#include "web/discovery.hpp"
#include "web/help_pages.hpp"

namespace postern::web {

router make_site()
{
    constexpr std::chrono::milliseconds notes_gather{500};
    auto const desk = std::make_shared<discovery_desk>(notes_gather);
    router table;
    add_challenge(table);
    add_api(table);
    add_help_pages(table, desk);
    add_assets(table, embedded::site_files());
    add_discovery(table, desk);
    add_app_pages(table);
    return table;
}

}  // namespace postern::web
