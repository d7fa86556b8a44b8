// SPF records of anybody: the first line is who sends, each other one a TXT record of whatever is asked for.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "spf/evaluator.hpp"
#include "spf/record.hpp"

using namespace postern;

namespace {

struct world final : spf::names {
    std::vector<std::string> records;
    unsigned asked = 0;

    // Each question gets the next record, so that includes lead on.
    spf::answer<std::string> texts(std::string const& name) override
    {
        check(name);
        if (records.empty()) return {spf::answered::nothing};
        return {spf::answered::found, {records[asked % records.size()]}};
    }
    spf::answer<std::string> exchangers(std::string const& name) override
    {
        check(name);
        return {spf::answered::found, {name, "mx.example.test"}};
    }
    spf::answer<ip_address> addresses(std::string const& name, bool v6) override
    {
        check(name);
        return {spf::answered::found, {*ip_address::parse(v6 ? "2001:db8::7" : "192.0.2.7")}};
    }
    spf::answer<std::string> names_of(ip_address const&) override
    {
        ++asked;
        return {spf::answered::found, {"client.example.test"}};
    }
    void check(std::string const& name)
    {
        if (name.empty() || name.size() > 253 || ++asked > 150) std::abort();
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    std::string_view rest{reinterpret_cast<char const*>(octets), size};
    auto const take_line = [&] {
        std::string const line{rest.substr(0, rest.find('\n'))};
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        return line;
    };
    spf::identity who;
    who.local_part = take_line();
    who.domain = "example.test";
    who.helo = who.local_part;
    who.client = *ip_address::parse(size % 2 == 0 ? "192.0.2.1" : "2001:db8::1");
    world w;
    while (!rest.empty() && w.records.size() < 20) w.records.push_back(take_line());
    for (auto const& text : w.records)
        if (auto const r = spf::parse(text); r && !spf::is_record(text)) std::abort();
    auto const found = evaluate(w, who);
    if (found == mail::auth_result::policy) std::abort();
    return 0;
}
