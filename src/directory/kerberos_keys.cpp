#include "directory/kerberos_keys.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.hpp"
#include "directory/kerberos_cause.hpp"

namespace postern::directory {
namespace {

constexpr std::int64_t largest_file = 1 << 20;
constexpr std::int64_t most_keys = 1000;
constexpr std::size_t longest_list = 500;

error unusable(std::string what) { return {{4, 3, 0}, "Kerberos tickets can't be checked now", std::move(what)}; }

struct library {
    krb5_context context = nullptr;
    ~library()
    {
        if (context != nullptr) krb5_free_context(context);
    }
    std::string text(krb5_error_code code) const
    {
        char const* said = krb5_get_error_message(context, code);
        std::string copy = printable(said, 300);
        krb5_free_error_message(context, said);
        return copy;
    }
};

struct table {
    library& of;
    krb5_keytab handle = nullptr;
    ~table()
    {
        if (handle != nullptr) krb5_kt_close(of.context, handle);
    }
};

/// Why the file can't be read, or nothing. The library does not always say.
std::string trouble_with(std::filesystem::path const& file, bool& open_to_all)
{
    int const descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return std::strerror(errno);
    struct stat about {};
    bool const known = ::fstat(descriptor, &about) == 0;
    ::close(descriptor);
    if (!known || !S_ISREG(about.st_mode)) return "is no file";
    if (about.st_size > largest_file) return "is too large for a keytab";
    open_to_all = (about.st_mode & S_IROTH) != 0;
    return {};
}

std::string_view text_of(krb5_data const& d) { return {d.data, d.length}; }

/// Whether a client of this service could get a ticket for it: service/host, any realm.
bool fits(krb5_const_principal p, kerberos_options const& o)
{
    if (p->length != 2 || text_of(p->data[0]) != o.service) return false;
    return o.hostname.empty() || equal_ignoring_case(text_of(p->data[1]), o.hostname);
}

std::string name_of(library const& l, krb5_keytab_entry const& e)
{
    char* name = nullptr;
    if (krb5_unparse_name(l.context, e.principal, &name) != 0) return "?";
    std::string text = printable(name, 200) + " (kvno " + std::to_string(e.vno) + ')';
    krb5_free_unparsed_name(l.context, name);
    return text;
}

void add_name(std::string& list, std::string const& name)
{
    if (list.find(name) != std::string::npos || list.size() > longest_list) return;
    list += (list.empty() ? "" : ", ") + name;
}

/// Copies what fits. Else the library would take tickets for any other service of this host.
krb5_error_code copy_keys(library& l, table const& from, table const& to, kerberos_options const& o,
                          kerberos_keys& keys, std::string& others)
{
    krb5_kt_cursor cursor{};
    if (auto const failed = krb5_kt_start_seq_get(l.context, from.handle, &cursor); failed != 0) return failed;
    krb5_error_code added = 0;
    for (std::int64_t seen = 0; seen < most_keys && added == 0; ++seen) {
        krb5_keytab_entry e{};
        auto const got = krb5_kt_next_entry(l.context, from.handle, &e, &cursor);
        if (got != 0) {
            if (got != KRB5_KT_END) added = got;
            break;
        }
        auto const name = name_of(l, e);
        if (fits(e.principal, o)) {
            added = krb5_kt_add_entry(l.context, to.handle, &e);
            ++keys.count;
            add_name(keys.names, name);
        } else {
            add_name(others, name);
        }
        krb5_free_keytab_entry_contents(l.context, &e);
    }
    krb5_kt_end_seq_get(l.context, from.handle, &cursor);
    return added;
}

result<> acquire(std::string const& keytab, std::filesystem::path const& replays, gss_cred_id_t& into)
{
    // file2: the library's own format of today, in a place of ours, whatever the environment says.
    std::string const seen = "file2:" + replays.string();
    gss_key_value_element_desc places[] = {{"keytab", keytab.c_str()}, {"rcache", seen.c_str()}};
    gss_key_value_set_desc const store{2, places};
    gss_OID_set_desc mechanisms{1, gss_mech_krb5};
    OM_uint32 minor = 0;
    auto const major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechanisms, GSS_C_ACCEPT, &store,
                                             &into, nullptr, nullptr);
    if (GSS_ERROR(major)) return unusable(words_of(major, minor));
    return done{};
}

}  // namespace

kerberos_keys::~kerberos_keys()
{
    OM_uint32 minor = 0;
    if (credentials != GSS_C_NO_CREDENTIAL) gss_release_cred(&minor, &credentials);
}

result<std::shared_ptr<kerberos_keys const>> read_keys(kerberos_options const& o)
{
    static std::atomic<unsigned> number{0};
    auto const file = o.keytab.string();
    auto made = std::make_shared<kerberos_keys>();
    if (auto const trouble = trouble_with(o.keytab, made->open_to_all); !trouble.empty())
        return unusable(file + ": " + trouble);
    library l;
    if (auto const failed = krb5_init_context(&l.context); failed != 0)
        return unusable("the Kerberos library does not start: " + l.text(failed));
    table from{l};
    table to{l};
    auto const memory = "MEMORY:postern-" + std::to_string(++number);
    krb5_error_code failed = krb5_kt_resolve(l.context, ("FILE:" + file).c_str(), &from.handle);
    if (failed == 0) failed = krb5_kt_resolve(l.context, memory.c_str(), &to.handle);
    std::string others;
    if (failed == 0) failed = copy_keys(l, from, to, o, *made, others);
    if (failed != 0) return unusable(file + ": " + l.text(failed));
    if (made->count == 0)
        return unusable(file + ": no key of " + o.service + '/' + (o.hostname.empty() ? "HOST" : o.hostname) +
                        (others.empty() ? ", and no other" : ", only of " + others));
    if (auto acquired = acquire(memory, o.replays, made->credentials); !acquired) return std::move(acquired).error();
    return std::shared_ptr<kerberos_keys const>{std::move(made)};
}

}  // namespace postern::directory
