// Back ends that are asked about each password: PAM, Dovecot. They wait for other programs,
// so every question has a deadline and runs on threads of the back end's own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "directory/backend.hpp"

namespace postern::directory {

/// What another program said about a name and a password.
struct judgement {
    enum class kind : std::uint8_t {
        right,
        disabled,  // right, but the user is switched off there
        refused,   // wrong, or no such user: few tell which
    };
    kind what = kind::refused;
    std::string name;  // how the program calls the user; empty: as it was asked
};

/// One connection, or what stands for it, of one thread.
class asker {
public:
    virtual ~asker() = default;
    virtual result<judgement> verify(std::string const& name, secret const& password, steady_time deadline) = 0;
    /// The program's name of the user, or nothing when it has none such.
    virtual result<std::optional<std::string>> look_up(std::string const& name, steady_time deadline) = 0;
};

class authenticator : public back_end {
public:
    using verdict_handler = std::function<void(result<judgement>)>;

    /// Whether the name, as any_name_key() gives it, can be one of its users at all.
    virtual bool covers(std::string_view name) const = 0;
    /// Calls the handler once, later, with an address as the user's name.
    virtual void verify(std::string_view name, secret password, verdict_handler handler) = 0;
    /// Waits for the answer, for a second at most. The user's address.
    virtual result<std::optional<std::string>> look_up(std::string_view name) = 0;
    virtual void stop() = 0;
};

std::unique_ptr<authenticator> make_authenticator(backend_options const& o,
                                                  std::function<std::unique_ptr<asker>()> make_asker);

std::unique_ptr<asker> make_pam_asker(backend_options const& o);
std::unique_ptr<asker> make_dovecot_asker(backend_options const& o);

}  // namespace postern::directory
