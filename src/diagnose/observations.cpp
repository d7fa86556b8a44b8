#include "diagnose/observations.hpp"

#include "diagnose/findings.hpp"

namespace postern::diagnose {

std::string_view name_of(door_state s) noexcept
{
    switch (s) {
        case door_state::open: return "open";
        case door_state::refused: return "refused";
        case door_state::filtered: return "no answer";
        case door_state::unreachable: return "unreachable";
        case door_state::absent: return "no way to the host";
        case door_state::prohibited: return "prohibited";
        case door_state::failed: break;
    }
    return "failed";
}

bool is_about_mechanism(step_result const& r) noexcept
{
    return r.how == client::ending::reply && r.said.code >= 500 && r.said.code <= 504 &&
           r.said.status != status{5, 7, 8};
}

bool talk_seen::up() const noexcept
{
    if (way == tls_way::implicit) return hello_within && hello_within->ok();
    if (!hello_before || !hello_before->ok()) return false;
    // STARTTLS that was begun has to end well.
    return !handshake || (hello_within && hello_within->ok());
}

}  // namespace postern::diagnose
