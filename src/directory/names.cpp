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
    return address_key(*address);
}

std::string address_key(mail::mailbox const& address)
{
    auto key = address.key();
    if (is_ascii(key)) return key;
    auto prepared = sasl::prepare_username(key);
    return prepared ? std::move(*prepared) : key;
}

std::string any_name_key(std::string_view text)
{
    if (auto key = login_key(text)) return *key;
    auto prepared = sasl::prepare_username(text);
    return prepared ? std::move(*prepared) : to_lower(text);
}

error bad_address(std::string_view text)
{
    return {{5, 1, 3}, "That is not a full address", printable(text) + " is not a full address"};
}

bool is_same_name(std::string_view authzid, std::string_view authcid)
{
    return authzid.empty() || authzid == authcid || any_name_key(authzid) == any_name_key(authcid);
}

std::vector<name_candidate> name_candidates(std::string_view text)
{
    std::vector<name_candidate> list;
    auto const add = [&](std::string key, char const* form) {
        for (auto const& known : list)
            if (known.key == key) return;
        list.push_back({std::move(key), form});
    };
    add(any_name_key(text), "prepared");
    if (is_ascii(text)) return list;
    auto const as_it_came = mail::parse_mailbox(text);
    add(as_it_came ? as_it_came->key() : to_lower(text), "raw");
    if (auto const read = sasl::read_as_latin1(text)) add(any_name_key(*read), "latin1");
    return list;
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
