// For this room's tests: a directory with its file at hand, to count how often it is read, and to see what is said of it.
#pragma once

#include "directory/embedded.hpp"
#include "directory/test_directory.hpp"

namespace postern::directory::testing {

struct directory_with_file {
    folder where;
    accounts_file* file = nullptr;
    std::unique_ptr<embedded> accounts;

    explicit directory_with_file(char const* domain = nullptr)
    {
        options o;
        o.folder = where.path();
        o.hash_threads = 1;
        if (domain != nullptr) o.configured_domains = {domain};
        auto opened = accounts_file::open(where.path());
        REQUIRE(opened);
        file = opened->get();
        accounts = std::make_unique<embedded>(o, std::move(*opened), back_ends{});
        REQUIRE(accounts->begin());
    }

    template <class Ask>
    std::uint64_t reads(Ask&& ask) const
    {
        auto const before = file->reads();
        ask();
        return file->reads() - before;
    }
};

}  // namespace postern::directory::testing
