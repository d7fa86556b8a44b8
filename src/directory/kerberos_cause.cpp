#include "directory/kerberos_cause.hpp"

#include <algorithm>
#include <cerrno>

#include <gssapi/gssapi_krb5.h>
#include <krb5.h>

#include "base/text.hpp"

namespace postern::directory {
namespace {

using state = sasl::context_answer::state;

constexpr std::size_t longest_text = 400;
constexpr unsigned most_parts = 4;

struct note_of {
    krb5_error_code code;
    char const* note;
};
constexpr char const* other_service = "the ticket is for another service than the keytab has keys of";
constexpr char const* other_key = "the key in the keytab is not the one of the ticket: make the keytab anew";
constexpr note_of client_faults[] = {
    {KRB5KRB_AP_ERR_TKT_EXPIRED, "the ticket has expired"},
    {KRB5KRB_AP_ERR_TKT_NYV, "the ticket is not valid yet: do the clocks agree?"},
    {KRB5KRB_AP_ERR_SKEW, "the clocks of the client and of this server differ by too much"},
    {KRB5KRB_AP_ERR_REPEAT, "the same ticket and authenticator were seen before"},
    {KRB5KRB_AP_ERR_NOT_US, other_service},
    {KRB5KRB_AP_WRONG_PRINC, other_service},
    {KRB5KRB_AP_ERR_NOKEY, other_service},
    {KRB5_KT_NOTFOUND, other_service},
    {KRB5KRB_AP_ERR_BADKEYVER, "the keytab has another version (kvno) of the key: make it anew, or get a new ticket"},
    {KRB5_KT_KVNONOTFOUND, "the keytab has another version (kvno) of the key: make it anew, or get a new ticket"},
    {KRB5KRB_AP_ERR_BAD_INTEGRITY, other_key},
    {KRB5KRB_AP_ERR_MODIFIED, "the token was changed on its way, or its key is another one"},
    {KRB5KRB_AP_ERR_BADMATCH, "the ticket and its authenticator are of different clients"},
    {KRB5_NOPERM_ETYPE, "the ticket is encrypted in a way that this server does not permit"},
    {KRB5_BAD_ENCTYPE, "the ticket is encrypted in a way that this server does not know"},
    {KRB5_PROG_ETYPE_NOSUPP, "the ticket is encrypted in a way that this server does not know"},
    {KRB5_BAD_MSIZE, "the token has a wrong length"},
};
// The file of seen tickets, the keytab, memory, file descriptors, /etc/krb5.conf.
constexpr krb5_error_code our_faults[] = {
    KRB5_RC_IO,
    KRB5_RC_IO_EOF,
    KRB5_RC_IO_IO,
    KRB5_RC_IO_MALLOC,
    KRB5_RC_IO_PERM,
    KRB5_RC_IO_SPACE,
    KRB5_RC_IO_UNKNOWN,
    KRB5_RC_MALLOC,
    KRB5_RC_PARSE,
    KRB5_RC_REQUIRED,
    KRB5_RC_TYPE_NOTFOUND,
    KRB5_RC_UNKNOWN,
    KRB5_KT_IOERR,
    KRB5_CC_NOMEM,
    KRB5_CONFIG_BADFORMAT,
    KRB5_CONFIG_CANTOPEN,
    ENOMEM,
    EMFILE,
    ENFILE,
    ENOSPC,
    EDQUOT,
    EACCES,
    EPERM,
    EROFS,
    EIO,
    ENOENT,
    ENOTDIR,
    EISDIR,
    EFBIG,
    ENOLCK,
};

void add_words(std::string& text, OM_uint32 code, int type)
{
    OM_uint32 context = 0;
    for (unsigned i = 0; i < most_parts; ++i) {
        OM_uint32 minor = 0;
        gss_buffer_desc said = GSS_C_EMPTY_BUFFER;
        if (GSS_ERROR(gss_display_status(&minor, code, type, gss_mech_krb5, &context, &said))) return;
        if (!text.empty()) text += ": ";
        text += printable({static_cast<char const*>(said.value), said.length}, longest_text);
        gss_release_buffer(&minor, &said);
        if (context == 0) return;
    }
}

}  // namespace

kerberos_failure judge_failure(OM_uint32 major, OM_uint32 minor) noexcept
{
    auto const code = static_cast<krb5_error_code>(minor);
    if (std::find(std::begin(our_faults), std::end(our_faults), code) != std::end(our_faults))
        return {true, state::refused, "the Kerberos library failed"};
    auto const known =
        std::find_if(std::begin(client_faults), std::end(client_faults), [&](auto const& f) { return f.code == code; });
    if (known != std::end(client_faults)) return {false, state::refused, known->note};
    switch (GSS_ROUTINE_ERROR(major)) {
        case GSS_S_DEFECTIVE_TOKEN: return {false, state::defective, "no token of Kerberos"};
        case GSS_S_BAD_MECH:
        case GSS_S_NO_CRED: return {false, state::defective, "a token of something else than Kerberos"};
        case GSS_S_BAD_SIG:
            return {false, state::refused, "the token was changed on its way, or its key is another one"};
        case GSS_S_CONTEXT_EXPIRED:
        case GSS_S_CREDENTIALS_EXPIRED: return {false, state::refused, "the ticket has expired"};
        case GSS_S_DUPLICATE_TOKEN:
        case GSS_S_OLD_TOKEN: return {false, state::refused, "the same token was seen before"};
        default: return {false, state::refused, "the Kerberos library does not take the token"};
    }
}

std::string words_of(OM_uint32 major, OM_uint32 minor)
{
    std::string detail;
    if (minor != 0) add_words(detail, minor, GSS_C_MECH_CODE);
    // "Unspecified failure, the minor code may say more": where that does, it says all.
    if (!detail.empty() && GSS_ROUTINE_ERROR(major) == GSS_S_FAILURE) return detail;
    std::string text;
    add_words(text, major, GSS_C_GSS_CODE);
    if (!detail.empty()) text += ": " + detail;
    return text;
}

}  // namespace postern::directory
