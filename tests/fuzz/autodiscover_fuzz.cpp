// What anybody may post to Autodiscover, and that what we answer with it is read again as what we mean.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "discovery/documents.hpp"
#include "porter/autodiscover.hpp"
#include "porter/fixture.hpp"

using namespace postern;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    static auto const facts = porter::example_facts();
    std::string_view const text{reinterpret_cast<char const*>(octets), size};
    auto const q = porter::read_autodiscover(text);
    if (q.address.size() > 320) std::abort();
    if (q.what == porter::autodiscover_question::kind::settings && q.address.empty()) std::abort();
    if (size > porter::longest_autodiscover_request && q.what != porter::autodiscover_question::kind::invalid)
        std::abort();
    auto const read = discovery::parse_autodiscover(porter::autodiscover(facts.now, text.substr(0, 320)));
    if (!read.problem.empty() || read.servers.size() != 1 || read.servers.front().host != "mail.hoster.test")
        std::abort();
    return 0;
}
