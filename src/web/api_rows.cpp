// Which request is which command.
#include "web/api.hpp"

namespace postern::web::api {
namespace {

using enum http::method;
constexpr auto not_there = fault::not_there;
constexpr auto unacceptable = fault::unacceptable;
constexpr std::uint64_t largest = std::uint64_t{1} << 53;
constexpr bool required = true;

constexpr field limit[] = {{"limit", type::number, false, 1000}};
constexpr field login_page[] = {{"limit", type::number, false, 1000},
                                {"waiting_since", type::number, false, std::uint64_t{1} << 33}};
constexpr field other_sessions[] = {{"others", type::flag, required}};
constexpr field new_device[] = {{"label", type::text, required, 200},
                                {"expires", type::text, false, 64},
                                {"networks", type::texts, false, 32},
                                {"senders", type::texts, false, 32},
                                {"recipients", type::texts, false, 32}};
constexpr field new_profile[] = {
    {"label", type::text, required, 100}, {"name", type::text, false, 240}, {"with_password", type::flag}};
constexpr field test_mail[] = {{"to", type::text, false, 320}};
constexpr field on_off[] = {{"on", type::flag, required}};
constexpr field new_account[] = {
    {"address", type::text, required, 320}, {"password", type::text, required, 4096}, {"cram_md5", type::flag}};
constexpr field new_password[] = {{"password", type::text, required, 4096}, {"cram_md5", type::flag}};
constexpr field state[] = {{"state", type::text, required, 16}};
constexpr field role[] = {{"role", type::text, required, 20}};
constexpr field alias[] = {{"alias", type::text, required, 320}};
constexpr field sender[] = {{"sender", type::text, required, 320}};
constexpr field domain[] = {{"domain", type::text, required, 255}};
constexpr field what[] = {{"what", type::text, required, 512}};
constexpr field network[] = {{"network", type::text, required, 64}};
constexpr field queue_page[] = {{"limit", type::number, false, 1000}, {"after", type::number, false, largest},
                                {"state", type::text, false, 32},     {"domain", type::text, false, 255},
                                {"next_hop", type::text, false, 300}, {"account", type::text, false, 320},
                                {"sender", type::text, false, 320}};
constexpr field selection[] = {{"state", type::text, false, 32},
                               {"domain", type::text, false, 255},
                               {"next_hop", type::text, false, 300},
                               {"account", type::text, false, 320},
                               {"sender", type::text, false, 320},
                               {"older", type::number, false, 315'360'000},
                               {"younger", type::number, false, 315'360'000}};
constexpr field decision_page[] = {
    {"limit", type::number, false, 1000}, {"rule", type::text, false, 64}, {"account", type::text, false, 320}};
constexpr field audit_page[] = {{"limit", type::number, false, 1000},
                                {"before", type::number, false, largest},
                                {"account", type::text, false, 320},
                                {"since", type::text, false, 64}};
constexpr field question[] = {{"from", type::text, false, 320},         {"to", type::text, false, 320},
                              {"as", type::text, false, 320},           {"client", type::text, false, 64},
                              {"listener", type::number, false, 65535}, {"tls", type::flag},
                              {"header_from", type::text, false, 320}};
constexpr field span_of_time[] = {{"since", type::number, false, largest}, {"step", type::number, false, 3600}};

// clang-format off
constexpr row table[] = {
    {get,    "/account", "account", "account show"},
    {put,    "/account/smtp-auth", "account", "account smtp-auth", {}, on_off},
    {get,    "/account/devices", "account", "account app-password list", {}, {}, "devices"},
    {post,   "/account/devices", "account", "account app-password add", {}, new_device, {}, 201, unacceptable, {}, false, false, true},
    {remove, "/account/devices/{id}", "account", "account app-password revoke", {}, {}, {}, 200, not_there, {}, true},
    {get,    "/account/logins", "account", "account logins", login_page, {}, "logins"},
    {get,    "/account/sent", "account", "account sent", limit, {}, "messages"},
    {get,    "/account/sent/{queue_id}", "account", "account message", {}, {}, {}, 200, not_there},
    {post,   "/account/profile", "account", "profile make", {}, new_profile, {}, 201, unacceptable, {}, false, false, true},
    {get,    "/account/android", "account", "profile android"},
    {get,    "/account/servers", "account", "account servers"},
    {get,    "/account/why/{id}", "account", "account why", {}, {}, {}, 200, not_there},
    {get,    "/account/sessions", "account", "account session list", {}, {}, "sessions"},
    {remove, "/account/sessions/{id}", "account", "account session end", {}, {}, {}, 204, not_there},
    {post,   "/account/sessions/end", "account", "account session end", {}, other_sessions},
    {get,    "/account/limits", "account", "account limits", {}, {}, "limits"},
    {post,   "/account/test-mail", "account", "account test-mail", {}, test_mail, {}, 202},
    {get,    "/account/test-mail/{queue_id}", "account", "account test-mail-show", {}, {}, {}, 200, not_there},
    {get,    "/status", "reader", "status"},
    {get,    "/accounts", "reader", "account list", {}, {}, "accounts"},
    {post,   "/accounts", "operator", "account add", {}, new_account, {}, 201},
    {get,    "/accounts/{address}", "reader", "account show", {}, {}, {}, 200, not_there},
    {remove, "/accounts/{address}", "operator", "account remove", {}, {}, {}, 204, not_there},
    {put,    "/accounts/{address}/password", "operator", "account password", {}, new_password},
    {put,    "/accounts/{address}/enabled", "operator", "account enable", {}, on_off, {}, 200, not_there, "account disable"},
    {put,    "/accounts/{address}/smtp-auth", "operator", "account smtp-auth", {}, on_off, {}, 200, not_there},
    {put,    "/accounts/{address}/basic-passwords", "operator", "account basic-passwords", {}, state},
    {put,    "/accounts/{address}/role", "owner", "account role", {}, role},
    {post,   "/accounts/{address}/aliases", "operator", "account alias add", {}, alias},
    {remove, "/accounts/{address}/aliases/{alias}", "operator", "account alias remove", {}, {}, {}, 200, not_there},
    {post,   "/accounts/{address}/send-as", "operator", "account send-as add", {}, sender},
    {remove, "/accounts/{address}/send-as/{sender}", "operator", "account send-as remove", {}, {}, {}, 200, not_there},
    {get,    "/accounts/{address}/devices", "reader", "account app-password list", {}, {}, "devices", 200, not_there},
    {post,   "/accounts/{address}/devices", "operator", "account app-password add", {}, new_device, {}, 201, unacceptable, {}, false, false, true},
    {remove, "/accounts/{address}/devices/{id}", "operator", "account app-password revoke", {}, {}, {}, 200, not_there, {}, true},
    {get,    "/accounts/{address}/logins", "reader", "account logins", limit, {}, "logins", 200, not_there},
    {get,    "/accounts/{address}/sent", "reader", "account sent", limit, {}, "messages", 200, not_there},
    {get,    "/accounts/{address}/limits", "reader", "account limits", {}, {}, "limits", 200, not_there},
    {get,    "/domains", "reader", "domain list", {}, {}, "domains"},
    {post,   "/domains", "owner", "domain add", {}, domain, {}, 201},
    {remove, "/domains/{domain}", "owner", "domain remove", {}, {}, {}, 204},
    {get,    "/domains/{domain}/records", "reader", "domain check", {}, {}, {}, 200, not_there},
    {get,    "/guard", "reader", "guard list", limit},
    {post,   "/guard/lift", "operator", "guard lift", {}, what},
    {post,   "/guard/deny", "operator", "guard deny", {}, network},
    {post,   "/guard/allow", "operator", "guard allow", {}, network},
    {get,    "/queue", "reader", "queue summary"},
    {get,    "/queue/destinations", "reader", "queue destinations", limit, {}, "destinations"},
    {get,    "/queue/messages", "reader", "queue list", queue_page, {}, "messages"},
    {get,    "/queue/messages/{queue_id}", "reader", "queue show", {}, {}, {}, 200, not_there},
    {post,   "/queue/messages/{queue_id}/retry", "operator", "queue retry", {}, {}, {}, 200, not_there},
    {post,   "/queue/messages/{queue_id}/hold", "operator", "queue hold", {}, {}, {}, 200, not_there},
    {post,   "/queue/messages/{queue_id}/release", "operator", "queue release", {}, {}, {}, 200, not_there},
    {post,   "/queue/messages/{queue_id}/expire", "operator", "queue expire", {}, {}, {}, 200, not_there},
    {remove, "/queue/messages/{queue_id}", "operator", "queue remove", {}, {}, {}, 204, not_there},
    {post,   "/queue/retry", "operator", "queue retry", {}, selection, {}, 200, unacceptable, {}, false, true},
    {post,   "/queue/hold", "operator", "queue hold", {}, selection, {}, 200, unacceptable, {}, false, true},
    {post,   "/queue/release", "operator", "queue release", {}, selection, {}, 200, unacceptable, {}, false, true},
    {get,    "/sessions", "reader", "sessions", limit, {}, "sessions"},
    {get,    "/decisions", "reader", "decisions", decision_page, {}, "decisions"},
    {post,   "/explain", "reader", "explain", {}, question},
    {get,    "/why/{id}", "reader", "why", {}, {}, {}, 200, not_there},
    {get,    "/discovery", "reader", "discovery list", limit, {}, "requests"},
    {get,    "/certificates", "reader", "certificate list", {}, {}, "certificates"},
    {get,    "/numbers", "reader", "numbers", span_of_time},
    {get,    "/audit", "reader", "audit list", audit_page, {}, "rows"},
};
// clang-format on

}  // namespace

std::span<row const> rows() { return table; }

}  // namespace postern::web::api
