#include "web/site.hpp"

#include "web/start_page.hpp"

namespace postern::web {

router make_site()
{
    router table;
    add_start_page(table);
    return table;
}

}  // namespace postern::web
