// The system's PAM as a back end: asks the service's "auth" and "account" parts about a user
// and a password. Keeps no session open, and never changes a password.
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <pwd.h>
#include <security/pam_appl.h>
#include <shadow.h>
#include <unistd.h>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "directory/authenticator.hpp"

namespace postern::directory {
namespace {

error unavailable(std::string text) { return {{4, 3, 0}, "The accounts are not available", std::move(text)}; }

/// What PAM's modules ask for while they run: the password, each time without an echo.
struct conversation {
    secret const& password;
    bool asked_for_more = false;
};

void release(pam_response* answers, int count)
{
    for (int i = 0; i < count; ++i) {
        if (answers[i].resp == nullptr) continue;
        wipe(answers[i].resp, std::strlen(answers[i].resp));
        std::free(answers[i].resp);
    }
    std::free(answers);
}

int converse(int count, pam_message const** messages, pam_response** out, void* data)
{
    if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
    auto& talk = *static_cast<conversation*>(data);
    // Freed by PAM, hence not new.
    auto* answers = static_cast<pam_response*>(std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
    if (answers == nullptr) return PAM_BUF_ERR;
    for (int i = 0; i < count; ++i) {
        int const style = messages[i]->msg_style;
        if (style == PAM_TEXT_INFO || style == PAM_ERROR_MSG) continue;
        if (style == PAM_PROMPT_ECHO_OFF) {
            answers[i].resp = ::strndup(talk.password.reveal().data(), talk.password.size());
            if (answers[i].resp != nullptr) continue;
        } else {
            talk.asked_for_more = true;  // a name or a code: nobody is there to type it
        }
        release(answers, count);
        return PAM_CONV_ERR;
    }
    *out = answers;
    return PAM_SUCCESS;
}

class pam_asker final : public asker {
public:
    explicit pam_asker(std::string service) : service_(std::move(service)) {}

    result<judgement> verify(std::string const& name, secret const& password, steady_time) override
    {
        if (name.find('\0') != std::string::npos || password.reveal().find('\0') != std::string_view::npos)
            return judgement{};
        conversation talk{password};
        pam_conv const how{converse, &talk};
        pam_handle_t* handle = nullptr;
        int code = ::pam_start(service_.c_str(), name.c_str(), &how, &handle);
        if (code != PAM_SUCCESS || handle == nullptr) return unavailable("PAM could not be started");
        ::pam_set_item(handle, PAM_TTY, "smtp");
        ::pam_fail_delay(handle, 0);  // we have a delay of our own
        code = ::pam_authenticate(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
        bool const right = code == PAM_SUCCESS;
        if (right) code = ::pam_acct_mgmt(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
        auto answer = judge(handle, code, right, talk.asked_for_more);
        ::pam_end(handle, code);
        return answer;
    }

    /// What the "account" part says of a user who proved nothing yet.
    result<std::optional<stored_user>> fetch(std::string const& name, steady_time) override
    {
        if (name.empty() || name.find('\0') != std::string::npos) return std::optional<stored_user>{};
        secret const none;
        conversation talk{none};
        pam_conv const how{converse, &talk};
        pam_handle_t* handle = nullptr;
        int code = ::pam_start(service_.c_str(), name.c_str(), &how, &handle);
        if (code != PAM_SUCCESS || handle == nullptr) return unavailable("PAM could not be started");
        code = ::pam_acct_mgmt(handle, PAM_SILENT);
        auto judged = judge(handle, code, true, talk.asked_for_more);
        ::pam_end(handle, code);
        if (code == PAM_USER_UNKNOWN) return std::optional<stored_user>{};
        if (!judged) return std::move(judged).error();
        stored_user u;
        u.user = std::move(judged->user);
        u.enabled = judged->what == judgement::kind::right && !is_locked(name);
        return std::optional<stored_user>{std::move(u)};
    }

    result<std::optional<std::string>> look_up(std::string const& name, steady_time) override
    {
        std::string buffer(16'384, '\0');
        passwd entry{};
        passwd* found = nullptr;
        int const code = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
        // POSIX allows some errors to mean "no such user".
        if (found == nullptr && code != 0 && code != ENOENT && code != ESRCH)
            return unavailable(std::string{"the system's users: "} + std::strerror(code));
        if (found == nullptr) return std::optional<std::string>{};
        return std::optional<std::string>{entry.pw_name};
    }

private:
    /// `passwd -l` puts a "!" before the hash, of which the "account" part says nothing. Where the system's
    /// passwords may not be read, or it has none of the user, nobody is.
    static bool is_locked(std::string const& name)
    {
        std::string buffer(16'384, '\0');
        spwd entry{};
        spwd* found = nullptr;
        if (::getspnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
            return false;
        bool const locked = found->sp_pwdp != nullptr && std::string_view{found->sp_pwdp}.starts_with("!$");
        wipe(buffer.data(), buffer.size());
        return locked;
    }

    static result<judgement> judge(pam_handle_t* handle, int code, bool right, bool asked_for_more)
    {
        judgement j;
        switch (code) {
            case PAM_SUCCESS: {
                j.what = judgement::kind::right;
                void const* user = nullptr;
                // Modules may change it.
                if (::pam_get_item(handle, PAM_USER, &user) == PAM_SUCCESS && user != nullptr)
                    j.user.name = static_cast<char const*>(user);
                return j;
            }
            case PAM_AUTH_ERR:
            case PAM_USER_UNKNOWN:
            case PAM_MAXTRIES:
            case PAM_ACCT_EXPIRED:
            case PAM_NEW_AUTHTOK_REQD:
            case PAM_PERM_DENIED:
                // The "account" part says no to a user whose password is right.
                j.what = right ? judgement::kind::disabled : judgement::kind::refused;
                return j;
            case PAM_CONV_ERR:
                if (asked_for_more) return unavailable("PAM asks for more than a password");
                break;
            default: break;
        }
        char const* text = ::pam_strerror(handle, code);
        return unavailable(std::string{"PAM: "} + (text != nullptr ? printable(text, 200) : std::to_string(code)));
    }

    std::string const service_;
};

}  // namespace

std::unique_ptr<asker> make_pam_asker(backend_options const& o) { return std::make_unique<pam_asker>(o.service); }

}  // namespace postern::directory
