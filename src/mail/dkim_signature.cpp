#include "mail/dkim_signature.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/text.hpp"

namespace postern::mail {
namespace {

constexpr std::size_t line_length = 76;
constexpr std::string_view fold = "\r\n\t";
constexpr std::string_view name = "DKIM-Signature", other_name = "X-DKIM-Omitted";
static_assert(name.size() == other_name.size());

// Puts words behind each other, those that go over the line on a new one.
class folder {
public:
    explicit folder(std::string& out) : out_(out), line_(out.size()) {}

    void add(std::string_view word, bool blank_before)
    {
        if (line_ + word.size() + 1 > line_length) {
            out_ += fold;
            line_ = 8;
        } else if (blank_before) {
            out_ += ' ';
            ++line_;
        }
        out_ += word;
        line_ += word.size();
    }

private:
    std::string& out_;
    std::size_t line_;
};

std::string_view name_of(canonical_form f) noexcept { return f == canonical_form::relaxed ? "relaxed" : "simple"; }

std::string unix_seconds(wall_time t)
{
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count());
}

std::string folded_base64(std::string_view octets)
{
    constexpr std::size_t per_line = 72;
    auto const text = base64_encode(octets);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += per_line) {
        if (at != 0) out += fold;
        out += std::string_view{text}.substr(at, per_line);
    }
    return out;
}

bool has(std::vector<std::string> const& names, std::string_view one)
{
    return std::any_of(names.begin(), names.end(), [&](auto const& n) { return equal_ignoring_case(n, one); });
}

// RFC 6376 section 5.4.2: of several fields of a name the last one first. A name that is listed
// more often than there are fields stands for nothing.
void add_fields(hasher& hash, std::vector<header_field> const& fields, std::vector<std::string> const& names,
                canonical_form form)
{
    struct unsigned_yet {
        std::string_view name;
        std::vector<header_field const*> fields;
    };
    std::vector<unsigned_yet> all;
    for (std::string_view const one : names) {
        auto at = std::find_if(all.begin(), all.end(), [&](auto const& u) { return equal_ignoring_case(u.name, one); });
        if (at == all.end()) {
            at = all.insert(at, {one, {}});
            for (auto const& f : fields)
                if (f.is(one)) at->fields.push_back(&f);
        }
        if (at->fields.empty()) continue;
        hash.add(canonical_field(*at->fields.back(), form));
        at->fields.pop_back();
    }
}

// Without the CRLF at its end (RFC 6376 section 3.7).
void add_signature(hasher& hash, std::string_view signature, canonical_form form)
{
    header_field f;
    f.octets = signature;
    f.name = signature.substr(0, signature.find(':'));
    f.value = signature.substr(f.name.size() + 1);
    auto text = canonical_field(f, form);
    if (form == canonical_form::relaxed) text.resize(text.size() - 2);
    hash.add(text);
}

}  // namespace

std::vector<std::string> signed_names(std::vector<header_field> const& fields, dkim_rules const& rules)
{
    std::vector<std::string> names;
    auto const add = [&](std::string const& one, bool is_sealed) {
        for (auto const& f : fields)
            if (f.is(one)) names.push_back(one);
        if (is_sealed) names.push_back(one);
    };
    for (auto const& one : rules.fields) add(one, has(rules.sealed, one));
    for (auto const& one : rules.sealed)
        if (!has(rules.fields, one)) add(one, true);
    return names;
}

std::string header_digest(std::vector<header_field> const& fields, std::vector<std::string> const& names,
                          std::string_view signature, canonical_form form)
{
    hasher hash{hash::sha256};
    add_fields(hash, fields, names, form);
    add_signature(hash, signature, form);
    return hash.finish();
}

dkim_signature::dkim_signature(std::string_view domain, std::string_view selector, signing_key const& key,
                               dkim_rules const& rules, std::vector<header_field> const& fields, wall_time now)
    : form_(rules.header), signature_size_(key.signature_size()), hash_(hash::sha256)
{
    auto const names = signed_names(fields, rules);
    add_fields(hash_, fields, names, form_);
    text_ = std::string{name} + ':';
    folder line{text_};
    auto const tag = [&](std::string_view tag_name, std::string const& value) {
        line.add(std::string{tag_name} + '=' + value + ';', true);
    };
    tag("v", "1");
    tag("a", key.what() == signing_key::kind::rsa ? "rsa-sha256" : "ed25519-sha256");
    tag("c", std::string{name_of(rules.header)} + '/' + std::string{name_of(rules.body)});
    // No i=: it would be the domain again.
    tag("d", std::string{domain});
    tag("s", std::string{selector});
    tag("t", unix_seconds(now));
    if (rules.lifetime.count() != 0) tag("x", unix_seconds(now + rules.lifetime));
    for (std::size_t i = 0; i < names.size(); ++i)
        line.add((i == 0 ? "h=" : "") + names[i] + (i + 1 < names.size() ? ':' : ';'), i == 0);
    text_ += fold;
    text_ += "bh=";
}

std::string dkim_signature::placeholder() const
{
    std::string out = text_;
    out.replace(0, name.size(), other_name);
    out += base64_encode(std::string(digest_size(hash::sha256), '\0'));
    out += ';';
    out += fold;
    out += "b=";
    out += folded_base64(std::string(signature_size_, '\0'));
    out += "\r\n";
    return out;
}

std::string dkim_signature::digest(std::string_view body_hash)
{
    text_ += base64_encode(body_hash);
    text_ += ';';
    text_ += fold;
    text_ += "b=";
    add_signature(hash_, text_, form_);
    return hash_.finish();
}

std::string dkim_signature::finished(std::string_view signature) const
{
    return text_ + folded_base64(signature) + "\r\n";
}

}  // namespace postern::mail
