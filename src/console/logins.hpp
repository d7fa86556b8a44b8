// The log-ins of one account, made from events of the log: each with its result, its cause in plain words, and what kind
// of device it looks like; with them what was refused before a log-in, and after one. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace postern::console {

/// A mail program, as far as its greeting tells.
struct device_guess {
    std::string_view name;
    bool probably = true;  // false: it names itself
};
/// `hello`: the argument of EHLO; `mechanism`: the first one that it chose. An empty name: nothing can be said.
device_guess guess_device(std::string_view hello, std::string_view mechanism) noexcept;

/// Whose log-ins are meant, and who asks.
struct login_question {
    std::vector<std::string> names;  // in lower case: what stands in the log as the account, or as a sender without one
    std::string here{};              // the address that who asks is signed in from; empty: somebody else asks
    std::string waiting_since{};     // who asks waits for a device since then; empty: nobody does
    std::size_t limit = 100;
};

/// `events`: of the history, oldest first. Newest first, one row a session, equal ones of one device folded; the keys are
/// those of the API.
///
/// Refusals before any log-in belong to the account whose address was to be the sender. Anybody can write that, so `near`
/// says whether they came from an address that the account logs in from, or `here` (IPv6: its /64); of others little is
/// shown. Where it is not even known whose they are, they are shown only to who waits for a device, and only from `here`.
boost::json::array list_logins(std::vector<boost::json::object> const& events, login_question const& q);

/// Whether the client of an event is at this address (IPv6: in its /64).
bool is_from(boost::json::object const& event, std::string_view here);

/// Of an event; empty when it is not there or no text.
std::string text_in(boost::json::object const& event, std::string_view key);

}  // namespace postern::console
