// What goes into an LDAP request, what comes out of its answer, and which server is asked. The
// oracle for escaping is libldap: a name has to come out of its parsers as it went in.
#include <cstring>
#include <memory>

#include <doctest/doctest.h>
#include <lber.h>
#include <ldap.h>

#include "directory/ldap_servers.hpp"
#include "directory/ldap_text.hpp"
#include "directory/ldap_verdict.hpp"

using namespace postern;
using namespace postern::directory;
using namespace std::chrono_literals;

namespace {

/// The value in a DN's first part, when the DN has `parts` parts.
std::string value_in_dn(std::string const& dn, int parts)
{
    LDAPDN parsed = nullptr;
    if (::ldap_str2dn(dn.c_str(), &parsed, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS) return "no DN";
    int count = 0;
    while (parsed[count] != nullptr) ++count;
    std::string value{"another number of parts"};
    if (count == parts && parsed[0][1] == nullptr)
        value.assign(parsed[0][0]->la_value.bv_val, parsed[0][0]->la_value.bv_len);
    ::ldap_dnfree(parsed);
    return value;
}

constexpr char const* odd_names[] = {
    "ann", "*",     "a*b",    "ann)(uid=*", "*)(objectClass=*", "\\",         "a\\2a", "(",    ")",
    "a,b", "a+b=c", " a ",    "#a",         "a\"b<c>;d",        "uid=x,dc=y", "%u",    "a%nb", "\xc3\xa9",
    "a/b", "ann\n", "&(a=b)", "a=b",        "!(uid=ann)",       "'",          "a\\,b"};

}  // namespace

TEST_CASE("whatever a name is, it is a value in a filter and in a DN")
{
    for (std::string const name : odd_names) {
        CAPTURE(name);
        auto const address = name + "@example.org";
        CHECK(value_in_dn(ldapv3::fill("uid=%n,ou=people,dc=example", address), 3) == name);
        CHECK(value_in_dn(ldapv3::fill("mail=%u,ou=people,dc=example", address), 3) == address);
        auto const filter = ldapv3::fill("(mail=%u)", address);
        auto const inner = filter.substr(6, filter.size() - 7);
        CHECK(inner.find_first_of(std::string_view{"*()\0", 4}) == std::string::npos);
        CHECK(ldapv3::is_askable(address) == (name != " a " && name != "ann\n"));
    }
    CHECK(ldapv3::escape(std::string_view{"a\0b", 3}) == "a\\00b");
    CHECK(ldapv3::escape("a*(b)\\") == "a\\2a\\28b\\29\\5c");
}

TEST_CASE("a pattern is filled in once, with parts of the name")
{
    CHECK(ldapv3::fill("(|(mail=%u)(uid=%n)(d=%d))", "a%n@b%u") == "(|(mail=a\\25n@b\\25u)(uid=a\\25n)(d=b\\25u))");
    CHECK(ldapv3::fill("100%% %x %", "a@b") == "100% x %");
    CHECK(ldapv3::fill("%n|%d", "a@b@c") == "a@b|c");
    CHECK(ldapv3::fill("%n|%d", "a") == "a|");
    CHECK_FALSE(ldapv3::is_askable("ann"));
    CHECK_FALSE(ldapv3::is_askable("@example.org"));
    CHECK_FALSE(ldapv3::is_askable("ann@"));
    CHECK_FALSE(ldapv3::is_askable("\xff@example.org"));
    // What a directory does not tell from another name would be a name of its own to the guard.
    for (char const* name :
         {" ann@example.org", "ann @example.org", "ann@ example.org", "ann@example.org ", "ann  berg@example.org",
          "ann\t@example.org", "a\xc2\xadnn@example.org", "ann\xc2\xa0@example.org", "ann\xe2\x80\x8b@example.org"}) {
        CAPTURE(name);
        CHECK_FALSE(ldapv3::is_askable(name));
    }
    CHECK(ldapv3::is_askable("ann berg@example.org"));
    CHECK(ldapv3::is_askable("\xc3\xa4nn@example.org"));
    CHECK_FALSE(ldapv3::is_askable(std::string(400, 'a') + "@example.org"));
    for (char const* off : {"FALSE", "no", "Off", "0", "disabled"}) CHECK(ldapv3::says_off(off));
    for (char const* on : {"TRUE", "", "yes", "1", "falsehood"}) CHECK_FALSE(ldapv3::says_off(on));
}

TEST_CASE("what Active Directory says of an account without a bind")
{
    // The beginning of 2026, in tenths of microseconds since 1601.
    wall_time const now = from_microseconds(1'767'225'600'000'000);
    struct {
        char const* flags;
        char const* expiry;
        bool off;
    } const rows[] = {
        {"", "", false},
        {"512", "0", false},
        {"514", "0", true},
        {"66050", "9223372036854775807", true},
        {"512", "9223372036854775807", false},
        {"512", "134116991990000000", true},
        {"512", "134116992000000000", true},
        {"512", "134116992010000000", false},
        {"nonsense", "-1", false},
    };
    for (auto const& r : rows) {
        CAPTURE(r.flags);
        CAPTURE(r.expiry);
        CHECK(ldapv3::windows_says_off(r.flags, r.expiry, now) == r.off);
    }
}

TEST_CASE("the answer to a bind is told as it is meant")
{
    using kind = judgement::kind;
    struct row {
        int code;
        char const* text;
        std::optional<int> policy;
        std::optional<kind> what;  // nothing: an outage
    };
    constexpr char const* windows = "80090308: LdapErr: DSID-0C09042F, comment: AcceptSecurityContext error, data ";
    row const rows[] = {
        {LDAP_SUCCESS, "", {}, kind::right},
        {LDAP_SUCCESS, "", PP_changeAfterReset, kind::disabled},
        {LDAP_INVALID_CREDENTIALS, "", {}, kind::refused},
        {LDAP_INVALID_CREDENTIALS, "", PP_passwordExpired, kind::disabled},
        // Whoever locked it may not know the password.
        {LDAP_INVALID_CREDENTIALS, "", PP_accountLocked, kind::refused},
        {LDAP_INVALID_CREDENTIALS, "data 52e, v4563", {}, kind::refused},
        {LDAP_INVALID_CREDENTIALS, "data 532, v4563", {}, kind::disabled},
        {LDAP_INVALID_CREDENTIALS, "data 533, v4563", {}, kind::disabled},
        {LDAP_INVALID_CREDENTIALS, "data 701, v4563", {}, kind::disabled},
        {LDAP_INVALID_CREDENTIALS, "data 773, v4563", {}, kind::disabled},
        {LDAP_INVALID_CREDENTIALS, "data 775, v4563", {}, kind::refused},
        {LDAP_NO_SUCH_OBJECT, "", {}, kind::refused},
        {LDAP_INAPPROPRIATE_AUTH, "", {}, kind::refused},
        {LDAP_CONSTRAINT_VIOLATION, "Exceed password retry limit.", {}, kind::refused},
        {LDAP_UNWILLING_TO_PERFORM, "Account inactivated. Contact system administrator.", {}, kind::refused},
        {LDAP_UNWILLING_TO_PERFORM, "Entry permanently locked.", {}, kind::refused},
        {LDAP_UNWILLING_TO_PERFORM, "Too many failed logins.", {}, kind::refused},
        {LDAP_UNWILLING_TO_PERFORM, "", {}, {}},
        {LDAP_BUSY, "", {}, {}},
        {LDAP_UNAVAILABLE, "", {}, {}},
        {LDAP_OTHER, "", {}, {}},
        {LDAP_REFERRAL, "", {}, {}},
        {LDAP_CONFIDENTIALITY_REQUIRED, "", {}, {}},
        {LDAP_STRONG_AUTH_REQUIRED, "", {}, {}},
        {LDAP_PROTOCOL_ERROR, "", {}, {}},
        {4711, "", {}, {}},
    };
    for (auto const& r : rows) {
        std::string text = r.text;
        if (text.starts_with("data ")) text = windows + text.substr(5);
        CAPTURE(r.code);
        CAPTURE(text);
        auto const j = ldapv3::judge({r.code, text, r.policy});
        REQUIRE(j.has_value() == r.what.has_value());
        if (j) CHECK(j->what == *r.what);
        if (!j) CHECK(j.error().code.klass == 4);
    }
}

TEST_CASE("URLs say where a server is, and nothing else")
{
    using kind = ldapv3::server::kind;
    struct row {
        char const* url;
        kind what;
        char const* host;
        char const* port;
    };
    constexpr row rows[] = {{"ldap://ldap.example.org", kind::plain, "ldap.example.org", "389"},
                            {"ldap://ldap.example.org:1389", kind::plain, "ldap.example.org", "1389"},
                            {"ldaps://ldap.example.org", kind::tls, "ldap.example.org", "636"},
                            {"ldaps://192.0.2.1:1636", kind::tls, "192.0.2.1", "1636"},
                            {"ldap://[2001:db8::1]", kind::plain, "2001:db8::1", "389"},
                            {"ldapi://%2Frun%2Fx", kind::local, "/run/x", "389"},
                            {"ldapi://", kind::local, "/run/slapd/ldapi", "389"}};
    for (auto const& r : rows) {
        CAPTURE(r.url);
        auto const s = ldapv3::server::parse(r.url);
        REQUIRE(s);
        CHECK(s->what == r.what);
        CHECK(s->host == r.host);
        CHECK(s->port == r.port);
    }
    for (char const* bad : {"http://x", "ldap://x/dc=example", "ldap://x/??sub?(a=b)", "ldap.example.org", ""})
        CHECK_FALSE(ldapv3::server::parse(bad));
}

TEST_CASE("a server that fails is left alone, for longer each time, and forgiven when it works")
{
    ldapv3::servers list{{*ldapv3::server::parse("ldap://one"), *ldapv3::server::parse("ldap://two")}};
    steady_time const t{};
    using order = std::vector<std::size_t>;
    CHECK(list.order(t) == order{0, 1});
    list.failed(0, "refused", t);
    CHECK(list.order(t) == order{1});
    // What other threads find meanwhile does not make it worse.
    list.failed(0, "refused", t + 1ms);
    CHECK(list.order(t + 100ms) == order{0, 1});
    list.failed(0, "refused", t + 100ms);
    CHECK(list.order(t + 299ms) == order{1});
    CHECK(list.order(t + 300ms) == order{0, 1});
    list.failed(1, "silent", t + 250ms);
    // Better a server that failed than none.
    CHECK(list.order(t + 299ms) == order{0, 1});
    CHECK(list.troubles() == "ldap://one: refused; ldap://two: silent");
    auto now = t + 300ms;
    for (int i = 0; i < 20; ++i) {
        list.failed(0, "refused", now);
        now += 5s;
        CHECK(list.order(now) == order{0, 1});
    }
    list.failed(0, "refused", now);
    list.worked(0);
    CHECK(list.order(now) == order{0, 1});
    CHECK(list.troubles() == "ldap://two: silent");
}
