#include "checks/dkim.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <sys/types.h>
// A header for C, which C++ has another name in.
#define _Bool bool
extern "C" {
#include <dkim.h>
}
#undef _Bool

#include "base/text.hpp"
#include "mail/dkim_record.hpp"
#include "mail/tag_list.hpp"

namespace postern::checks {
namespace {

// A message may bring any number; mail of mailing lists has some four.
constexpr int most_signatures = 10;
constexpr std::size_t piece_size = 64u << 10;
constexpr std::size_t shown_signature = 8;
constexpr int type_txt = 16;

// What the library keeps of a question: the answer is there at once.
struct query {
    std::size_t size = 0;
    bool known = true;
};

void append_short(std::string& out, std::size_t n)
{
    out += static_cast<char>(n >> 8 & 0xff);
    out += static_cast<char>(n & 0xff);
}

// The answer as a packet, which is how the library reads it. Where there is no such name, it may be one that
// no packet can have; the library does not look.
std::string packet_of(std::string_view name, dns::txt_answer const& answer)
{
    bool const none = answer.what == dns::finding::no_such_name;
    if (none) name = {};
    std::string out("\0\0", 2);
    append_short(out, none ? 0x8183u : 0x8180u);
    append_short(out, 1);
    append_short(out, answer.records.size());
    append_short(out, 0);
    append_short(out, 0);
    while (!name.empty()) {
        auto const label = name.substr(0, name.find('.'));
        out += static_cast<char>(label.size());
        out += label;
        name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    out += '\0';
    append_short(out, type_txt);
    append_short(out, 1);
    for (auto const& text : answer.records) {
        std::string data;
        for (auto const& piece : mail::record_strings(text)) {
            data += static_cast<char>(piece.size());
            data += piece;
        }
        append_short(out, 0xc00c);
        append_short(out, type_txt);
        append_short(out, 1);
        append_short(out, 0);
        append_short(out, 0);
        append_short(out, data.size());
        out += data;
    }
    return out;
}

int start_query(void* service, int type, unsigned char* name, unsigned char* buffer, size_t room, void** handle)
{
    auto& names = **static_cast<inquiry**>(service);
    std::string asked{reinterpret_cast<char const*>(name)};
    if (asked.ends_with('.')) asked.pop_back();
    auto q = std::make_unique<query>();
    auto const answer = type == type_txt ? names.txt(asked) : dns::txt_answer{};
    q->known = answer.what != dns::finding::temporary && answer.what != dns::finding::bogus;
    if (q->known) {
        auto const packet = packet_of(asked, answer);
        q->known = packet.size() <= room;
        if (q->known) std::memcpy(buffer, packet.data(), packet.size());
        q->size = packet.size();
    }
    *handle = q.release();
    return DKIM_DNS_SUCCESS;
}

int wait_for_reply(void*, void* handle, struct timeval*, size_t* size, int* failure, int* dnssec)
{
    auto const& q = *static_cast<query*>(handle);
    if (size != nullptr) *size = q.size;
    if (failure != nullptr) *failure = 0;
    if (dnssec != nullptr) *dnssec = DKIM_DNSSEC_UNKNOWN;
    return q.known ? DKIM_DNS_SUCCESS : DKIM_DNS_ERROR;
}

int end_query(void*, void* handle)
{
    delete static_cast<query*>(handle);
    return DKIM_DNS_SUCCESS;
}

void close_nothing(void*) {}

DKIM_CBSTAT ignore_too_many(DKIM*, DKIM_SIGINFO** all, int count)
{
    for (int i = most_signatures; i < count; ++i) dkim_sig_ignore(all[i]);
    return DKIM_CBSTAT_CONTINUE;
}

struct handle_deleter {
    void operator()(DKIM* d) const noexcept { static_cast<void>(dkim_free(d)); }
};

std::string text_of(unsigned char const* text)
{
    return text == nullptr ? std::string{} : std::string{reinterpret_cast<char const*>(text)};
}

// RFC 8301 section 3.1: SHA-1 proves nothing. Nor does a signature prove what it leaves out (l=).
std::string weakness(DKIM* message, DKIM_SIGINFO* s)
{
    dkim_alg_t algorithm = DKIM_SIGN_UNKNOWN;
    if (dkim_sig_getsignalg(s, &algorithm) == DKIM_STAT_OK && algorithm == DKIM_SIGN_RSASHA1)
        return "signed with SHA-1";
    ssize_t whole = 0, covered = 0, limit = -1;
    if (dkim_sig_getcanonlen(message, s, &whole, &covered, &limit) == DKIM_STAT_OK && limit >= 0 && covered < whole)
        return "covers a part of the body only";
    return {};
}

mail::auth_result result_of(DKIM_SIGERROR why)
{
    switch (why) {
        case DKIM_SIGERROR_KEYFAIL: return mail::auth_result::temperror;
        case DKIM_SIGERROR_BADSIG:
        case DKIM_SIGERROR_OK:  // then it is the body
        case DKIM_SIGERROR_UNKNOWN: return mail::auth_result::fail;
        default: return mail::auth_result::permerror;
    }
}

mail::dkim_finding describe(DKIM* message, DKIM_SIGINFO* s)
{
    mail::dkim_finding f;
    f.domain = to_lower(text_of(dkim_sig_getdomain(s)));
    f.selector = text_of(dkim_sig_getselector(s));
    f.algorithm = text_of(dkim_sig_getalgorithm(s));
    unsigned char name[] = "b";
    for (char const c : text_of(dkim_sig_gettagvalue(s, false, name)))
        if (c > ' ' && f.signature.size() < shown_signature) f.signature += c;
    bool const processed = (dkim_sig_getflags(s) & DKIM_SIGFLAG_PROCESSED) != 0;
    if (!processed) static_cast<void>(dkim_sig_process(message, s));
    bool const passed = (dkim_sig_getflags(s) & DKIM_SIGFLAG_PASSED) != 0 && dkim_sig_getbh(s) == DKIM_SIGBH_MATCH;
    if (passed) {
        f.detail = weakness(message, s);
        f.what = f.detail.empty() ? mail::auth_result::pass : mail::auth_result::policy;
        return f;
    }
    auto const why = dkim_sig_geterror(s);
    bool const body = dkim_sig_getbh(s) == DKIM_SIGBH_MISMATCH;
    f.what = body ? mail::auth_result::fail : result_of(why);
    char const* const said = dkim_sig_geterrorstr(why);
    f.detail = body ? "the body was changed" : said != nullptr ? printable(said, 100) : std::string{};
    return f;
}

}  // namespace

void prepare_dkim(inquiry& names, filters::draft const& message)
{
    int count = 0;
    for (auto const& f : message.fields()) {
        if (f.ours || !equal_ignoring_case(f.name(), "DKIM-Signature")) continue;
        if (++count > most_signatures) break;
        std::string domain, selector;
        for (auto tags = f.value(); !tags.empty();) {
            auto tag = mail::take_until(tags, ';');
            auto const name = mail::take_until(tag, '=');
            if (name == "d") domain = mail::trimmed(tag);
            if (name == "s") selector = mail::trimmed(tag);
        }
        if (!domain.empty() && !selector.empty()) names.prepare_txt(mail::dkim_record_name(selector, domain));
    }
}

struct dkim_checker::library {
    DKIM_LIB* handle = nullptr;
    inquiry* asker = nullptr;

    library() : handle(dkim_init(nullptr, nullptr))
    {
        if (handle == nullptr) return;
        dkim_dns_set_query_service(handle, &asker);
        dkim_dns_set_close(handle, close_nothing);
        dkim_dns_set_query_start(handle, start_query);
        dkim_dns_set_query_waitreply(handle, wait_for_reply);
        dkim_dns_set_query_cancel(handle, end_query);
        static_cast<void>(dkim_set_prescreen(handle, ignore_too_many));
    }
    ~library()
    {
        if (handle != nullptr) dkim_close(handle);
    }
    library(library const&) = delete;
    library& operator=(library const&) = delete;
};

dkim_checker::dkim_checker() : library_(std::make_unique<library>()) {}
dkim_checker::~dkim_checker() = default;

std::vector<mail::dkim_finding> dkim_checker::check(inquiry& names, std::string const& queue_id,
                                                    filters::draft const& message)
{
    std::vector<mail::dkim_finding> found;
    auto const& fields = message.fields();
    bool const any = std::any_of(fields.begin(), fields.end(),
                                 [](auto const& f) { return equal_ignoring_case(f.name(), "DKIM-Signature"); });
    if (!any) return found;
    library_->asker = &names;
    DKIM_STAT state = DKIM_STAT_OK;
    std::unique_ptr<DKIM, handle_deleter> const dkim{
        library_->handle == nullptr
            ? nullptr
            : dkim_verify(library_->handle, reinterpret_cast<unsigned char const*>(queue_id.c_str()), nullptr, &state)};
    mail::dkim_finding failed;
    failed.what = mail::auth_result::temperror;
    if (!dkim) return {failed};
    for (auto const& f : fields) {
        if (f.ours || f.octets.size() < 2) continue;
        auto octets = f.octets.substr(0, f.octets.size() - 2);
        static_cast<void>(dkim_header(dkim.get(), reinterpret_cast<unsigned char*>(octets.data()), octets.size()));
    }
    state = dkim_eoh(dkim.get());
    for (std::uint64_t at = 0; at < message.body_size() && !names.late(); at += piece_size) {
        auto piece = message.read_body(at, piece_size);
        if (!piece) return {failed};
        state = dkim_body(dkim.get(), reinterpret_cast<unsigned char*>(piece->data()), piece->size());
        if (state != DKIM_STAT_OK) break;
    }
    if (names.late()) return {failed};
    static_cast<void>(dkim_eom(dkim.get(), nullptr));
    DKIM_SIGINFO** all = nullptr;
    int count = 0;
    if (dkim_getsiglist(dkim.get(), &all, &count) != DKIM_STAT_OK) count = 0;
    for (int i = 0; i < count && i < most_signatures; ++i)
        if ((dkim_sig_getflags(all[i]) & DKIM_SIGFLAG_IGNORE) == 0) found.push_back(describe(dkim.get(), all[i]));
    if (found.empty()) {
        failed.what = mail::auth_result::permerror;
        failed.detail = "no signature can be read";
        found.push_back(failed);
    }
    return found;
}

}  // namespace postern::checks
