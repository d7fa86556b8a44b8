#include "directory/app_password.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "directory/names.hpp"

namespace postern::directory {
namespace {

constexpr std::string_view alphabet = "abcdefghijkmnpqrstuvwxyz23456789";
static_assert(alphabet.size() == 32);
constexpr std::string_view digits = "23456789";
constexpr std::size_t letters_of_all = 16;
constexpr std::size_t letters_of_group = 4;
// Those that were made before: of fewer letters, more.
constexpr std::string_view earlier_alphabet = "abcdefghjkmnpqrstuvwxyz";
constexpr std::size_t earlier_letters = 24;

/// With a digit, as few passwords of people's own are that have this length.
bool has_the_form(std::string_view letters)
{
    if (letters.size() == letters_of_all) return letters.find_first_of(digits) != std::string_view::npos;
    return letters.size() == earlier_letters && letters.find_first_not_of(earlier_alphabet) == std::string_view::npos;
}

/// What people put between the groups, or a program in the place of a blank.
bool separates(std::string_view text, std::size_t& size)
{
    size = 1;
    char const c = text.front();
    if (c == '-' || c == ' ' || c == '.' || c == '_' || c == '\t') return true;
    std::uint32_t point = 0;
    size = utf8_sequence(text, point);
    // No-break and narrow blanks, hyphens and dashes.
    return size != 0 && (point == 0xa0 || point == 0x202f || (point >= 0x2000 && point <= 0x2015) || point == 0x2212);
}

bool names(std::vector<std::string> const& list, mail::mailbox const& m)
{
    if (list.empty()) return true;
    auto const key = address_key(m);
    return std::any_of(list.begin(), list.end(), [&](std::string const& one) {
        return one == key || (one.starts_with('@') && std::string_view{one}.substr(1) == m.domain);
    });
}

secret in_groups(secret const& letters)
{
    std::string text;
    text.reserve(letters.size() + letters.size() / letters_of_group);
    for (char const c : letters.reveal()) {
        if (text.size() % (letters_of_group + 1) == letters_of_group) text += '-';
        text += c;
    }
    return secret::take(text);
}

}  // namespace

bool app_password_limits::allow_client(ip_address const& a) const { return networks.empty() || contains(networks, a); }
bool app_password_limits::allow_sender(mail::mailbox const& m) const { return names(senders, m); }
bool app_password_limits::allow_recipient(mail::mailbox const& m) const { return names(recipients, m); }

secret make_app_password()
{
    std::string letters;
    letters.reserve(letters_of_all);
    std::array<unsigned char, letters_of_all> octets{};
    while (!has_the_form(letters)) {
        random_octets(octets);
        letters.clear();
        for (unsigned const o : octets) letters += alphabet[o % alphabet.size()];
    }
    wipe(octets.data(), octets.size());
    return in_groups(secret::take(letters));
}

std::optional<secret> read_app_password(std::string_view text)
{
    std::string letters;
    letters.reserve(earlier_letters);
    bool good = true;
    while (!text.empty() && good) {
        char const c = lower(text.front());
        std::size_t size = 1;
        if (alphabet.find(c) != std::string_view::npos && letters.size() < earlier_letters)
            letters += c;
        else
            good = separates(text, size);
        text.remove_prefix(std::min(std::max<std::size_t>(size, 1), text.size()));
    }
    good = good && has_the_form(letters);
    auto read = secret::take(letters);
    if (!good) return std::nullopt;
    return read;
}

std::vector<secret> written_forms(secret const& letters)
{
    std::vector<secret> forms;
    forms.push_back(in_groups(letters));
    forms.push_back(letters);
    return forms;
}

std::string app_password_verifier(std::string_view key, std::string_view owner, secret const& letters)
{
    constexpr std::string_view before = "app password ";
    std::string text;
    text.reserve(before.size() + owner.size() + 1 + letters.size());
    text.append(before).append(owner).append(1, ' ').append(letters.reveal());
    auto made = hmac(hash::sha256, key, text);
    wipe(text.data(), text.size());
    return made;
}

}  // namespace postern::directory
