// Memory for JSON that may hold a password: everything is wiped when it is given back.
#pragma once

#include <cstddef>
#include <new>

#include <boost/json/memory_resource.hpp>
#include <boost/json/storage_ptr.hpp>

#include "base/secret.hpp"

namespace postern::control {

class wiping_memory final : public boost::json::memory_resource {
    void* do_allocate(std::size_t size, std::size_t alignment) override
    {
        return ::operator new(size, std::align_val_t{alignment});
    }
    void do_deallocate(void* octets, std::size_t size, std::size_t alignment) override
    {
        wipe(octets, size);
        ::operator delete(octets, std::align_val_t{alignment});
    }
    bool do_is_equal(boost::json::memory_resource const& other) const noexcept override { return this == &other; }
};

/// Storage to give to values and parsers; lives as long as the last of them.
inline boost::json::storage_ptr wiping_storage() { return boost::json::make_shared_resource<wiping_memory>(); }

}  // namespace postern::control
