#include "kerberos/client.hpp"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_krb5.h>

#include "base/text.hpp"

namespace postern::kerberos {
namespace {

constexpr std::size_t longest_problem = 300;
constexpr unsigned most_parts = 4;

struct buffer {
    gss_buffer_desc held = GSS_C_EMPTY_BUFFER;
    ~buffer()
    {
        OM_uint32 minor = 0;
        gss_release_buffer(&minor, &held);
    }
    std::string octets() const { return {static_cast<char const*>(held.value), held.length}; }
};

gss_buffer_desc view_of(std::string& octets) { return {octets.size(), octets.data()}; }

std::string words_of(OM_uint32 code, int type)
{
    std::string all;
    OM_uint32 context = 0;
    for (unsigned i = 0; i < most_parts; ++i) {
        buffer said;
        OM_uint32 minor = 0;
        if (GSS_ERROR(gss_display_status(&minor, code, type, gss_mech_krb5, &context, &said.held))) break;
        all += (all.empty() ? "" : ": ") + printable(said.octets(), longest_problem);
        if (context == 0) break;
    }
    return all;
}

class gssapi_client final : public sasl::client_mechanism {
public:
    gssapi_client(std::string host, std::string authzid) : service_("smtp@" + host), authzid_(std::move(authzid)) {}
    ~gssapi_client() override
    {
        OM_uint32 minor = 0;
        if (context_ != GSS_C_NO_CONTEXT) gss_delete_sec_context(&minor, &context_, GSS_C_NO_BUFFER);
        if (name_ != GSS_C_NO_NAME) gss_release_name(&minor, &name_);
    }
    gssapi_client(gssapi_client const&) = delete;
    gssapi_client& operator=(gssapi_client const&) = delete;

    std::string_view name() const noexcept override { return sasl::gssapi; }
    bool finished() const noexcept override { return stage_ == stage::done; }
    bool works_long() const noexcept override { return true; }

    sasl::client_action step(std::optional<std::string_view> challenge) override
    {
        std::string token{challenge.value_or(std::string_view{})};
        if (stage_ == stage::context) return establish(std::move(token));
        if (stage_ == stage::layer) return agree(std::move(token));
        return sasl::abandon{"more challenges than GSSAPI has"};
    }

private:
    enum class stage { context, layer, done };

    /// RFC 4752 section 3.1.
    sasl::client_action establish(std::string token)
    {
        OM_uint32 minor = 0;
        if (name_ == GSS_C_NO_NAME) {
            auto text = view_of(service_);
            auto const named = gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &name_);
            if (GSS_ERROR(named)) return fail(named, minor);
        }
        auto in = view_of(token);
        buffer out;
        // The server has to prove itself, too.
        constexpr OM_uint32 flags = GSS_C_MUTUAL_FLAG | GSS_C_SEQUENCE_FLAG;
        auto const major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &context_, name_, gss_mech_krb5, flags, 0,
                                                GSS_C_NO_CHANNEL_BINDINGS, token.empty() ? GSS_C_NO_BUFFER : &in,
                                                nullptr, &out.held, nullptr, nullptr);
        if (GSS_ERROR(major)) return fail(major, minor);
        if ((major & GSS_S_CONTINUE_NEEDED) == 0) stage_ = stage::layer;
        return sasl::respond{out.octets()};
    }

    /// RFC 4752 section 3.1, its second half: the layers that the server has, and our choice.
    sasl::client_action agree(std::string token)
    {
        OM_uint32 minor = 0;
        auto in = view_of(token);
        buffer offered;
        auto const major = gss_unwrap(&minor, context_, &in, &offered.held, nullptr, nullptr);
        if (GSS_ERROR(major)) return fail(major, minor);
        constexpr unsigned char no_layer = 1;
        auto const layers = offered.octets();
        if (layers.size() != 4 || (static_cast<unsigned char>(layers[0]) & no_layer) == 0)
            return sasl::abandon{"the server wants a security layer of its own, and not only TLS"};
        std::string choice{"\x01\0\0\0", 4};
        choice += authzid_;
        auto plain = view_of(choice);
        buffer out;
        auto const wrapped = gss_wrap(&minor, context_, 0, GSS_C_QOP_DEFAULT, &plain, nullptr, &out.held);
        if (GSS_ERROR(wrapped)) return fail(wrapped, minor);
        stage_ = stage::done;
        return sasl::respond{out.octets()};
    }

    sasl::client_action fail(OM_uint32 major, OM_uint32 minor)
    {
        problem_ = "Kerberos: " + words_of(minor, GSS_C_MECH_CODE);
        if (minor == 0) problem_ = "Kerberos: " + words_of(major, GSS_C_GSS_CODE);
        return sasl::abandon{problem_.c_str()};
    }

    std::string service_, authzid_;
    gss_name_t name_ = GSS_C_NO_NAME;
    gss_ctx_id_t context_ = GSS_C_NO_CONTEXT;
    stage stage_ = stage::context;
    std::string problem_;
};

}  // namespace

std::unique_ptr<sasl::client_mechanism> make_client(std::string host, std::string authzid)
{
    return std::make_unique<gssapi_client>(std::move(host), std::move(authzid));
}

}  // namespace postern::kerberos
