#include "mailbox/link.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace postern::mailbox {
namespace {

constexpr std::size_t longest_line = 8 << 10;
constexpr std::size_t most_octets = 8 << 20;

}  // namespace

steady_clock::duration link::left() const
{
    return std::max<steady_clock::duration>(ends_ - steady_clock::now(), std::chrono::milliseconds{1});
}

void link::fail(std::string why)
{
    if (problem_.empty()) problem_ = printable(why, 300);
}

awaitable<bool> link::open(server at)
{
    auto made = co_await net::connect(executor_, at.at, left());
    if (!made) {
        fail(at.at.to_string() + ": " + made.error().message());
        co_return false;
    }
    stream_ = std::move(*made);
    net::server_identity const who{at.name};
    auto const shaken = co_await stream_->handshake_as_client(at.tls, who, left());
    if (!shaken) {
        fail(at.at.to_string() + ": the TLS handshake failed: " + stream_->problem());
        co_return false;
    }
    if (!stream_->tls()->peer_verified && !at.unverified) {
        fail("the certificate of " + at.name + " is not to be trusted: " + stream_->tls()->peer_problem);
        co_return false;
    }
    co_return true;
}

awaitable<bool> link::fill()
{
    if (taken_ > most_octets) {
        fail("the server sent too much");
        co_return false;
    }
    auto const got = co_await stream_->read(left());
    if (!got) {
        fail("the connection to the mailbox broke: " + got.error().message());
        co_return false;
    }
    unread_.append(*got);
    taken_ += got->size();
    co_return true;
}

awaitable<bool> link::read_line(std::string& line)
{
    line.clear();
    for (;;) {
        auto const end = unread_.find('\n');
        if (end != std::string::npos) {
            line = unread_.substr(0, end != 0 && unread_[end - 1] == '\r' ? end - 1 : end);
            unread_.erase(0, end + 1);
            co_return true;
        }
        if (unread_.size() > longest_line) {
            fail("the server sent a line that is too long");
            co_return false;
        }
        bool const more = co_await fill();
        if (!more) co_return false;
    }
}

awaitable<bool> link::read_octets(std::size_t count, std::size_t kept, std::string& out)
{
    out.clear();
    while (count != 0) {
        if (unread_.empty()) {
            bool const more = co_await fill();
            if (!more) co_return false;
        }
        auto const now = std::min(count, unread_.size());
        if (out.size() < kept) out.append(unread_, 0, std::min(now, kept - out.size()));
        unread_.erase(0, now);
        count -= now;
    }
    co_return true;
}

awaitable<bool> link::write_line(std::string line)
{
    std::string out;
    out.reserve(line.size() + 2);  // never grows: no copy is left behind
    out.append(line).append("\r\n");
    wipe(line.data(), line.size());
    auto const sent = co_await stream_->write(out, left());
    wipe(out.data(), out.size());
    if (!sent) fail("the connection to the mailbox broke: " + sent.error().message());
    co_return static_cast<bool>(sent);
}

void link::close() noexcept
{
    if (stream_) stream_->close();
}

}  // namespace postern::mailbox
