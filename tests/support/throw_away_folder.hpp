// A folder for one test, removed with all that is in it.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace postern::testing {

class throw_away_folder {
public:
    throw_away_folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "postern-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::filesystem::filesystem_error("mkdtemp", {});
        path_ = name;
    }
    ~throw_away_folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    throw_away_folder(throw_away_folder const&) = delete;
    throw_away_folder& operator=(throw_away_folder const&) = delete;
    std::filesystem::path const& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace postern::testing
