// A message in memory that is open for changes.
#pragma once

#include <doctest/doctest.h>

#include "filters/draft.hpp"

namespace postern::testing {

struct memory_writer final : spool::content_writer {
    std::string octets;
    result<> append(std::string_view more) override
    {
        octets += more;
        return done{};
    }
    result<> replace_front(std::string_view) override { return done{}; }
    std::uint64_t size() const noexcept override { return octets.size(); }
    result<std::string> read(std::uint64_t offset, std::size_t limit) override
    {
        return offset < octets.size() ? octets.substr(static_cast<std::size_t>(offset), limit) : std::string{};
    }
};

inline std::unique_ptr<filters::draft> draft_of(std::string content)
{
    auto writer = std::make_unique<memory_writer>();
    writer->octets = std::move(content);
    auto made = filters::draft::open(std::move(writer), 200'000);
    REQUIRE(made);
    return std::move(*made);
}

}  // namespace postern::testing
