// The machine: disk, clock, rights of files, interfaces.
#include <array>
#include <cmath>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/numbers.hpp"
#include "doctor/gather.hpp"

namespace postern::doctor {
namespace {

void look_at_disk(facts& f)
{
    struct statvfs v {};
    if (::statvfs(f.settings.data_dir.c_str(), &v) != 0) {
        f.not_looked_at.push_back({"disk", f.settings.data_dir.string(), "its file system does not answer"});
        return;
    }
    f.machine.disk_free = std::uint64_t{v.f_bavail} * v.f_frsize;
    f.machine.disk_size = std::uint64_t{v.f_blocks} * v.f_frsize;
    f.machine.inodes_free = v.f_favail;
    f.machine.inodes = v.f_files;
}

void look_at_rights(facts& f)
{
    auto const& s = f.settings;
    auto const look = [&](std::filesystem::path const& path) {
        struct stat st {};
        if (path.empty() || ::stat(path.c_str(), &st) != 0) return;
        bool const folder = S_ISDIR(st.st_mode);
        machine_facts::file one{path, (st.st_mode & S_IROTH) != 0 || (folder && (st.st_mode & S_IXOTH) != 0),
                                (st.st_mode & (S_IWOTH | S_IWGRP)) != 0};
        f.machine.secrets.push_back(std::move(one));
    };
    look(s.data_dir);
    look(s.tls.private_key);
    for (auto const& c : s.tls.more) look(c.private_key);
    for (auto const& k : s.dkim.keys) look(k.private_key);
    look(s.kerberos.keytab);
    for (auto const& b : s.backends) look(b.password_file);
    // Closed folder or not: what is in it says who may read it.
    for (auto const* name : {"accounts.db", "self-signed.key"}) look(s.data_dir / name);
}

std::optional<ip_address> to_address(sockaddr const* a)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    void const* raw = nullptr;
    if (a->sa_family == AF_INET) raw = &reinterpret_cast<sockaddr_in const*>(a)->sin_addr;
    if (a->sa_family == AF_INET6) raw = &reinterpret_cast<sockaddr_in6 const*>(a)->sin6_addr;
    if (raw == nullptr || ::inet_ntop(a->sa_family, raw, text.data(), text.size()) == nullptr) return std::nullopt;
    return ip_address::parse(text.data());
}

void look_at_interfaces(facts& f)
{
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return;
    auto const link_local = *network::parse("fe80::/10");
    for (auto const* i = all; i != nullptr; i = i->ifa_next) {
        auto const a = i->ifa_addr != nullptr ? to_address(i->ifa_addr) : std::nullopt;
        if (a && !a->is_loopback() && !link_local.contains(*a)) f.machine.addresses.push_back(*a);
    }
    ::freeifaddrs(all);
}

void look_at_clock(facts& f)
{
    // Whatever steers the clock (chrony, ntpd, systemd-timesyncd) tells the kernel; nothing is set here.
    timex t{};
    int const state = ::adjtimex(&t);
    if (state >= 0) f.machine.clock_kept = state != TIME_ERROR && (t.status & STA_UNSYNC) == 0;
}

struct addresses_deleter {
    void operator()(addrinfo* a) const noexcept { ::freeaddrinfo(a); }
};

struct descriptor {
    int number = -1;
    ~descriptor()
    {
        if (number >= 0) ::close(number);
    }
};

/// Seconds since 1900 (RFC 5905 section 6) at an offset of the packet.
double timestamp_at(std::array<unsigned char, 48> const& packet, std::size_t at)
{
    double value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value * 256 + packet[at + i];
    return value / 4294967296.0;
}

double seconds_since_1900()
{
    constexpr double from_1900_to_1970 = 2208988800.0;
    auto const now = std::chrono::duration<double>{wall_clock::now().time_since_epoch()};
    return now.count() + from_1900_to_1970;
}

/// One question as a client of SNTP (RFC 4330 section 5), of which the answer is held against our clock.
std::string ask_for_time(std::string const& whom, std::chrono::milliseconds& ahead)
{
    auto const colon = whom.rfind(':');
    bool const has_port = colon != std::string::npos && whom.find(':') == colon;
    auto const host = has_port ? whom.substr(0, colon) : whom;
    auto const port = has_port ? whom.substr(colon + 1) : "123";
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    if (int const e = ::getaddrinfo(host.c_str(), port.c_str(), &wanted, &found); e != 0)
        return "the name " + host + " leads nowhere: " + ::gai_strerror(e);
    std::unique_ptr<addrinfo, addresses_deleter> const list{found};
    descriptor const fd{::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    timeval const limit{3, 0};
    if (fd.number < 0 || ::setsockopt(fd.number, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        ::connect(fd.number, found->ai_addr, found->ai_addrlen) != 0)
        return whom + " can't be reached";
    std::array<unsigned char, 48> packet{};
    packet[0] = 4 << 3 | 3;  // version 4, client
    auto const sent = seconds_since_1900();
    if (::send(fd.number, packet.data(), packet.size(), 0) != static_cast<ssize_t>(packet.size()))
        return whom + " can't be reached";
    auto const size = ::recv(fd.number, packet.data(), packet.size(), 0);
    auto const came = seconds_since_1900();
    constexpr unsigned char mode_mask = 7, server = 4;
    if (size != static_cast<ssize_t>(packet.size()) || (packet[0] & mode_mask) != server || packet[1] == 0)
        return whom + " gives no time";
    auto const received = timestamp_at(packet, 32), answered = timestamp_at(packet, 40);
    auto const off = ((sent - received) + (came - answered)) / 2;
    ahead = std::chrono::milliseconds{std::llround(off * 1000)};
    return {};
}

}  // namespace

void gather_machine(facts& f, std::string const& clock_from)
{
    look_at_disk(f);
    look_at_rights(f);
    look_at_interfaces(f);
    look_at_clock(f);
    if (clock_from.empty()) return;
    std::chrono::milliseconds ahead{};
    auto const problem = ask_for_time(clock_from, ahead);
    f.machine.clock_from = clock_from;
    if (problem.empty()) {
        f.machine.clock_ahead = ahead;
    } else {
        f.not_looked_at.push_back({"clock", "the clock", problem});
    }
}

}  // namespace postern::doctor
