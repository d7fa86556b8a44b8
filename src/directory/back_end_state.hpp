// How a back end that is asked over a network or a socket is: up, or down and why. One that
// can be probed is probed while it is down, with growing pauses, so that questions are refused
// at once meanwhile and none has to find out whether it is back.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "directory/asker.hpp"
#include "directory/backend.hpp"

namespace postern::directory {

class back_end_state {
public:
    explicit back_end_state(backend_options o) : options(std::move(o)) {}

    /// Why it need not be asked now; nothing: ask it.
    std::optional<error> refusal() const;
    /// What to say when it could not be asked, or did not answer: "unavailable", and what is known.
    error unavailable(std::string_view otherwise) const;
    /// It answered, or (with an error) it is down.
    void note(error const* e);
    std::string trouble() const;

    /// Begins to look after it on a thread of its own, until stop(). Looks at once: who reads the
    /// log learns of a bad configuration before the first user does.
    static void look_after(std::shared_ptr<back_end_state> s, std::function<std::unique_ptr<asker>()> make);
    /// Waits for the thread for a moment at most: it may hang.
    void stop();

    backend_options const options;

private:
    bool wait_for_trouble(std::chrono::milliseconds pause);
    void run(std::function<std::unique_ptr<asker>()> const& make);

    std::atomic<bool> down_{false};
    std::atomic<bool> probed_{false};  // it can be
    mutable std::mutex lock_;
    std::condition_variable wake_;
    std::string trouble_;
    bool looks_ = false;
    bool stopping_ = false;
};

}  // namespace postern::directory
