// The types of the options of logging in. Used by the tables of options alone.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/listener_address.hpp"
#include "base/url.hpp"
#include "config/option_values.hpp"

namespace postern::config::types {

struct auth_role_words {
    static constexpr std::string_view name = "\"auth\" or \"master\"";
    static constexpr std::array<std::pair<std::string_view, auth_role>, 2> all{
        {{"auth", auth_role::auth}, {"master", auth_role::master}}};
};

struct introspect_words {
    static constexpr std::string_view name = "\"opaque\", \"all\" or \"only\"";
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> all{
        {{"opaque", "opaque"}, {"all", "all"}, {"only", "only"}}};
};

struct loopback_address {
    static constexpr std::string_view name = "address:port";
    static bool accepts(std::string_view t, std::string& why)
    {
        if (is_on_loopback(t)) return true;
        why = quote(printable(t, 60)) +
              " is no address that only this machine can reach, such as \"127.0.0.1:12345\": who reaches it may try "
              "passwords, and hears them";
        return false;
    }
};

struct confidential_url {
    static constexpr std::string_view name = "https URL";
    static bool accepts(std::string_view t, std::string& why)
    {
        if (is_confidential_url(t)) return true;
        why = quote(printable(t, 60)) + " is not an https URL (http will do within this machine only)";
        return false;
    }
};

struct word_item {
    static constexpr std::string_view list_name = "list of texts";
    static constexpr std::string_view list_example = "[\"postern\"]";
    static bool read_item(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "text in quotes", r)) return false;
        if (n.text.empty() || n.text.size() > 1024) {
            r.bad(n, "the text is empty or too long");
            return false;
        }
        out = n.text;
        return true;
    }
    static std::string write_item(std::string const& value) { return quote(value); }
};

struct watched_account {
    static constexpr std::string_view list_name = "list of accounts";
    static constexpr std::string_view list_example = "[\"news@example.com\", \"@lists.example.com\"]";
    static bool read_item(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "an account in quotes", r)) return false;
        auto const at = n.text.rfind('@');
        auto const domain = at == std::string::npos ? std::nullopt : mail::parse_domain(n.text.substr(at + 1));
        if (!domain) {
            r.bad(n, quote(printable(n.text, 60)) + " is not an account or \"@example.com\"");
            return false;
        }
        out = to_lower(n.text.substr(0, at + 1)) + *domain;
        return true;
    }
    static std::string write_item(std::string const& value) { return quote(value); }
};

/// A key's SHA-256 as people copy it: hexadecimal digits, with or without colons.
struct key_digest {
    static constexpr std::string_view name = "SHA-256 of a public key";
    static void read(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "hexadecimal digits in quotes", r)) return;
        std::string digits;
        bool fine = true;
        for (char const c : n.text) {
            if (c == ':') continue;
            digits += lower(c);
            fine = fine && ((c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f'));
        }
        if (!fine || digits.size() != 64)
            r.bad(n,
                  "expected the SHA-256 of a public key, 64 hexadecimal digits: openssl x509 -in CERTIFICATE -noout "
                  "-pubkey | openssl pkey -pubin -outform DER | sha256sum");
        else
            out = std::move(digits);
    }
    static std::string write(std::string const& value) { return quote(value); }
};

struct kerberos_service {
    static constexpr std::string_view name = "name";
    static bool accepts(std::string_view text, std::string& why)
    {
        constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
        if (!text.empty() && text.size() <= 64 && text.find_first_not_of(known) == std::string_view::npos) return true;
        why = "expected the first part of the service's principal, such as \"smtp\"";
        return false;
    }
};

struct realm_name {
    static constexpr std::string_view name = "realm";
    static bool accepts(std::string_view text, std::string& why)
    {
        bool const fine = !text.empty() && text.size() <= 255 && is_utf8(text) &&
                          text.find_first_of("@/\\ ") == std::string_view::npos &&
                          std::none_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; });
        if (!fine) why = quote(printable(text, 60)) + " is not a Kerberos realm such as \"EXAMPLE.COM\"";
        return fine;
    }
};

struct principal_name {
    static constexpr std::string_view name = "principal";
    static bool accepts(std::string_view text, std::string& why)
    {
        auto const at = text.rfind('@');
        std::string ignored;
        bool const fine = at != std::string_view::npos && at != 0 && text.size() <= 1000 &&
                          realm_name::accepts(text.substr(at + 1), ignored) &&
                          std::none_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; });
        if (!fine)
            why = quote(printable(text, 60)) + " is not a principal with its realm, such as \"anna@EXAMPLE.COM\"";
        return fine;
    }
};

struct full_address {
    static constexpr std::string_view name = "address";
    static void read(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "an address in quotes", r)) return;
        if (n.text.size() > 255 || n.text.find('@') == std::string::npos)
            r.bad(n, quote(printable(n.text, 60)) + " is not the address of an account");
        else
            out = n.text;
    }
    static std::string write(std::string const& value) { return quote(value); }
};

struct mail_address {
    static constexpr std::string_view name = "mail address";
    static bool accepts(std::string_view t, std::string& why)
    {
        if (mail::parse_mailbox(t)) return true;
        why = quote(printable(t, 60)) + " is not a mail address";
        return false;
    }
};

struct mechanism_item {
    static constexpr std::string_view list_name = "list of mechanisms";
    static constexpr std::string_view list_example = "[\"PLAIN\", \"LOGIN\"]";
    static constexpr std::array<std::string_view, 13> known{"SCRAM-SHA-512", "SCRAM-SHA-512-PLUS",
                                                            "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
                                                            "SCRAM-SHA-1",   "SCRAM-SHA-1-PLUS",
                                                            "OAUTHBEARER",   "XOAUTH2",
                                                            "EXTERNAL",      "GSSAPI",
                                                            "CRAM-MD5",      "PLAIN",
                                                            "LOGIN"};
    static bool read_item(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "a mechanism in quotes", r)) return false;
        out = to_upper(n.text);
        if (std::find(known.begin(), known.end(), out) != known.end()) return true;
        std::string what = quote(printable(n.text, 60)) + " is not a mechanism of this server, which has ";
        for (auto const name : known) {
            if (name != known.front()) what += name == known.back() ? " and " : ", ";
            what += name;
        }
        if (auto const meant = nearest(n.text, known); !meant.empty()) what += "; did you mean " + quote(meant) + '?';
        r.bad(n, std::move(what));
        return false;
    }
    static std::string write_item(std::string const& value) { return quote(value); }
};

}  // namespace postern::config::types
