#include "web/site.hpp"

#include "web/help_pages.hpp"

namespace postern::web {

router make_site()
{
    router table;
    add_help_pages(table);
    return table;
}

}  // namespace postern::web
