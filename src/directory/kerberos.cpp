#include "directory/kerberos.hpp"

#include <map>
#include <mutex>
#include <utility>

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_krb5.h>

#include "base/text.hpp"
#include "directory/kerberos_cause.hpp"
#include "directory/kerberos_keys.hpp"
#include "directory/kerberos_keytab.hpp"

namespace postern::directory {

struct kerberos_context {
    gss_ctx_id_t handle = GSS_C_NO_CONTEXT;

    kerberos_context() = default;
    ~kerberos_context()
    {
        OM_uint32 minor = 0;
        if (handle != GSS_C_NO_CONTEXT) gss_delete_sec_context(&minor, &handle, GSS_C_NO_BUFFER);
    }
    kerberos_context(kerberos_context const&) = delete;
    kerberos_context& operator=(kerberos_context const&) = delete;
};

namespace {

using state = sasl::context_answer::state;
using kind = sasl::context_step::kind;

constexpr unsigned threads = 4;
constexpr std::size_t queue = 256;
constexpr std::chrono::seconds patience{10};

error unavailable(std::string why) { return {{4, 3, 0}, "Kerberos tickets can't be checked now", std::move(why)}; }

/// A buffer that the library filled.
struct buffer {
    gss_buffer_desc held = GSS_C_EMPTY_BUFFER;
    ~buffer()
    {
        OM_uint32 minor = 0;
        gss_release_buffer(&minor, &held);
    }
    std::string octets() const { return {static_cast<char const*>(held.value), held.length}; }
};

struct name {
    gss_name_t held = GSS_C_NO_NAME;
    ~name()
    {
        OM_uint32 minor = 0;
        if (held != GSS_C_NO_NAME) gss_release_name(&minor, &held);
    }
};

gss_buffer_desc view_of(std::string& octets) { return {octets.size(), octets.data()}; }

result<kerberos_answer> failed(OM_uint32 major, OM_uint32 minor)
{
    auto const f = judge_failure(major, minor);
    auto words = words_of(major, minor);
    if (f.ours) return unavailable(std::move(words));
    return kerberos_answer{{.what = f.what, .note = f.note}, std::move(words)};
}

bool is_kerberos(gss_OID mechanism)
{
    for (auto const known : {gss_mech_krb5, gss_mech_krb5_old, gss_mech_krb5_wrong})
        if (gss_oid_equal(mechanism, known) != 0) return true;
    return false;
}

result<kerberos_answer> introduce(gss_name_t client, sasl::principal_rules const& rules, std::string octets)
{
    buffer text;
    gss_OID type = GSS_C_NO_OID;
    OM_uint32 minor = 0;
    auto const major = gss_display_name(&minor, client, &text.held, &type);
    if (GSS_ERROR(major)) return failed(major, minor);
    auto const who = text.octets();
    kerberos_answer a;
    a.what.what = state::established;
    a.what.octets = std::move(octets);
    a.what.principal = printable(who, 300);
    auto owner = type != GSS_C_NO_OID && gss_oid_equal(type, GSS_C_NT_ANONYMOUS) != 0
                     ? sasl::principal_owner{{}, {}, "an anonymous ticket"}
                     : sasl::find_owner(who, rules);
    a.what.account = std::move(owner.account);
    a.what.names = std::move(owner.names);
    a.what.note = owner.note;
    a.cause = "ticket of " + a.what.principal;
    return a;
}

result<kerberos_answer> accept(kerberos_context& c, kerberos_keys const& keys, std::string token,
                               sasl::principal_rules const& rules)
{
    auto in = view_of(token);
    buffer out;
    name client;
    gss_OID mechanism = GSS_C_NO_OID;
    OM_uint32 minor = 0;
    // No channel bindings: RFC 4752 section 3.1 has none.
    auto const major = gss_accept_sec_context(&minor, &c.handle, keys.credentials, &in, GSS_C_NO_CHANNEL_BINDINGS,
                                              &client.held, &mechanism, &out.held, nullptr, nullptr, nullptr);
    if (GSS_ERROR(major)) return failed(major, minor);
    // The library asks for more, and says nothing itself, when the token is of the wrong kind.
    if ((major & GSS_S_CONTINUE_NEEDED) != 0 && out.held.length == 0)
        return kerberos_answer{{.what = state::defective, .note = "no token that begins an exchange"},
                               words_of(major, minor)};
    if ((major & GSS_S_CONTINUE_NEEDED) != 0) return kerberos_answer{{.what = state::more, .octets = out.octets()}, {}};
    if (!is_kerberos(mechanism))
        return kerberos_answer{{.what = state::defective, .note = "a token of something else than Kerberos"}, {}};
    return introduce(client.held, rules, out.octets());
}

result<kerberos_answer> wrap(kerberos_context const& c, std::string plain)
{
    auto in = view_of(plain);
    buffer out;
    OM_uint32 minor = 0;
    // Not encrypted: RFC 4752 section 3.2.
    auto const major = gss_wrap(&minor, c.handle, 0, GSS_C_QOP_DEFAULT, &in, nullptr, &out.held);
    if (GSS_ERROR(major)) return failed(major, minor);
    return kerberos_answer{{.what = state::done, .octets = out.octets()}, {}};
}

result<kerberos_answer> unwrap(kerberos_context const& c, std::string token)
{
    auto in = view_of(token);
    buffer out;
    OM_uint32 minor = 0;
    auto const major = gss_unwrap(&minor, c.handle, &in, &out.held, nullptr, nullptr);
    if (GSS_ERROR(major)) return failed(major, minor);
    // Out of order, or a second time, where the context keeps count.
    if (GSS_SUPPLEMENTARY_INFO(major) != 0)
        return kerberos_answer{{.what = state::refused, .note = "a token out of order"}, words_of(major, minor)};
    return kerberos_answer{{.what = state::done, .octets = out.octets()}, {}};
}

result<kerberos_answer> perform(kerberos_keytab& keytab, kerberos_context& c, sasl::context_step const& asked)
{
    if (asked.what == kind::wrap) return wrap(c, asked.octets);
    if (asked.what == kind::unwrap) return unwrap(c, asked.octets);
    auto const keys = keytab.fresh();
    if (!keys) return unavailable(keytab.problem());
    return accept(c, *keys, asked.octets, keytab.options().rules);
}

}  // namespace

/// One keytab, as each service sees it: a client's ticket is for one of them, and no other will do.
struct kerberos::keytabs {
    explicit keytabs(kerberos_options o) : main(std::make_shared<kerberos_keytab>(std::move(o))) {}

    /// The first time, reads the file.
    std::shared_ptr<kerberos_keytab> of(std::string const& service)
    {
        if (service.empty() || service == main->options().service) return main;
        std::lock_guard const hold{lock};
        auto& found = others[service];
        if (found) return found;
        auto o = main->options();
        o.service = service;
        found = std::make_shared<kerberos_keytab>(std::move(o));
        return found;
    }

    std::shared_ptr<kerberos_keytab> const main;
    std::mutex lock;
    std::map<std::string, std::shared_ptr<kerberos_keytab>> others;
};

kerberos::kerberos(kerberos_options o)
    : keytabs_(std::make_shared<keytabs>(std::move(o))), keytab_(keytabs_->main), pool_(threads, queue, patience)
{
}

kerberos::~kerberos() = default;

bool kerberos::usable()
{
    if (keytab_->wants_reading()) {
        auto const read = [k = keytab_](std::shared_ptr<void>&, steady_time) -> blocking_pool::finish {
            [[maybe_unused]] auto const read_now = k->fresh();
            return [k] { k->end_reading(); };
        };
        if (!pool_.submit({read, [k = keytab_] { k->end_reading(); }})) keytab_->end_reading();
    }
    return keytab_->keys() != nullptr;
}

void kerberos::step(std::shared_ptr<kerberos_context>& context, sasl::context_step asked, handler h,
                    std::string service)
{
    if (asked.what == kind::begin) context = std::make_shared<kerberos_context>();
    auto const ask = [k = keytabs_, c = context, asked = std::move(asked), h, service = std::move(service)](
                         std::shared_ptr<void>&, steady_time) -> blocking_pool::finish {
        auto answer = std::make_shared<result<kerberos_answer>>(perform(*k->of(service), *c, asked));
        return [answer, h] { h(std::move(*answer)); };
    };
    auto const late = [h] { h(unavailable("the Kerberos library did not answer in time")); };
    if (!pool_.submit({ask, late})) h(unavailable("too many tickets wait to be checked"));
}

kerberos_health kerberos::health() const
{
    kerberos_health h;
    h.keytab = keytab_->options().keytab;
    auto const keys = keytab_->fresh();
    h.up = keys != nullptr;
    h.keys = keys ? keys->count : 0;
    h.detail = keys ? keys->names : keytab_->problem();
    if (keys && keys->open_to_all) h.detail += "; everybody on this machine can read the keys";
    return h;
}

std::string check_kerberos(kerberos_options const& o)
{
    auto const read = read_keys(o);
    if (!read) return "GSSAPI can't be offered: " + read.error().logged;
    if ((*read)->open_to_all)
        return o.keytab.string() + ": everybody on this machine can read the keys and so forge tickets: chmod o=";
    return {};
}

}  // namespace postern::directory
