#include "directory/kerberos_cause.hpp"

#include <cerrno>
#include <string>

#include <doctest/doctest.h>
#include <krb5.h>

using namespace postern::directory;
using state = postern::sasl::context_answer::state;

TEST_CASE("what the Kerberos library says is the client's doing or ours, never both")
{
    struct row {
        OM_uint32 major;
        krb5_error_code minor;
        char const* verdict;
    };
    for (auto const& r : {
             row{GSS_S_FAILURE, KRB5KRB_AP_ERR_TKT_EXPIRED, "refused the ticket has expired"},
             row{GSS_S_CREDENTIALS_EXPIRED, KRB5KRB_AP_ERR_TKT_EXPIRED, "refused the ticket has expired"},
             row{GSS_S_FAILURE, KRB5KRB_AP_ERR_SKEW, "refused the clocks"},
             row{GSS_S_DUPLICATE_TOKEN, KRB5KRB_AP_ERR_REPEAT, "refused the same ticket"},
             row{GSS_S_FAILURE, KRB5KRB_AP_ERR_BADKEYVER, "refused the keytab has another version"},
             row{GSS_S_FAILURE, KRB5KRB_AP_ERR_NOT_US, "refused the ticket is for another service"},
             row{GSS_S_FAILURE, KRB5KRB_AP_ERR_BAD_INTEGRITY, "refused the key in the keytab"},
             row{GSS_S_BAD_SIG, 0, "refused the token was changed"},
             row{GSS_S_FAILURE, 99999, "refused the Kerberos library does not take"},
             row{GSS_S_DEFECTIVE_TOKEN, 0, "defective no token"},
             row{GSS_S_NO_CRED, 0, "defective a token of something else"},
             row{GSS_S_BAD_MECH, 0, "defective a token of something else"},
             row{GSS_S_FAILURE, KRB5_RC_IO_PERM, "ours"},
             row{GSS_S_FAILURE, KRB5_RC_IO_SPACE, "ours"},
             row{GSS_S_FAILURE, KRB5_KT_IOERR, "ours"},
             row{GSS_S_FAILURE, ENOMEM, "ours"},
             row{GSS_S_FAILURE, EACCES, "ours"},
             row{GSS_S_FAILURE, EMFILE, "ours"},
         }) {
        auto const f = judge_failure(r.major, static_cast<OM_uint32>(r.minor));
        auto const text = f.ours                       ? std::string{"ours"}
                          : f.what == state::defective ? std::string{"defective "} + f.note
                                                       : std::string{"refused "} + f.note;
        CHECK_MESSAGE(text.starts_with(r.verdict), text);
        CHECK_FALSE(words_of(r.major, static_cast<OM_uint32>(r.minor)).empty());
    }
}
