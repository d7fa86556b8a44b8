// Conversion of 8-bit and binary content: what comes out has 7-bit characters only, in lines that are
// not too long, and does not depend on how the content was cut into pieces.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.hpp"
#include "mail/conversion.hpp"

namespace {

using namespace postern::mail;

bool convert(std::string_view text, content_need need, std::size_t piece, std::string& out)
{
    content_survey survey;
    for (std::size_t at = 0; at < text.size(); at += piece) survey.add(text.substr(at, piece));
    survey.finish();
    auto const plan = survey.plan(need);
    if (!plan.problem.empty()) return false;
    content_converter converter{plan};
    for (std::size_t at = 0; at < text.size(); at += piece) converter.add(text.substr(at, piece), out);
    converter.finish(out);
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    std::size_t const piece = data[0] % 64 + 1;
    std::string_view const text(reinterpret_cast<char const*>(data) + 1, size - 1);
    for (auto const need : {content_need::seven_bit, content_need::eight_bit}) {
        std::string whole, pieces;
        bool const could = convert(text, need, size, whole);
        require(convert(text, need, piece, pieces) == could);
        require(whole == pieces);
        if (need == content_need::eight_bit) continue;
        require(std::none_of(whole.begin(), whole.end(), [](char c) { return static_cast<unsigned char>(c) > 127; }));
    }
    return 0;
}
