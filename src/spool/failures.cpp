#include "spool/failures.hpp"

#include <system_error>

namespace postern::spool {

error file_failure(std::string_view doing, std::filesystem::path const& file, int error_number)
{
    std::string text{doing};
    text += ' ';
    text += file.string();
    text += ": ";
    text += std::error_code(error_number, std::system_category()).message();
    if (store::means_no_room(error_number)) return error{status{4, 3, 1}, failure_texts.no_room, std::move(text)};
    return error{status{4, 3, 0}, failure_texts.failed, std::move(text)};
}

error no_such_message() { return error{status{5, 0, 0}, "There is no such message in the queue", "no such message"}; }

}  // namespace postern::spool
