#include "catalogue/catalogue.hpp"

#include <algorithm>

namespace postern::catalogue {

rule const* find(std::string_view name_or_id)
{
    auto const rows = all();
    auto const at = std::find_if(rows.begin(), rows.end(),
                                 [&](rule const& r) { return r.name == name_or_id || r.id == name_or_id; });
    return at == rows.end() ? nullptr : &*at;
}

}  // namespace postern::catalogue
