// What may not be said while somebody can't be asked: that a password is wrong, or that there is no such user.
// Whoever knows a name says so of the right password at all times. Of any other one the same is said of every
// name, after the same work, or an outage would tell who has an account here.
#include "directory/embedded.hpp"

namespace postern::directory {
namespace {

/// Too much to do is no doubt: the next log-in may be looked at.
bool is_busy(result<login> const& l) { return !l && l.error().code == status{4, 7, 0}; }

}  // namespace

/// Who of those that are asked about every name, and without waiting, can't say now whether it is one of theirs.
std::optional<error> embedded::silent_here(std::string const& name) const
{
    if (in_trouble_) return error{{4, 3, 0}, "The account database is not available", store_->trouble()};
    for (auto const& s : sources_)
        if (auto const found = s->find(name); !found) return found.error();
    return std::nullopt;
}

/// The same of all: also of those who are only asked with a password.
std::optional<error> embedded::silent(std::string const& name) const
{
    if (auto e = silent_here(name)) return e;
    for (auto const& a : authenticators_) {
        if (!a->covers(name) || a->recognises()) continue;
        if (auto e = a->out_of_reach()) return e;
    }
    return std::nullopt;
}

/// A name that may be anybody's, since `silent` did not say. It is hashed as for those who are known.
void embedded::refuse_unsure(std::size_t index, std::string const& name, secret const& password, error const& silent,
                             login_handler const& handler)
{
    check(name, nullptr, password, [this, index, name, silent, handler](result<login> l) {
        settle_known(index, name, is_busy(l) ? std::move(l) : unsure(silent), handler);
    });
}

/// How the check of somebody's password ended. Where it did not fit, the back ends from `index` on are asked as they
/// are about a name that nobody knows.
void embedded::settle_known(std::size_t index, std::string const& name, result<login> l, login_handler const& handler)
{
    if (is_busy(l)) return handler(std::move(l));
    if (!l) l = unsure(l.error());
    bool const fits = l->state != login_state::bad_credentials && l->state != login_state::unsure;
    if (fits) return handler(std::move(l));
    auto const& all = authenticators_;
    while (index < all.size() && !(all[index]->covers(name) && all[index]->recognises())) ++index;
    if (index == all.size()) {
        auto const who = l->state == login_state::unsure ? std::nullopt : silent(name);
        return handler(who ? unsure(*who) : std::move(l));
    }
    all[index]->fetch(name, freshness::remembered, [this, index, name, l, handler](result<entry> const& found) {
        if (!found) return handler(unsure(found.error()));
        settle_known(index + 1, name, l, handler);
    });
}

/// The password of somebody who is known, before all back ends from `index` on.
void embedded::check_known(std::size_t index, std::string const& name, entry const& e, secret password,
                           login_handler handler)
{
    check(name, e, std::move(password), [this, index, name, handler = std::move(handler)](result<login> l) {
        settle_known(index, name, std::move(l), handler);
    });
}

}  // namespace postern::directory
