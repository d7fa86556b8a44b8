#include "signing/dns_check.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "base/text.hpp"
#include "mail/dkim_record.hpp"

namespace postern::signing {
namespace {

namespace asio = boost::asio;

constexpr std::size_t shown = 1024;

dns::awaitable<void> check_one(dns::resolver* names, key_view const* key, record_check* out)
{
    auto const answer = co_await names->txt(mail::dkim_record_name(key->row.selector, key->row.domain));
    *out = compare(answer, *key);
}

}  // namespace

std::string_view to_string(published p) noexcept
{
    switch (p) {
        case published::matches: return "matches";
        case published::testing: return "testing";
        case published::missing: return "missing";
        case published::differs: return "differs";
        case published::revoked: return "revoked";
        case published::several: return "several";
        case published::unusable: return "unusable";
        case published::unknown: break;
    }
    return "unknown";
}

record_check compare(dns::txt_answer const& answer, key_view const& key)
{
    record_check c;
    if (answer.what == dns::finding::no_such_name || answer.what == dns::finding::no_data) {
        c.what = published::missing;
        return c;
    }
    if (answer.what != dns::finding::found) {
        c.problem = answer.problem;
        return c;
    }
    if (answer.records.size() != 1) {
        c.what = answer.records.empty() ? published::missing : published::several;
        return c;
    }
    c.found = printable(answer.records.front(), shown);
    auto const there = mail::parse_dkim_record(answer.records.front());
    auto const wanted = mail::parse_dkim_record(key.record);
    if (!there || !there->sha256) {
        c.what = published::unusable;
    } else if (there->key.empty()) {
        c.what = published::revoked;
    } else if (!wanted || there->type != wanted->type || there->key != wanted->key) {
        c.what = published::differs;
    } else {
        c.what = there->testing ? published::testing : published::matches;
    }
    return c;
}

std::vector<record_check> check_records(config::settings const& s, std::vector<key_view> const& keys,
                                        std::chrono::seconds limit, std::stop_token const& stop)
{
    std::vector<record_check> out(keys.size());
    asio::io_context context{1};
    dns::options o;
    o.servers = s.dns.servers;
    o.limit = limit;
    auto names = dns::make_resolver(context.get_executor(), o);
    if (!names) {
        for (auto& c : out) c.problem = names.error().logged;
        return out;
    }
    std::size_t left = keys.size();
    for (std::size_t i = 0; i < keys.size(); ++i)
        asio::co_spawn(context, check_one(names->get(), &keys[i], &out[i]), [&left, &context](std::exception_ptr) {
            if (--left == 0) context.stop();
        });
    std::stop_callback const end{stop, [&context] { context.stop(); }};
    if (left != 0) context.run();
    return out;
}

}  // namespace postern::signing
