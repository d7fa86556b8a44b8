// For what a C library makes and has a function of its own to free: std::unique_ptr<BIO, freer<BIO_free>>.
#pragma once

namespace postern {

template <auto Free>
struct freer {
    template <class T>
    void operator()(T* p) const noexcept
    {
        Free(p);
    }
};

}  // namespace postern
