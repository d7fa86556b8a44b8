#include "net/tls_transport.hpp"

#include <cerrno>
#include <new>

#include <openssl/bio.h>
#include <sys/socket.h>

namespace postern::net {
namespace {

tls_transport& transport_of(BIO* b) { return *static_cast<tls_transport*>(BIO_get_data(b)); }

int write_octets(BIO* b, char const* octets, int size)
{
    BIO_clear_retry_flags(b);
    if (size <= 0) return 0;
    try {
        transport_of(b).output.append(octets, static_cast<std::size_t>(size));
    } catch (std::bad_alloc const&) {  // must not pass through OpenSSL
        errno = ENOMEM;
        return -1;
    }
    return size;
}

int read_octets(BIO* b, char* octets, int size)
{
    BIO_clear_retry_flags(b);
    BIO_clear_flags(b, BIO_FLAGS_IN_EOF);
    if (size <= 0) return 0;
    ssize_t n = 0;
    do n = ::recv(transport_of(b).descriptor, octets, static_cast<std::size_t>(size), MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n == 0) BIO_set_flags(b, BIO_FLAGS_IN_EOF);
    if (n < 0 && errno == EAGAIN) BIO_set_retry_read(b);
    return static_cast<int>(n);
}

long control(BIO* b, int what, long, void*)
{
    switch (what) {
        case BIO_CTRL_EOF: return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
        case BIO_CTRL_FLUSH: return 1;  // the stream decides when it leaves
        default: return 0;
    }
}

BIO_METHOD const* transport_method()
{
    static BIO_METHOD const* const method = [] {
        BIO_METHOD* const m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "transport");
        if (m == nullptr) return m;
        BIO_meth_set_write(m, write_octets);
        BIO_meth_set_read(m, read_octets);
        BIO_meth_set_ctrl(m, control);
        return m;
    }();
    return method;
}

}  // namespace

BIO* make_transport_bio(tls_transport& transport)
{
    BIO_METHOD const* const method = transport_method();
    BIO* const b = method != nullptr ? BIO_new(method) : nullptr;
    if (b == nullptr) return nullptr;
    BIO_set_data(b, &transport);
    BIO_set_init(b, 1);
    return b;
}

}  // namespace postern::net
