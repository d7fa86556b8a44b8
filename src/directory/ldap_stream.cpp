#include "directory/ldap_stream.hpp"

#include <cerrno>

#include <lber.h>
#include <ldap.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace postern::directory::ldapv3 {
namespace {

int descriptor_of(Sockbuf_IO_Desc const* d)
{
    ber_socket_t descriptor = -1;
    ::ber_sockbuf_ctrl(d->sbiod_sb, LBER_SB_OPT_GET_FD, &descriptor);
    return descriptor;
}

int set_up(Sockbuf_IO_Desc* d, void* own)
{
    d->sbiod_pvt = own;
    return 0;
}

ber_slen_t read_some(Sockbuf_IO_Desc* d, void* to, ber_len_t size)
{
    int const descriptor = descriptor_of(d);
    for (;;) {
        auto const got = ::recv(descriptor, to, size, MSG_DONTWAIT);
        if (got >= 0 || errno != EAGAIN || !static_cast<stream*>(d->sbiod_pvt)->wait(descriptor, POLLIN)) return got;
    }
}

ber_slen_t write_some(Sockbuf_IO_Desc* d, void* from, ber_len_t size)
{
    int const descriptor = descriptor_of(d);
    for (;;) {
        auto const sent = ::send(descriptor, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0 || errno != EAGAIN || !static_cast<stream*>(d->sbiod_pvt)->wait(descriptor, POLLOUT)) return sent;
    }
}

/// Knows no options; nothing is kept here that could be read.
int control(Sockbuf_IO_Desc*, int, void*) { return 0; }

int close_socket(Sockbuf_IO_Desc* d)
{
    if (int const descriptor = descriptor_of(d); descriptor >= 0) ::close(descriptor);
    return 0;
}

}  // namespace

bool stream::give_to(::ldap* handle)
{
    static Sockbuf_IO way{set_up, nullptr, control, read_some, write_some, close_socket};
    Sockbuf* buffer = nullptr;
    return ::ldap_get_option(handle, LDAP_OPT_SOCKBUF, &buffer) == LDAP_OPT_SUCCESS && buffer != nullptr &&
           ::ber_sockbuf_add_io(buffer, &way, LBER_SBIOD_LEVEL_PROVIDER, this) == 0;
}

bool stream::wait(int descriptor, short events) const
{
    if (!waits_) return false;
    for (;;) {
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - steady_clock::now()).count();
        if (left <= 0) {
            errno = ETIMEDOUT;
            return false;
        }
        pollfd p{descriptor, events, 0};
        int const ready = ::poll(&p, 1, static_cast<int>(left));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

}  // namespace postern::directory::ldapv3
