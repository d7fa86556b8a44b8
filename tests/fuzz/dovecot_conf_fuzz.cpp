// Dovecot's configuration, as the main file and as every file that it includes or names: no
// circle, depth or size gets through, and what is read becomes a configuration of ours.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/settings.hpp"
#include "moving/plan.hpp"

namespace {

/// Every file has the same text.
class same_file final : public postern::moving::files {
public:
    explicit same_file(std::string_view text) : text_(text) {}
    postern::basic_result<postern::secret, postern::moving::unreadable> read(std::string const& path,
                                                                             std::size_t) override
    {
        if (path.ends_with("none")) return postern::moving::unreadable{true, "No such file or directory"};
        return postern::secret{text_};
    }
    std::vector<std::string> names(std::string const&) override { return {"a.conf", "b.conf", ".c"}; }

private:
    std::string_view text_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    using namespace postern::moving;
    if (size == 0) return 0;
    std::string_view const text{reinterpret_cast<char const*>(octets) + 1, size - 1};
    same_file disk{text};
    auto read = parse_dovecot_text(disk, text, "dovecot.conf");
    if (!read) {
        if (read.error().text.empty()) std::abort();
        return 0;
    }
    sources from;
    from.dovecot = std::move(*read);
    wishes w;
    w.users = static_cast<user_source>(octets[0] % 4);
    auto const made = plan(from, disk, w);
    std::vector<postern::config::problem> problems;
    if (!postern::config::parse(to_toml(made, "fuzz"), "postern.toml", problems)) std::abort();
    to_report(made);
    return 0;
}
