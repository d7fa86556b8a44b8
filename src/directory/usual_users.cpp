#include "directory/usual_users.hpp"

#include "directory/verifier.hpp"

namespace postern::directory {

void usual_users::count(stored_account const& a)
{
    std::lock_guard lock{lock_};
    if (a.problem == nullptr) {
        costs_.count(cost_of(a.verifier));
        if (auto const* most = costs_.get(); most != nullptr && *most != dummy_cost_) {
            // The same one as long as it costs the same: memories of unknown names depend on it.
            if (cost_of(a.verifier) == *most) {
                dummy_ = make_dummy(a.verifier);
                dummy_cost_ = *most;
            }
        }
    }
    for (hash const h : a.who.scram_hashes)
        shapes_[static_cast<std::size_t>(h)].count({a.scram[h].iterations, a.scram[h].salt.size()});
}

std::string usual_users::dummy() const
{
    std::lock_guard lock{lock_};
    return dummy_;
}

std::optional<scram_shape> usual_users::shape(hash h) const
{
    std::lock_guard lock{lock_};
    auto const* most = shapes_[static_cast<std::size_t>(h)].get();
    if (most == nullptr) return std::nullopt;
    return scram_shape{most->first, most->second};
}

}  // namespace postern::directory
