// The arguments of a command, checked one by one. The first thing wrong with them is
// remembered, so a command reads all it takes and asks problem() once.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/ip.hpp"
#include "base/secret.hpp"
#include "control/protocol.hpp"
#include "mail/address.hpp"

namespace postern::control {

/// The arguments that are nobody's to read, by name, once: what takes one is declared with it, and the audit log leaves
/// it out.
struct secret_name {
    std::string_view key;
};
namespace secrets {
inline constexpr secret_name password{"password"};
inline constexpr secret_name lines{"lines"};  // of a file with accounts
inline constexpr secret_name token{"token"};  // of a link that is good once
}  // namespace secrets
bool is_secret_argument(std::string_view key) noexcept;

class arguments {
public:
    explicit arguments(boost::json::object const& given) : given_(given) {}

    /// Required; at most `limit` octets.
    std::string text(std::string_view key, std::size_t limit = 1024);
    /// Absent or null: nothing.
    std::optional<std::string> optional_text(std::string_view key, std::size_t limit = 1024);
    /// A list of texts; absent: none.
    std::vector<std::string> texts(std::string_view key, std::size_t most, std::size_t limit = 1024);
    /// A list of objects; absent: none.
    std::vector<boost::json::object> objects(std::string_view key, std::size_t most);
    std::optional<bool> optional_flag(std::string_view key);
    std::optional<std::uint64_t> optional_number(std::string_view key, std::uint64_t most);
    bool flag(std::string_view key);
    /// "on", "off", or "inherit": nothing.
    std::optional<bool> on_off_or_inherit(std::string_view key);
    postern::secret secret(secret_name name, std::size_t limit = 4096);
    /// Absent or null: empty.
    postern::secret optional_secret(secret_name name, std::size_t limit = 4096);
    mail::mailbox mailbox(std::string_view key);

    /// Whether it is there, whatever it is.
    bool has(std::string_view key) const;
    /// Records what is wrong, unless something was before.
    void wrong(std::string text);
    /// What is wrong, arguments that nobody asked for included.
    std::optional<failure> problem();

private:
    boost::json::value const* look(std::string_view key);

    boost::json::object const& given_;
    std::size_t seen_ = 0;
    std::optional<failure> problem_;
};

/// An address that a person gave, or why it is none, in a sentence.
basic_result<mail::mailbox, std::string> read_mailbox(std::string_view text);

}  // namespace postern::control
