// account servers; profile make, take, android: what a person enters, configuration profiles for iPhones and Macs, and what Thunderbird for Android imports. They
// are made and signed here, so that the process that serves the web has neither the key nor a password that stays.
#include <boost/json/object.hpp>

#include "acme/office.hpp"
#include "base/base64.hpp"
#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "catalogue/rules.hpp"
#include "control/commands.hpp"
#include "control/json_memory.hpp"
#include "control/profile_book.hpp"
#include "directory/directory.hpp"
#include "net/signed_content.hpp"
#include "porter/profile.hpp"
#include "porter/qr.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::size_t longest_name = 60;

/// What the pages show themselves with; else what the mail ports do.
net::certificate_files signing_files(config::settings const& s)
{
    if (auto const files = acme::web_certificates(s, {}); !files.empty()) return files.front();
    return {s.data_dir / "self-signed.crt", s.data_dir / "self-signed.key"};
}

outcome no_incoming_server()
{
    return failure{failure::kind::problem,
                   "a profile needs an incoming server: name it in setup.imap or setup.pop3, and reload",
                   {}};
}

outcome no_such_link()
{
    return failure{
        failure::kind::usage, "this link was opened before, or is older than ten minutes: make a new one", {}};
}

std::string fitting(std::string text)
{
    return is_utf8(text) && text.size() <= longest_name ? std::move(text) : std::string{};
}

/// An app password that nobody has seen: revoked at the end, unless it is kept.
class unseen_password {
public:
    unseen_password(directory::directory& accounts, std::string address, std::int64_t id)
        : accounts_(accounts), address_(std::move(address)), id_(id)
    {
    }
    unseen_password(unseen_password const&) = delete;
    unseen_password& operator=(unseen_password const&) = delete;
    ~unseen_password()
    {
        if (kept_) return;
        auto const revoked = accounts_.revoke_app_password(address_, id_);
        log::event(revoked ? log::level::info : log::level::error, "account_changed",
                   {{"account", address_},
                    {"change", revoked ? "app password revoked" : "app password left, revoke it by hand"},
                    {"app_password", id_},
                    {"by", "profile"}});
    }
    void keep() { kept_ = true; }

private:
    directory::directory& accounts_;
    std::string address_;
    std::int64_t id_;
    bool kept_ = false;
};

json::object describe(std::string_view protocol, porter::place const& p)
{
    bool const tls = p.how == porter::wrapping::implicit_tls;
    return {{"protocol", protocol}, {"host", p.host}, {"port", p.port}, {"security", tls ? "SSL/TLS" : "STARTTLS"}};
}

/// Its account, when it may use one now.
basic_result<std::shared_ptr<directory::account const>, failure> account_of(context& c, std::string const& address)
{
    auto const found = c.accounts->find_account(address);
    if (!found) return to_failure(found.error());
    if (!*found) return failure{failure::kind::usage, "there is no account " + printable(address, 100), {}};
    if (!(*found)->enabled)
        return failure{failure::kind::problem, "the account " + (*found)->address + " is switched off", {}};
    return *found;
}

}  // namespace

outcome profile_make(context& c, arguments a)
{
    profile_book::order wanted;
    wanted.address = a.text("address");
    wanted.label = a.optional_text("label", 100).value_or("iPhone, iPad or Mac");
    wanted.user_name = fitting(a.optional_text("name", 4 * longest_name).value_or(""));
    wanted.with_password = a.optional_flag("with_password").value_or(true);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto account = account_of(c, wanted.address);
    if (!account) return std::move(account.error());
    wanted.address = (*account)->address;
    wanted.password_set = (*account)->password_set;
    auto const facts = porter::facts_of(*c.settings, {});
    if ((facts.now.imap.empty() && facts.now.pop3.empty()) || facts.now.smtp.empty()) return no_incoming_server();
    json::object o{wiping_storage()};
    o["address"] = wanted.address;
    o["with_password"] = wanted.with_password;
    o["expires"] = to_rfc3339(wall_clock::now() + profile_book::life);
    auto const url = facts.now.url + "/profile/" + c.profiles->issue(std::move(wanted), steady_clock::now());
    o["url"] = url;
    o["qr"] = porter::qr_code(url, "Set up this iPhone, iPad or Mac").value_or("");
    return json::value(std::move(o));
}

outcome account_servers(context& c, arguments a)
{
    auto const address = a.text("address");
    if (auto wrong = a.problem()) return std::move(*wrong);
    c.accounts->wait_for_login(address);
    auto account = account_of(c, address);
    if (!account) return std::move(account.error());
    auto const services = porter::services_of(*c.settings);
    json::object o;
    o["address"] = (*account)->address;
    json::array incoming, outgoing;
    for (auto const& p : services.imap) incoming.emplace_back(describe("IMAP", p));
    for (auto const& p : services.pop3) incoming.emplace_back(describe("POP3", p));
    for (auto const& p : services.smtp) outgoing.emplace_back(describe("SMTP", p));
    o["incoming"] = std::move(incoming);
    o["outgoing"] = std::move(outgoing);
    o["incoming_app_passwords"] = porter::incoming_takes_app_passwords(*c.settings);
    return json::value(std::move(o));
}

outcome profile_android(context& c, arguments a)
{
    porter::profile_of whose;
    auto const address = a.text("address");
    whose.user_name = fitting(a.optional_text("name", 4 * longest_name).value_or(""));
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto account = account_of(c, address);
    if (!account) return std::move(account.error());
    whose.address = (*account)->address;
    auto const payload = porter::android_payload(porter::services_of(*c.settings), whose);
    if (!payload) return no_incoming_server();
    json::object o;
    o["address"] = whose.address;
    o["payload"] = *payload;
    o["qr"] = porter::qr_code(*payload, "Set up Thunderbird for Android").value_or("");
    return json::value(std::move(o));
}

outcome profile_take(context& c, arguments a)
{
    auto const token = a.secret(secrets::token, 100);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const order = c.profiles->find(token.reveal(), steady_clock::now());
    if (!order) return no_such_link();
    auto account = account_of(c, order->address);
    if (!account) return std::move(account.error());
    // Who changed the password thinks of somebody else who was signed in.
    if ((*account)->password_set != order->password_set) return no_such_link();
    auto const& off = catalogue::rules::auth_smtp_off;
    if (order->with_password && !(*account)->smtp_auth)
        return failure{failure::kind::problem, std::string{off.reply}, {}, std::string{off.name}};

    porter::profile_of whose;
    whose.address = order->address;
    whose.user_name = order->user_name;
    std::optional<unseen_password> fresh;
    if (order->with_password) {
        directory::new_app_password wanted;
        wanted.label = order->label;
        wanted.created_by = "profile";
        auto made = c.accounts->add_app_password(order->address, wanted);
        if (!made) return to_failure(made.error());
        fresh.emplace(*c.accounts, order->address, made->id);
        whose.password = made->text;
        whose.for_incoming = porter::incoming_takes_app_passwords(*c.settings);
        log::event(log::level::info, "account_changed",
                   {{"account", order->address},
                    {"change", "app password added"},
                    {"app_password", made->id},
                    {"label", wanted.label},
                    {"by", wanted.created_by}});
    }
    auto const text = porter::apple_profile(porter::facts_of(*c.settings, {}), whose, random_octets(32));
    if (!text) return no_incoming_server();
    auto made = net::sign_content(signing_files(*c.settings), text->reveal());
    if (!made) return to_failure(made.error());
    auto const octets = secret::take(*made);
    auto encoded = base64_encode(octets.reveal());
    json::object o{wiping_storage()};
    o["address"] = order->address;
    o["profile"] = encoded;
    wipe(encoded.data(), encoded.size());
    // Used up now only, since what failed may be mended within the link's life; somebody may have been quicker.
    if (!c.profiles->take(token.reveal(), steady_clock::now())) return no_such_link();
    if (fresh) fresh->keep();
    return json::value(std::move(o));
}

}  // namespace postern::control
