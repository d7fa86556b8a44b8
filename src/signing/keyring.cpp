#include "signing/keyring.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/address_list.hpp"

namespace postern::signing {
namespace {

constexpr std::size_t most_authors = 50;

// RFC 6376 section 5.4.1 and what has come since: what says who writes what to whom, how the body is to
// be read, and what programs act upon. Not what is put in or changed on the way.
constexpr std::string_view signed_fields[] = {
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-ID",
    "Content-Language",
    "Content-Transfer-Encoding",
    "Resent-From",
    "Resent-Sender",
    "Content-Disposition",
    "Resent-To",
    "Resent-Cc",
    "Content-Description",
    "Resent-Date",
    "List-Id",
    "Resent-Message-ID",
    "List-Help",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Post",
    "List-Subscribe",
    "List-Owner",
    "List-Archive",
    "Feedback-ID",
};
// A further one of these would be shown in place of the signed one.
constexpr std::string_view sealed_fields[] = {
    "From", "To",         "Cc",           "Reply-To",     "Subject",
    "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
};

mail::dkim_rules rules_of(config::settings const& s)
{
    using mail::canonical_form;
    mail::dkim_rules r;
    std::string_view const form = s.dkim.canonicalization;
    r.header = form.starts_with("relaxed") ? canonical_form::relaxed : canonical_form::simple;
    r.body = form.ends_with("relaxed") ? canonical_form::relaxed : canonical_form::simple;
    r.lifetime = s.dkim.lifetime;
    auto const& without = s.dkim.unsigned_headers;
    auto const is_left_out = [&](std::string_view field) {
        // RFC 6376 section 5.4: without it a signature is worth nothing.
        return field != "From" && std::any_of(without.begin(), without.end(),
                                              [&](auto const& w) { return equal_ignoring_case(w, field); });
    };
    for (auto const field : signed_fields)
        if (!is_left_out(field)) r.fields.emplace_back(field);
    for (auto const field : sealed_fields)
        if (!is_left_out(field)) r.sealed.emplace_back(field);
    return r;
}

}  // namespace

keyring::keyring(config::settings const& s) : rules_(rules_of(s)), defers_(s.dkim.on_failure == "defer") {}

void keyring::add(std::string const& domain_name, usable_key key)
{
    auto& d = domains_[domain_name];
    d.name = domain_name;
    d.keys.push_back(std::move(key));
}

void keyring::add_problem(std::string const& domain_name, std::string why)
{
    auto& d = domains_[domain_name];
    d.name = domain_name;
    if (d.problem.empty()) d.problem = std::move(why);
}

keyring::domain const* keyring::find(std::string_view name) const
{
    for (;;) {
        if (auto const at = domains_.find(name); at != domains_.end()) return &at->second;
        auto const dot = name.find('.');
        if (dot == std::string_view::npos) return nullptr;
        name.remove_prefix(dot + 1);
    }
}

std::optional<std::string> author_domain(std::vector<mail::header_field> const& fields)
{
    auto const from = mail::find_all(fields, "From");
    if (from.size() != 1) return std::nullopt;
    mail::list_error why{};
    auto const authors = mail::parse_address_list(from.front().value, most_authors, why);
    if (!authors || authors->empty() || authors->front().is_literal()) return std::nullopt;
    return authors->front().domain;
}

}  // namespace postern::signing
