#include "directory/back_end_state.hpp"

#include <algorithm>
#include <thread>

#include "base/log.hpp"
#include "base/text.hpp"

namespace postern::directory {
namespace {

// A server that was restarted is back within a second or two; one that is gone is asked seldom.
constexpr std::chrono::milliseconds first_pause{100};
constexpr std::chrono::milliseconds longest_pause{2'000};
constexpr std::chrono::seconds patience_at_end{2};

}  // namespace

std::optional<error> back_end_state::refusal() const
{
    if (!down_ || !probed_) return std::nullopt;
    return unavailable("is down");
}

error back_end_state::unavailable(std::string_view otherwise) const
{
    auto why = trouble();
    if (why.empty()) why = otherwise;
    return {{4, 3, 0}, "The accounts are not available", "back end " + options.name + ": " + why};
}

void back_end_state::note(error const* e)
{
    std::string text = e != nullptr ? printable(e->logged, 1000) : std::string{};
    if (e != nullptr && text.empty()) text = "no answer";
    {
        std::lock_guard lock{lock_};
        if (text == trouble_) return;
        trouble_ = text;
        down_ = e != nullptr;
    }
    wake_.notify_all();
    if (e != nullptr)
        log::event(log::level::error, "backend_down", {{"backend", options.name}, {"detail", text}});
    else
        log::event(log::level::info, "backend_up", {{"backend", options.name}});
}

std::string back_end_state::trouble() const
{
    std::lock_guard lock{lock_};
    return trouble_;
}

void back_end_state::look_after(std::shared_ptr<back_end_state> s, std::function<std::unique_ptr<asker>()> make)
{
    s->looks_ = true;
    std::thread{[s, make = std::move(make)] {
        s->run(make);
        std::lock_guard lock{s->lock_};
        s->looks_ = false;
        s->wake_.notify_all();
    }}.detach();
}

/// False: the end.
bool back_end_state::wait_for_trouble(std::chrono::milliseconds pause)
{
    std::unique_lock lock{lock_};
    wake_.wait(lock, [this] { return stopping_ || !trouble_.empty(); });
    wake_.wait_for(lock, pause, [this] { return stopping_; });
    return !stopping_;
}

void back_end_state::run(std::function<std::unique_ptr<asker>()> const& make)
{
    auto const probing = make();
    auto pause = first_pause;
    do {
        auto const answer = probing->probe(steady_clock::now() + options.timeout);
        if (!answer) return;
        probed_ = true;
        note(*answer ? nullptr : &answer->error());
        pause = *answer ? first_pause : std::min(2 * pause, longest_pause);
    } while (wait_for_trouble(pause));
}

void back_end_state::stop()
{
    std::unique_lock lock{lock_};
    stopping_ = true;
    wake_.notify_all();
    wake_.wait_for(lock, patience_at_end, [this] { return !looks_; });
}

}  // namespace postern::directory
