#include "client/step.hpp"

namespace postern::client {

std::string step_result::to_string() const
{
    switch (how) {
        case ending::done: return "done";
        case ending::reply: return said.to_string();
        case ending::malformed:
            return std::string{describe(service)} + " answered" + (first.empty() ? "" : ": " + first);
        case ending::unconnected:
        case ending::timed_out:
        case ending::closed:
        case ending::tls_refused:
        case ending::not_possible: return problem;
    }
    return {};
}

}  // namespace postern::client
