#include "submission/notice_desk.hpp"

#include <pthread.h>

#include "base/log.hpp"

namespace postern::submission {
namespace {

// Each account has few reasons for a notice: more tasks than that would be a flood of them.
constexpr std::size_t most_tasks = 10'000;

}  // namespace

notice_desk::notice_desk(directory::directory& accounts, spool::spool& queue, signing::signer& signer)
    : accounts_(accounts), queue_(queue), signer_(signer), thread_([this] { work(); })
{
    ::pthread_setname_np(thread_.native_handle(), "notices");
}

notice_desk::~notice_desk() { stop(); }

void notice_desk::stop()
{
    {
        std::lock_guard const hold{lock_};
        ending_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

bool notice_desk::later(std::function<void()> task)
{
    std::lock_guard const hold{lock_};
    if (ending_ || tasks_.size() >= most_tasks) return false;
    tasks_.push_back(std::move(task));
    wake_.notify_one();
    return true;
}

void notice_desk::work()
{
    std::unique_lock hold{lock_};
    for (;;) {
        wake_.wait(hold, [this] { return ending_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        auto const task = std::move(tasks_.front());
        tasks_.pop_front();
        hold.unlock();
        task();
        hold.lock();
    }
}

void notice_desk::tell(std::string_view account, std::string const& address, std::string subject, std::string text,
                       std::string const& hostname)
{
    auto to = mail::parse_mailbox(address);
    if (!to) return;
    auto const local = accounts_.is_local(to->domain);
    if (local && *local) {
        accounts_.wait_for_address(*to);
        auto const found = accounts_.find_recipient(*to);
        if (found && !*found) {
            log::event(log::level::warning, "nobody_told", {{"account", account}, {"forward_path", address}});
            return;
        }
    }
    notice n;
    // Nobody would believe that the postmaster of somebody else's domain wrote it.
    if (!local || !*local) {
        auto const at = account.rfind('@');
        n.domain = at == std::string_view::npos ? hostname : std::string{account.substr(at + 1)};
    }
    n.to = std::move(*to);
    n.subject = std::move(subject);
    n.text = std::move(text);
    send_notice(queue_, signer_, n, hostname, wall_clock::now());
}

}  // namespace postern::submission
