// What is the same for every directory.
#include "directory/directory.hpp"

#include <future>

#include "directory/names.hpp"

namespace postern::directory {
namespace {

/// The handler, called on whatever thread, ends the wait.
template <class Begin>
void wait_for(Begin&& begin)
{
    auto const told = std::make_shared<std::promise<void>>();
    auto const ready = told->get_future();
    begin([told] { told->set_value(); });
    ready.wait();
}

}  // namespace

login refused(login_cause why, std::string cause)
{
    login l;
    l.cause = std::move(cause);
    l.why = why;
    return l;
}

std::string directory::whole_name(std::string_view name) const { return any_name_key(name); }

login unsure(error const& silent)
{
    login l;
    l.state = login_state::unsure;
    l.why = silent.code == status{4, 7, 0} ? login_cause::too_many_logins : login_cause::backend_down;
    l.cause = silent.logged;
    return l;
}

void directory::prepare_login(std::string_view, freshness, login_ready_handler ready) { ready(certainty::sure); }
void directory::prepare_address(mail::mailbox const&, ready_handler ready) { ready(); }

void directory::wait_for_login(std::string_view name)
{
    wait_for([&](ready_handler const& ready) {
        prepare_login(name, freshness::remembered, [ready](certainty) { ready(); });
    });
}

void directory::wait_for_address(mail::mailbox const& address)
{
    wait_for([&](ready_handler ready) { prepare_address(address, std::move(ready)); });
}

result<login> directory::admit(std::string_view address, std::string_view authzid, std::string cause)
{
    if (!is_same_name(authzid, address))
        return login{login_state::bad_credentials, nullptr, "the authorization identity is someone else"};
    auto found = find_account(address);
    if (!found) return std::move(found).error();
    if (!*found) return login{login_state::bad_credentials, nullptr, "no such account"};
    auto const state = !(*found)->enabled     ? login_state::disabled
                       : !(*found)->smtp_auth ? login_state::smtp_auth_off
                                              : login_state::accepted;
    return login{state, std::move(*found), std::move(cause)};
}

}  // namespace postern::directory
