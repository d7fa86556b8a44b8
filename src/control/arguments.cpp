#include "control/arguments.hpp"

#include "base/text.hpp"

namespace postern::control {
namespace {

std::string_view because(mail::path_error why)
{
    switch (why) {
        case mail::path_error::too_long: return "it is too long";
        case mail::path_error::bad_domain: return "its domain is not well-formed";
        case mail::path_error::not_utf8: return "it is not UTF-8";
        case mail::path_error::source_route: return "it holds a source route";
        case mail::path_error::not_qualified: return "its domain has no dot";
        case mail::path_error::none:
        case mail::path_error::syntax: break;
    }
    return "an address looks like ann@example.com";
}

}  // namespace

basic_result<mail::mailbox, std::string> read_mailbox(std::string_view text)
{
    auto why = mail::path_error::none;
    if (auto found = mail::parse_mailbox(text, why)) return std::move(*found);
    std::string told = "`";
    told += printable(text, 100);
    told += "` is not a mail address: ";
    if (text.starts_with('@') && text.find(':') == std::string_view::npos) {
        told += "the part before the @ is missing";
    } else if (text.ends_with('.') && why == mail::path_error::bad_domain) {
        told += "leave out the dot at the end";
    } else {
        told += because(why);
    }
    return told;
}

boost::json::value const* arguments::look(std::string_view key)
{
    auto const* found = given_.if_contains(key);
    if (!found) return nullptr;
    ++seen_;
    return found->is_null() ? nullptr : found;
}

bool arguments::has(std::string_view key) const { return given_.if_contains(key) != nullptr; }

void arguments::wrong(std::string text)
{
    if (!problem_) problem_ = failure{failure::kind::usage, std::move(text), {}};
}

std::optional<std::string> arguments::optional_text(std::string_view key, std::size_t limit)
{
    auto const* v = look(key);
    if (!v) return std::nullopt;
    if (!v->is_string()) {
        wrong(std::string{key} + " must be text");
        return std::nullopt;
    }
    std::string_view const text{v->as_string()};
    if (text.size() > limit) {
        wrong(std::string{key} + " is too long");
        return std::nullopt;
    }
    return std::string{text};
}

std::string arguments::text(std::string_view key, std::size_t limit)
{
    auto found = optional_text(key, limit);
    if (!found) {
        wrong(std::string{key} + " is missing");
        return {};
    }
    return std::move(*found);
}

std::vector<std::string> arguments::texts(std::string_view key, std::size_t most, std::size_t limit)
{
    auto const* v = look(key);
    if (!v) return {};
    std::vector<std::string> list;
    if (!v->is_array() || v->as_array().size() > most) {
        wrong(std::string{key} + " must be a list of at most " + std::to_string(most));
        return {};
    }
    for (auto const& one : v->as_array()) {
        if (!one.is_string() || one.as_string().size() > limit) {
            wrong(std::string{key} + " must be a list of short texts");
            return {};
        }
        list.emplace_back(one.as_string());
    }
    return list;
}

std::vector<boost::json::object> arguments::objects(std::string_view key, std::size_t most)
{
    auto const* v = look(key);
    if (!v) return {};
    std::vector<boost::json::object> list;
    if (!v->is_array() || v->as_array().size() > most) {
        wrong(std::string{key} + " must be a list of at most " + std::to_string(most));
        return {};
    }
    for (auto const& one : v->as_array()) {
        if (one.is_object())
            list.push_back(one.as_object());
        else
            wrong(std::string{key} + " must be a list of objects");
    }
    return list;
}

std::optional<bool> arguments::optional_flag(std::string_view key)
{
    auto const* v = look(key);
    if (!v) return std::nullopt;
    if (!v->is_bool()) {
        wrong(std::string{key} + " must be true or false");
        return std::nullopt;
    }
    return v->as_bool();
}

bool arguments::flag(std::string_view key)
{
    auto found = optional_flag(key);
    if (!found) wrong(std::string{key} + " is missing");
    return found.value_or(false);
}

std::optional<bool> arguments::on_off_or_inherit(std::string_view key)
{
    auto const given = text(key);
    if (given == "on" || given == "off") return given == "on";
    if (given != "inherit") wrong(std::string{key} + " must be on, off or inherit");
    return std::nullopt;
}

std::optional<std::uint64_t> arguments::optional_number(std::string_view key, std::uint64_t most)
{
    auto const* v = look(key);
    if (!v) return std::nullopt;
    std::uint64_t n = 0;
    if (v->is_uint64()) {
        n = v->as_uint64();
    } else if (v->is_int64() && v->as_int64() >= 0) {
        n = static_cast<std::uint64_t>(v->as_int64());
    } else {
        wrong(std::string{key} + " must be a number");
        return std::nullopt;
    }
    if (n > most) {
        wrong(std::string{key} + " must be at most " + std::to_string(most));
        return std::nullopt;
    }
    return n;
}

bool is_secret_argument(std::string_view key) noexcept
{
    return key == secrets::password.key || key == secrets::lines.key || key == secrets::token.key;
}

secret arguments::secret(secret_name name, std::size_t limit)
{
    auto const key = name.key;
    auto const* v = look(key);
    if (!v || !v->is_string() || v->as_string().empty()) {
        wrong("the " + std::string{key} + " is empty");
        return {};
    }
    if (v->as_string().size() > limit) {
        wrong("the " + std::string{key} + " is longer than " + std::to_string(limit) + " octets");
        return {};
    }
    return postern::secret{std::string_view{v->as_string()}};
}

postern::secret arguments::optional_secret(secret_name name, std::size_t limit)
{
    return has(name.key) ? secret(name, limit) : postern::secret{};
}

mail::mailbox arguments::mailbox(std::string_view key)
{
    auto const written = text(key);
    if (problem_) return {};
    auto read = read_mailbox(written);
    if (!read) {
        wrong(std::move(read.error()));
        return {};
    }
    return std::move(*read);
}

std::optional<failure> arguments::problem()
{
    if (!problem_ && seen_ != given_.size()) wrong("there are arguments that this command does not know");
    return problem_;
}

}  // namespace postern::control
