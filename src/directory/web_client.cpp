#include "directory/web_client.hpp"

#include <mutex>

#include <curl/curl.h>

#include "base/url.hpp"

namespace postern::directory {
namespace {

struct transfer {
    std::string body;
    std::size_t longest;
    std::atomic<bool> const& stop;
    bool too_long = false;
};

std::size_t on_octets(char* octets, std::size_t, std::size_t size, void* context)
{
    auto& t = *static_cast<transfer*>(context);
    if (t.body.size() + size > t.longest) {
        t.too_long = true;
        return 0;  // ends the transfer
    }
    t.body.append(octets, size);
    return size;
}

int on_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t)
{
    return static_cast<transfer const*>(context)->stop ? 1 : 0;
}

struct list_deleter {
    void operator()(curl_slist* l) const noexcept { curl_slist_free_all(l); }
};
using list_ptr = std::unique_ptr<curl_slist, list_deleter>;

bool is_about_certificate(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR ||
           code == CURLE_SSL_INVALIDCERTSTATUS;
}

std::vector<std::string> fields_of(CURL* c, std::vector<std::string> const& wanted)
{
    std::vector<std::string> out;
    for (auto const& name : wanted) {
        curl_header* found = nullptr;
        bool const there = curl_easy_header(c, name.c_str(), 0, CURLH_HEADER, -1, &found) == CURLHE_OK;
        out.emplace_back(there ? found->value : "");
    }
    return out;
}

void* new_handle()
{
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    return curl_easy_init();
}

}  // namespace

void web_client::closer::operator()(void* handle) const noexcept { curl_easy_cleanup(handle); }

web_client::web_client() : handle_(new_handle()) {}

web_client::~web_client() = default;

result<web_client::answer> web_client::ask(request const& r, std::atomic<bool> const& stop)
{
    auto const failed = [&](std::string what) {
        return error{{4, 3, 0}, "Tokens can't be checked now", r.url + ": " + std::move(what)};
    };
    if (!is_confidential_url(r.url) && !(r.may_be_plain && r.url.starts_with("http://")))
        return failed("is no https URL");
    CURL* const c = handle_.get();
    if (c == nullptr) return failed("no memory");

    transfer t{{}, r.longest, stop};
    curl_easy_reset(c);
    curl_easy_setopt(c, CURLOPT_URL, r.url.c_str());
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, static_cast<long>(r.timeout.count()));
    curl_easy_setopt(c, CURLOPT_USERAGENT, "postern");
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_octets);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &t);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, &t);
    if (!r.authorities.empty()) {
        curl_easy_setopt(c, CURLOPT_CAINFO, r.authorities.c_str());
        curl_easy_setopt(c, CURLOPT_CAPATH, nullptr);
    }
    if (!r.form.empty()) {
        // Not copied by the library, so nothing of it stays behind.
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, r.form.reveal().data());
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, static_cast<long>(r.form.size()));
    }
    list_ptr header, resolved;
    if (!r.body_type.empty()) {
        header.reset(curl_slist_append(nullptr, ("Content-Type: " + r.body_type).c_str()));
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, header.get());
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, r.body.data());
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, static_cast<long>(r.body.size()));
    }
    if (!r.resolved.empty()) {
        resolved.reset(curl_slist_append(nullptr, r.resolved.c_str()));
        curl_easy_setopt(c, CURLOPT_RESOLVE, resolved.get());
    }
    // A secret's octets end with a NUL, as a string's do.
    if (!r.user.empty()) {
        curl_easy_setopt(c, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
        curl_easy_setopt(c, CURLOPT_USERNAME, r.user.c_str());
        curl_easy_setopt(c, CURLOPT_PASSWORD, r.password.reveal().data());
    } else if (!r.bearer.empty()) {
        curl_easy_setopt(c, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
        curl_easy_setopt(c, CURLOPT_XOAUTH2_BEARER, r.bearer.reveal().data());
    }
    if (r.only_fields) curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    CURLcode const code = curl_easy_perform(c);
    long status = 0;
    char const* type = nullptr;
    char const* elsewhere = nullptr;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(c, CURLINFO_REDIRECT_URL, &elsewhere);
    std::string redirect = elsewhere != nullptr ? elsewhere : "";
    std::string said = type != nullptr ? type : "";
    auto fields = code == CURLE_OK ? fields_of(c, r.fields) : std::vector<std::string>{};
    // The handle keeps the connection, and none of the secrets.
    curl_easy_reset(c);
    if (t.too_long) return failed("the answer is longer than " + std::to_string(r.longest) + " octets");
    if (is_about_certificate(code)) {
        auto untrusted = failed(curl_easy_strerror(code));
        untrusted.code = {4, 7, 5};
        return untrusted;
    }
    if (code != CURLE_OK) return failed(curl_easy_strerror(code));
    return answer{status, std::move(t.body), std::move(said), std::move(redirect), std::move(fields)};
}

std::string form_encoded(std::string_view text)
{
    std::string out;
    append_form_encoded(out, text);
    return out;
}

void append_form_encoded(std::string& out, std::string_view text)
{
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._*";
    constexpr char const* digits = "0123456789ABCDEF";
    for (char const c : text) {
        if (plain.find(c) != std::string_view::npos) {
            out += c;
        } else if (c == ' ') {
            out += '+';
        } else {
            out += '%';
            out += digits[static_cast<unsigned char>(c) >> 4];
            out += digits[static_cast<unsigned char>(c) & 15];
        }
    }
}

}  // namespace postern::directory
