// main.cf and master.cf, together with what is made of them: whatever stands there, there is a
// message with its place, or a configuration that Postern can read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/settings.hpp"
#include "moving/plan.hpp"
#include "moving/tables.hpp"

namespace {

class no_files final : public postern::moving::files {
public:
    postern::basic_result<postern::secret, postern::moving::unreadable> read(std::string const&, std::size_t) override
    {
        return postern::moving::unreadable{true, "No such file or directory"};
    }
    std::vector<std::string> names(std::string const&) override { return {}; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    using namespace postern::moving;
    if (size == 0) return 0;
    std::string_view const text{reinterpret_cast<char const*>(octets) + 1, size - 1};
    for (auto const& rows : {parse_table(text, "table"), parse_aliases(text, "aliases")})
        if (!rows && rows.error().at.line == 0) std::abort();
    auto read = parse_postfix(text, "main.cf", "mail.example.com");
    if (!read) {
        if (read.error().text.empty()) std::abort();
        return 0;
    }
    sources from;
    from.postfix = std::move(*read);
    wishes w;
    w.side_by_side = (octets[0] & 1) != 0;
    w.submission_only = (octets[0] & 2) != 0;
    no_files disk;
    auto const made = plan(from, disk, w);
    std::vector<postern::config::problem> problems;
    if (!postern::config::parse(to_toml(made, "fuzz"), "postern.toml", problems)) std::abort();
    to_report(made);
    to_script(made);
    return 0;
}
