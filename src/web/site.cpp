#include "web/site.hpp"

#include "web/assets.hpp"
#include "web/challenge.hpp"
#include "web/start_page.hpp"

namespace postern::web {

router make_site()
{
    router table;
    add_start_page(table);
    add_challenge(table);
    add_assets(table, embedded::site_files());
    return table;
}

}  // namespace postern::web
