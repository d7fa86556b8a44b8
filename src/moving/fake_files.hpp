// A disk for the tests: names and texts.
#pragma once

#include <map>

#include "moving/files.hpp"

namespace postern::moving {

class fake_files final : public files {
public:
    std::map<std::string, std::string> all;

    basic_result<secret, unreadable> read(std::string const& path, std::size_t limit) override
    {
        auto const at = all.find(path);
        if (at == all.end()) return unreadable{true, "No such file or directory"};
        if (at->second.size() > limit) return unreadable{false, "is larger than that"};
        return secret{at->second};
    }

    std::vector<std::string> names(std::string const& folder) override
    {
        std::vector<std::string> list;
        for (auto const& [path, text] : all)
            if (path.starts_with(folder + '/') && path.find('/', folder.size() + 1) == std::string::npos)
                list.push_back(path.substr(folder.size() + 1));
        return list;
    }
};

}  // namespace postern::moving
