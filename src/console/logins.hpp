// The log-ins of one account, made from events of the log: each with its result, its cause in plain words, and what kind
// of device it looks like. What is the same several times in a row is one line with a number. Pure.
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

/// `events`: of the history, oldest first. `names`: whose log-ins are meant, in lower case. Newest first, at most
/// `limit`; the keys are those of the API.
boost::json::array list_logins(std::vector<boost::json::object> const& events, std::vector<std::string> const& names,
                               std::size_t limit);

/// Of an event; empty when it is not there or no text.
std::string text_in(boost::json::object const& event, std::string_view key);

}  // namespace postern::console
