#include "checks/spf.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
extern "C" {
#include <spf2/spf.h>
#include <spf2/spf_dns.h>
}

#include "base/log.hpp"
#include "base/text.hpp"

namespace postern::checks {
namespace {

constexpr std::size_t most_records = 50;

// What it has to say goes nowhere: the result says it.
void be_silent(char const*, int, char const*) {}

void on_bug(char const* file, int line, char const* what) __attribute__((noreturn));
void on_bug(char const*, int line, char const* what)
{
    log::event(log::level::error, "spf_library_failed", {{"problem", what}, {"line", line}});
    std::abort();
}

SPF_dns_stat_t state_of(dns::finding what)
{
    switch (what) {
        case dns::finding::found: return NETDB_SUCCESS;
        case dns::finding::no_such_name: return HOST_NOT_FOUND;
        case dns::finding::no_data: return NO_DATA;
        default: return TRY_AGAIN;
    }
}

// Puts one record behind those that there are.
void add_record(SPF_dns_rr_t* to, void const* octets, std::size_t size)
{
    if (to == nullptr || to->num_rr >= static_cast<int>(most_records)) return;
    if (SPF_dns_rr_buf_realloc(to, to->num_rr, size) != SPF_E_SUCCESS) return;
    std::memcpy(to->rr[to->num_rr], octets, size);
    ++to->num_rr;
}

SPF_dns_rr_t* look_up(SPF_dns_server_t* server, char const* domain, ns_type type, int)
{
    auto& names = *static_cast<inquiry*>(server->hook);
    std::string name{domain};
    if (name.ends_with('.')) name.pop_back();
    auto const begin = [&](dns::finding what) { return SPF_dns_rr_new_init(server, domain, type, 0, state_of(what)); };
    if (type == ns_t_txt) {
        auto const answer = names.txt(name);
        auto* const out = begin(answer.what);
        for (auto const& t : answer.records) add_record(out, t.c_str(), std::strlen(t.c_str()) + 1);
        return out;
    }
    if (type == ns_t_mx) {
        auto answer = names.mx(name);
        auto* const out = begin(answer.what);
        std::stable_sort(answer.records.begin(), answer.records.end(),
                         [](auto const& a, auto const& b) { return a.preference < b.preference; });
        for (auto const& r : answer.records) add_record(out, r.host.c_str(), r.host.size() + 1);
        return out;
    }
    if (type == ns_t_a || type == ns_t_aaaa) {
        auto const answer = names.addresses(name);
        auto const& found = type == ns_t_a ? answer.v4 : answer.v6;
        bool const none = answer.what == dns::finding::found && found.empty();
        auto* const out = begin(none ? dns::finding::no_data : answer.what);
        for (auto const& a : found)
            if (a.is_v4())
                add_record(out, a.octets().data() + 12, 4);
            else
                add_record(out, a.octets().data(), 16);
        return out;
    }
    // RFC 7208 section 5.5: `ptr` should not be used any more; here it matches nothing.
    return begin(dns::finding::no_data);
}

mail::auth_result result_of(SPF_result_t r)
{
    using mail::auth_result;
    switch (r) {
        case SPF_RESULT_NEUTRAL: return auth_result::neutral;
        case SPF_RESULT_PASS: return auth_result::pass;
        case SPF_RESULT_FAIL: return auth_result::fail;
        case SPF_RESULT_SOFTFAIL: return auth_result::softfail;
        case SPF_RESULT_TEMPERROR: return auth_result::temperror;
        case SPF_RESULT_PERMERROR: return auth_result::permerror;
        default: return auth_result::none;
    }
}

struct request_deleter {
    void operator()(SPF_request_t* r) const noexcept { SPF_request_free(r); }
};
struct response_deleter {
    void operator()(SPF_response_t* r) const noexcept { SPF_response_free(r); }
};

}  // namespace

struct spf_checker::library {
    SPF_dns_server_t dns{};
    SPF_server_t* server = nullptr;

    library()
    {
        static std::once_flag once;
        std::call_once(once, [] {
            SPF_warning_handler = be_silent;
            SPF_info_handler = be_silent;
            SPF_debug_handler = be_silent;
            SPF_error_handler = on_bug;
        });
        dns.lookup = look_up;  // without a destructor: it stays ours
        dns.name = "postern";
        server = SPF_server_new_dns(&dns, 0);
    }
    ~library()
    {
        if (server != nullptr) SPF_server_free(server);
    }
    library(library const&) = delete;
    library& operator=(library const&) = delete;
};

spf_checker::spf_checker() : library_(std::make_unique<library>()) {}
spf_checker::~spf_checker() = default;

mail::spf_finding spf_checker::check(inquiry& names, ip_address const& client, std::string const& helo,
                                     mail::path const& sender)
{
    mail::spf_finding f;
    auto const name = mail::parse_domain(helo);
    f.of_helo = sender.null;
    if (sender.null && !name) return f;
    f.domain = sender.null ? *name : sender.address.domain;
    if (f.domain.starts_with('[') || f.domain.empty()) return f;
    library_->dns.hook = &names;
    std::unique_ptr<SPF_request_t, request_deleter> const request{SPF_request_new(library_->server)};
    if (!request) {
        f.what = mail::auth_result::temperror;
        return f;
    }
    auto const address = client.to_string();
    auto const set = client.is_v4() ? SPF_request_set_ipv4_str(request.get(), address.c_str())
                                    : SPF_request_set_ipv6_str(request.get(), address.c_str());
    // RFC 8616 section 4: a local part that is not ASCII matches no macro.
    bool const usual = !sender.null && is_ascii(sender.address.local_part) &&
                       sender.address.local_part.find_first_of("@\" \\") == std::string::npos;
    auto const from = (usual ? sender.address.local_part : "postmaster") + '@' + f.domain;
    SPF_request_set_helo_dom(request.get(), name ? name->c_str() : "unknown");
    SPF_request_set_env_from(request.get(), from.c_str());
    SPF_response_t* answer = nullptr;
    if (set == SPF_E_SUCCESS) SPF_request_query_mailfrom(request.get(), &answer);
    std::unique_ptr<SPF_response_t, response_deleter> const response{answer};
    f.what = response ? result_of(SPF_response_result(response.get())) : mail::auth_result::permerror;
    return f;
}

}  // namespace postern::checks
