#include "base/result.hpp"

namespace postern {

std::string to_string(status code)
{
    if (code.empty()) return {};
    return std::to_string(code.klass) + '.' + std::to_string(code.subject) + '.' + std::to_string(code.detail);
}

}  // namespace postern
