#include "directory/names.hpp"

#include "base/text.hpp"
#include "sasl/prepare.hpp"

namespace postern::directory {

std::optional<std::string> login_key(std::string_view text)
{
    auto const address = is_ascii(text) ? mail::parse_mailbox(text) : [&]() -> std::optional<mail::mailbox> {
        // The same letters may come composed or not.
        auto const composed = sasl::normalise(text);
        return composed ? mail::parse_mailbox(*composed) : std::nullopt;
    }();
    if (!address || address->domain.empty()) return std::nullopt;
    return address->key();
}

std::string any_name_key(std::string_view text)
{
    if (auto key = login_key(text)) return *key;
    auto composed = sasl::normalise(text);
    return to_lower(composed ? *composed : text);
}

std::string recipient_key(mail::mailbox const& address)
{
    std::string key = address.key();
    if (is_ascii(key)) return key;
    auto composed = sasl::normalise(key);
    return composed ? std::move(*composed) : key;
}

std::optional<std::string> sender_key(std::string_view text)
{
    if (!text.starts_with('@')) return login_key(text);
    auto domain = mail::parse_domain(text.substr(1));
    if (!domain) return std::nullopt;
    return "@" + *domain;
}

std::optional<mail::mailbox> without_detail(mail::mailbox const& address, char delimiter)
{
    if (delimiter == '\0') return std::nullopt;
    auto const end = address.local_part.find(delimiter);
    if (end == std::string::npos || end == 0) return std::nullopt;
    return mail::mailbox{address.local_part.substr(0, end), address.domain};
}

}  // namespace postern::directory
