// Names that strangers send, on their way into LDAP filters and DNs; and texts that a server
// sends back. libldap's own parser says whether a name stayed a value.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <ldap.h>

#include "directory/ldap_servers.hpp"
#include "directory/ldap_text.hpp"
#include "directory/ldap_verdict.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    using namespace postern::directory;
    std::string const text{reinterpret_cast<char const*>(octets), size};
    auto const filter = ldapv3::fill("(mail=%u)", text);
    if (filter.find_first_of(std::string_view{"*()\0", 4}, 6) != filter.size() - 1) std::abort();
    if (ldapv3::is_askable(text)) {
        auto const local_part = text.substr(0, text.rfind('@'));
        LDAPDN dn = nullptr;
        if (::ldap_str2dn(ldapv3::fill("uid=%n,dc=example", text).c_str(), &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
            std::abort();
        if (dn[0] == nullptr || dn[1] == nullptr || dn[2] != nullptr || dn[0][1] != nullptr) std::abort();
        auto const& value = dn[0][0]->la_value;
        if (std::string_view(value.bv_val, value.bv_len) != local_part) std::abort();
        ::ldap_dnfree(dn);
    }
    ldapv3::fill(text, "ann@example.org");
    if (ldapv3::says_off(text) && size > 8) std::abort();
    for (int const code : {0, 49, 53, static_cast<int>(size)})
        if (auto const j = ldapv3::judge({code, text, std::nullopt}); !j && j.error().code.klass != 4) std::abort();
    if (auto const s = ldapv3::server::parse(text); s && s->host.empty()) std::abort();
    return 0;
}
