#include "http/gzip.hpp"

#include <new>
#include <stdexcept>

#include <zlib.h>

namespace postern::http {

std::string gzip(std::string_view octets, effort e)
{
    constexpr int with_gzip_header = 15 + 16, usual_memory = 8;
    z_stream z{};
    if (::deflateInit2(&z, e == effort::best ? Z_BEST_COMPRESSION : Z_BEST_SPEED, Z_DEFLATED, with_gzip_header,
                       usual_memory, Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::bad_alloc{};
    std::string out(::deflateBound(&z, octets.size()), '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(octets.data()));
    z.avail_in = static_cast<uInt>(octets.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    int const ended = ::deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    ::deflateEnd(&z);
    if (ended != Z_STREAM_END) throw std::runtime_error{"octets could not be compressed"};
    return out;
}

}  // namespace postern::http
