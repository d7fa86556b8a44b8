// What people type for an app password: read in whatever form, and what is read is written and
// read to the same again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "directory/app_password.hpp"
#include "directory/cause_search.hpp"
#include "fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    using namespace postern;
    std::string_view const text{reinterpret_cast<char const*>(octets), size};
    if (auto const letters = directory::read_app_password(text)) {
        require(letters->size() == 16 || letters->size() == 24);
        for (auto const& form : directory::written_forms(*letters)) {
            auto const again = directory::read_app_password(form.reveal());
            require(again && again->reveal() == letters->reveal());
        }
    }
    // The other texts of a user that a failed log-in is looked at for.
    auto const meant = directory::meant_passwords(secret{text});
    require(meant.size() <= 5 && meant.empty() == text.empty());
    auto const whole = directory::without_blanks(text);
    require(whole.size() < text.size() || whole.empty());
    return 0;
}
