#include "directory/ldap_connection.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <mutex>

#include <lber.h>
#include <ldap.h>
#include <openldap.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/text.hpp"
#include "base/whole_file.hpp"
#include "directory/ldap_socket.hpp"

namespace postern::directory::ldapv3 {
namespace {

constexpr char const* usual_authorities = "/etc/ssl/certs/ca-certificates.crt";
constexpr ber_len_t longest_message = 256u << 10;
constexpr int most_entries = 2;
constexpr int most_messages = 64;  // references to other servers, which a search may bring
constexpr std::size_t most_values = 64;

error unavailable(std::string text) { return {{4, 3, 0}, "The accounts are not available", std::move(text)}; }

timeval left_until(steady_time deadline)
{
    auto const left = std::max(std::chrono::ceil<std::chrono::microseconds>(deadline - steady_clock::now()),
                               std::chrono::microseconds{1000});
    return {static_cast<time_t>(left.count() / 1'000'000), static_cast<suseconds_t>(left.count() % 1'000'000)};
}

struct message_free {
    void operator()(LDAPMessage* m) const noexcept { ::ldap_msgfree(m); }
};
using message = std::unique_ptr<LDAPMessage, message_free>;

/// libldap makes its global options at the first call, and not for two threads at once.
void begin_library()
{
    static std::once_flag once;
    std::call_once(once, [] {
        LDAP* handle = nullptr;
        if (::ldap_create(&handle) == LDAP_SUCCESS) ::ldap_unbind_ext(handle, nullptr, nullptr);
    });
}

/// The error in the password policy's control, if the server sent one.
std::optional<int> password_policy_of(LDAP* handle, LDAPControl** controls)
{
    LDAPControl* found = ::ldap_control_find(LDAP_CONTROL_PASSWORDPOLICYRESPONSE, controls, nullptr);
    if (found == nullptr) return std::nullopt;
    ber_int_t expires = 0, grace = 0;
    LDAPPasswordPolicyError what = PP_noError;
    if (::ldap_parse_passwordpolicy_control(handle, found, &expires, &grace, &what) != LDAP_SUCCESS ||
        what == PP_noError)
        return std::nullopt;
    return static_cast<int>(what);
}

}  // namespace

std::string_view entry::first(std::string const& attribute) const
{
    auto const found = values.find(attribute);
    return found == values.end() || found->second.empty() ? std::string_view{} : found->second.front().reveal();
}

void connection::closer::operator()(::ldap* handle) const noexcept { ::ldap_unbind_ext(handle, nullptr, nullptr); }

connection::connection(ldap_options const& o, std::shared_ptr<servers> from, use what)
    : options_(o), servers_(std::move(from)), use_(what)
{
    begin_library();
}

error connection::trouble(std::string const& doing, int code) const
{
    std::string text = doing + ": " + ::ldap_err2string(code);
    char* more = nullptr;
    if (handle_ && ::ldap_get_option(handle_.get(), LDAP_OPT_DIAGNOSTIC_MESSAGE, &more) == LDAP_SUCCESS &&
        more != nullptr) {
        // What GnuTLS has no words for.
        std::string_view const said{more};
        if (!said.empty() && said != "(unknown error code)") text += " (" + printable(said, 200) + ")";
        ::ldap_memfree(more);
    }
    return unavailable(std::move(text));
}

void connection::failed(std::string const& why)
{
    servers_->failed(server_, why, steady_clock::now());
    close();
}

void connection::worked() { servers_->worked(server_); }

result<> connection::open(steady_time deadline)
{
    close();
    auto const order = servers_->order(steady_clock::now());
    for (std::size_t n = 0; n < order.size(); ++n) {
        auto const now = steady_clock::now();
        if (now >= deadline) break;
        server_ = order[n];
        auto const until = n + 1 < order.size() ? now + (deadline - now) / 2 : deadline;
        auto opened = open_one((*servers_)[server_], until);
        if (opened) return opened;
        failed(opened.error().logged);
    }
    auto const why = servers_->troubles();
    return unavailable(why.empty() ? "no server answers in time" : why);
}

result<> connection::open_one(server const& to, steady_time deadline)
{
    auto made = connect(to, deadline);
    if (!made) return std::move(made).error();
    LDAP* handle = nullptr;
    int const code = ::ldap_init_fd(made->descriptor, LDAP_PROTO_EXT, to.url.c_str(), &handle);
    handle_.reset(handle);
    if (code != LDAP_SUCCESS || !stream_.give_to(handle)) {
        handle_.reset();
        ::close(made->descriptor);
        return unavailable("libldap has no memory");
    }
    if (auto r = secure(to, deadline); !r) return r;
    bool const encrypted = to.what == server::kind::tls || (to.what == server::kind::plain && options_.starttls);
    if (!encrypted && !made->on_this_host && !options_.plaintext)
        return unavailable(
            "not encrypted, and the server is another machine: tls = \"starttls\", or a URL with "
            "ldaps://; plaintext = true where the network can't be listened to");
    if (use_ == use::searches) return bind_as_service(deadline);
    return done{};
}

/// The options of the handle, whatever ldap.conf or the environment say, and TLS.
result<> connection::secure(server const& to, steady_time deadline)
{
    LDAP* const handle = handle_.get();
    bool good = true;
    auto const set = [&](int option, void const* value) {
        good = ::ldap_set_option(handle, option, value) == LDAP_OPT_SUCCESS && good;
    };
    int const version = LDAP_VERSION3, never = LDAP_DEREF_NEVER, demand = LDAP_OPT_X_TLS_DEMAND, client = 0,
              oldest = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
    set(LDAP_OPT_PROTOCOL_VERSION, &version);
    set(LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    set(LDAP_OPT_DEREF, &never);
    set(LDAP_OPT_RESTART, LDAP_OPT_ON);
    Sockbuf* buffer = nullptr;
    ber_len_t longest = longest_message;
    good = ::ldap_get_option(handle, LDAP_OPT_SOCKBUF, &buffer) == LDAP_OPT_SUCCESS && buffer != nullptr &&
           ::ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &longest) == 1 && good;
    bool const wants_tls = to.what == server::kind::tls || (to.what == server::kind::plain && options_.starttls);
    if (!good) return unavailable("libldap does not take its options");
    if (!wants_tls) return done{};

    auto const authorities = options_.authorities.empty() ? usual_authorities : options_.authorities.string();
    set(LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
    set(LDAP_OPT_X_TLS_CACERTDIR, nullptr);
    set(LDAP_OPT_X_TLS_CACERTFILE, authorities.c_str());
    set(LDAP_OPT_X_TLS_PROTOCOL_MIN, &oldest);
    if (::access(authorities.c_str(), R_OK) != 0)
        return unavailable("authorities: " + authorities + ": " + std::strerror(errno));
    set(LDAP_OPT_X_TLS_NEWCTX, &client);
    if (!good) return unavailable("authorities: " + authorities + ": no certificates in it");
    if (to.what == server::kind::plain)
        if (auto r = start_tls(deadline); !r) return r;
    stream_.begin_handshake(deadline);
    int const code = ::ldap_install_tls(handle);
    stream_.end_handshake();
    if (code != LDAP_SUCCESS) {
        if (steady_clock::now() >= deadline) return unavailable("TLS: no answer in time");
        auto e = trouble("TLS", code);
        e.logged += "; its certificate must be for " + to.host + ", and from an authority in " + authorities;
        return e;
    }
    return done{};
}

/// RFC 4511 section 4.14.
result<> connection::start_tls(steady_time deadline)
{
    int id = 0;
    if (int const code = ::ldap_start_tls(handle_.get(), nullptr, nullptr, &id); code != LDAP_SUCCESS)
        return trouble("StartTLS", code);
    timeval patience = left_until(deadline);
    LDAPMessage* got = nullptr;
    int const type = ::ldap_result(handle_.get(), id, LDAP_MSG_ALL, &patience, &got);
    message const answer{got};
    if (type == 0) return unavailable("StartTLS: no answer in time");
    if (type < 0) return trouble("StartTLS", LDAP_SERVER_DOWN);
    int code = LDAP_OTHER;
    if (::ldap_parse_result(handle_.get(), answer.get(), &code, nullptr, nullptr, nullptr, nullptr, 0) != LDAP_SUCCESS)
        return unavailable("StartTLS: an answer that is none");
    if (code != LDAP_SUCCESS) return trouble("StartTLS", code);
    return done{};
}

result<> connection::bind_as_service(steady_time deadline)
{
    // Nothing to prove: whoever did not bind is anonymous.
    if (options_.service_dn.empty()) return done{};
    auto const password = read_secret_line(options_.password_file);
    if (!password) return unavailable(password.error().logged);
    auto answer = bind(options_.service_dn, *password, deadline);
    if (!answer) return std::move(answer).error();
    if (answer->code == LDAP_SUCCESS) return done{};
    auto e = unavailable(options_.service_dn + ": " + ::ldap_err2string(answer->code));
    if (!answer->text.empty()) e.logged += " (" + printable(answer->text, 200) + ")";
    if (answer->code == LDAP_INVALID_CREDENTIALS)
        e.logged += "; service_dn or the password in " + options_.password_file.string() + " is wrong";
    return e;
}

result<bind_answer> connection::bind(std::string const& dn, secret const& password, steady_time deadline)
{
    assert(!password.empty() && !dn.empty());
    berval credentials{password.size(), const_cast<char*>(password.reveal().data())};
    char wanted[] = LDAP_CONTROL_PASSWORDPOLICYREQUEST;
    LDAPControl policy{wanted, {0, nullptr}, 0};
    LDAPControl* controls[] = {&policy, nullptr};
    int id = 0;
    if (int const code =
            ::ldap_sasl_bind(handle_.get(), dn.c_str(), LDAP_SASL_SIMPLE, &credentials, controls, nullptr, &id);
        code != LDAP_SUCCESS)
        return trouble("a bind", code);
    timeval patience = left_until(deadline);
    LDAPMessage* got = nullptr;
    int const type = ::ldap_result(handle_.get(), id, LDAP_MSG_ALL, &patience, &got);
    message const answer{got};
    if (type == 0) return unavailable("a bind: no answer in time");
    if (type < 0) return trouble("a bind", LDAP_SERVER_DOWN);

    bind_answer a;
    char* text = nullptr;
    LDAPControl** received = nullptr;
    int const parsed = ::ldap_parse_result(handle_.get(), answer.get(), &a.code, nullptr, &text, nullptr, &received, 0);
    if (parsed == LDAP_SUCCESS) {
        if (text != nullptr) a.text = text;
        if (received != nullptr) a.password_policy = password_policy_of(handle_.get(), received);
    }
    ::ldap_memfree(text);
    ::ldap_controls_free(received);
    if (parsed != LDAP_SUCCESS) return unavailable("a bind: an answer that is none");
    return a;
}

result<std::vector<entry>> connection::search(std::string const& base, scope where, std::string const& filter,
                                              std::vector<std::string> const& attributes, steady_time deadline)
{
    std::vector<char*> names;
    for (auto const& a : attributes) names.push_back(const_cast<char*>(a.c_str()));
    char none[] = LDAP_NO_ATTRS;
    if (names.empty()) names.push_back(none);
    names.push_back(nullptr);
    timeval patience = left_until(deadline);
    int id = 0;
    if (int const code =
            ::ldap_search_ext(handle_.get(), base.c_str(), where == scope::entry ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE,
                              filter.c_str(), names.data(), 0, nullptr, nullptr, &patience, most_entries, &id);
        code != LDAP_SUCCESS) {
        auto e = trouble("a search", code);
        if (code == LDAP_FILTER_ERROR) e.logged += "; the filter was " + printable(filter, 200);
        return e;
    }
    std::vector<entry> found;
    for (int messages = 0; messages < most_messages; ++messages) {
        patience = left_until(deadline);
        LDAPMessage* got = nullptr;
        int const type = ::ldap_result(handle_.get(), id, LDAP_MSG_ONE, &patience, &got);
        message const answer{got};
        if (type == 0) return unavailable("a search: no answer in time");
        if (type < 0) return trouble("a search", LDAP_SERVER_DOWN);
        if (type == LDAP_RES_SEARCH_ENTRY && found.size() < most_entries) {
            entry e;
            char* dn = ::ldap_get_dn(handle_.get(), answer.get());
            if (dn != nullptr) e.dn = dn;
            ::ldap_memfree(dn);
            for (auto const& a : attributes) {
                berval** values = ::ldap_get_values_len(handle_.get(), answer.get(), a.c_str());
                auto& list = e.values[a];
                for (std::size_t i = 0; values != nullptr && values[i] != nullptr; ++i)
                    if (i < most_values) list.emplace_back(std::string_view{values[i]->bv_val, values[i]->bv_len});
                ::ldap_value_free_len(values);
            }
            found.push_back(std::move(e));
        }
        if (type != LDAP_RES_SEARCH_RESULT) continue;
        int code = LDAP_OTHER;
        if (::ldap_parse_result(handle_.get(), answer.get(), &code, nullptr, nullptr, nullptr, nullptr, 0) !=
            LDAP_SUCCESS)
            return unavailable("a search: an answer that is none");
        if (code == LDAP_SUCCESS || (code == LDAP_SIZELIMIT_EXCEEDED && !found.empty())) return found;
        auto e = trouble("a search", code);
        if (code == LDAP_NO_SUCH_OBJECT) e.logged += "; " + base + " is not there, or the service may not see it";
        if (code == LDAP_INVALID_DN_SYNTAX) e.logged += "; " + base + " is no distinguished name";
        return e;
    }
    return unavailable("a search: too many answers");
}

}  // namespace postern::directory::ldapv3
