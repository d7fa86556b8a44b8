// DKIM's canonical forms of arbitrary messages, cut anywhere, and key records as a DNS may have them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "mail/dkim_canonical.hpp"
#include "mail/dkim_record.hpp"
#include "mail/dkim_signature.hpp"

namespace {

using namespace postern::mail;

std::string body_hash(std::string_view body, std::size_t cut, canonical_form form)
{
    body_hasher h{form};
    h.add(body.substr(0, cut));
    h.add(body.substr(cut));
    return h.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    std::string_view const input{reinterpret_cast<char const*>(data + 1), size - 1};
    auto const cut = input.size() * data[0] / 255;
    for (auto const form : {canonical_form::simple, canonical_form::relaxed})
        if (body_hash(input, 0, form) != body_hash(input, cut, form)) std::abort();

    // The gate takes no message with a bare CR or LF in it.
    bool bare = false;
    for (std::size_t i = 0; i < input.size(); ++i) {
        bool const ended = input[i] == '\r' && i + 1 < input.size() && input[i + 1] == '\n';
        if (ended)
            ++i;
        else
            bare = bare || input[i] == '\r' || input[i] == '\n';
    }
    if (auto const fields = bare ? std::nullopt : parse_fields(input)) {
        dkim_rules rules;
        rules.fields = {"From", "To", "Subject"};
        rules.sealed = {"From", "Cc"};
        auto const names = signed_names(*fields, rules);
        for (auto const& f : *fields) {
            // What is canonical stays as it is.
            auto const once = canonical_field(f, canonical_form::relaxed);
            auto const again = parse_fields(once);
            if (again && again->size() == 1 && canonical_field(again->front(), canonical_form::relaxed) != once)
                std::abort();
        }
        static_cast<void>(header_digest(*fields, names, "DKIM-Signature: b=", canonical_form::relaxed));
    }
    if (auto const record = parse_dkim_record(input); record && record->key.size() > input.size()) std::abort();
    return 0;
}
