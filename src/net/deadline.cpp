#include "net/deadline.hpp"

namespace postern::net {

struct deadline::state {
    boost::asio::steady_timer timer;
    std::function<void()> expired;
    steady_time at = steady_time::max();
    bool asleep = false;
};

deadline::deadline(boost::asio::any_io_executor executor, std::function<void()> expired)
    : state_(std::make_shared<state>(boost::asio::steady_timer{std::move(executor)}, std::move(expired)))
{
}

deadline::~deadline()
{
    state_->expired = nullptr;
    state_->at = steady_time::max();
    state_->timer.cancel();
}

void deadline::arm(steady_clock::duration limit)
{
    auto& s = *state_;
    s.at = steady_clock::now() + limit;
    if (s.asleep && s.timer.expiry() <= s.at) return;
    s.timer.expires_at(s.at);
    sleep(state_);
}

void deadline::disarm() noexcept { state_->at = steady_time::max(); }

void deadline::sleep(std::shared_ptr<state> const& s)
{
    s->asleep = true;
    s->timer.async_wait([weak = std::weak_ptr{s}](boost::system::error_code ec) {
        auto const self = weak.lock();
        if (!self || ec) return;  // gone, or set to an earlier moment
        self->asleep = false;
        if (self->at == steady_time::max()) return;
        if (self->at > steady_clock::now()) {
            self->timer.expires_at(self->at);
            sleep(self);
            return;
        }
        self->at = steady_time::max();
        if (self->expired) self->expired();
    });
}

}  // namespace postern::net
