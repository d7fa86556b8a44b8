#include "directory/token_fetch.hpp"

#include <memory>
#include <mutex>

#include <curl/curl.h>

namespace postern::directory {
namespace {

constexpr std::size_t longest_document = 1 << 20;
constexpr long longest_wait = 10;

struct easy_deleter {
    void operator()(CURL* c) const noexcept { curl_easy_cleanup(c); }
};

struct transfer {
    std::string body;
    std::atomic<bool> const& stop;
};

std::size_t on_octets(char* octets, std::size_t, std::size_t size, void* context)
{
    auto& t = *static_cast<transfer*>(context);
    if (t.body.size() + size > longest_document) return 0;  // ends the transfer
    t.body.append(octets, size);
    return size;
}

int on_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t)
{
    return static_cast<transfer const*>(context)->stop ? 1 : 0;
}

}  // namespace

result<std::string> fetch_https(std::string const& url, std::filesystem::path const& authorities,
                                std::atomic<bool> const& stop)
{
    auto const failed = [&](std::string what) {
        return error{{4, 7, 0}, "Tokens can't be checked now", url + ": " + std::move(what)};
    };
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    std::unique_ptr<CURL, easy_deleter> const handle{curl_easy_init()};
    CURL* const c = handle.get();
    if (c == nullptr) return failed("no memory");

    transfer t{{}, stop};
    curl_easy_setopt(c, CURLOPT_URL, url.c_str());
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, 3L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, longest_wait);
    curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "postern");
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_octets);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &t);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, &t);
    if (!authorities.empty()) {
        curl_easy_setopt(c, CURLOPT_CAINFO, authorities.c_str());
        curl_easy_setopt(c, CURLOPT_CAPATH, nullptr);
    }
    if (CURLcode const code = curl_easy_perform(c); code != CURLE_OK) return failed(curl_easy_strerror(code));
    return std::move(t.body);
}

}  // namespace postern::directory
