// One context of libunbound on an executor: questions go to its thread, answers come back
// through a descriptor. Included by dns/*.cpp only.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <unbound.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "dns/resolver.hpp"

namespace postern::dns {

inline constexpr int type_a = 1, type_cname = 5, type_ptr = 12, type_mx = 15, type_txt = 16, type_aaaa = 28,
                     type_srv = 33, type_dnskey = 48, type_tlsa = 52, type_caa = 257;

struct result_deleter {
    void operator()(ub_result* r) const noexcept { ub_resolve_free(r); }
};
using result_ptr = std::unique_ptr<ub_result, result_deleter>;

/// One question under way. The asking coroutine waits on `wake`, which the answer cancels.
struct question {
    question(boost::asio::any_io_executor const& executor, std::chrono::seconds limit) : wake(executor, limit) {}
    boost::asio::steady_timer wake;
    bool answered = false;
    int error = 0;
    result_ptr answer;
};

class unbound_context {
public:
    /// `validates`: with the options' trust anchor.
    static result<std::unique_ptr<unbound_context>> make(boost::asio::any_io_executor const& executor, options const& o,
                                                         bool validates);
    ~unbound_context();
    unbound_context(unbound_context const&) = delete;
    unbound_context& operator=(unbound_context const&) = delete;

    std::shared_ptr<question> ask(std::string const& name, int type);
    awaitable<void> wait(std::shared_ptr<question> q);

private:
    struct deleter {
        void operator()(ub_ctx* c) const noexcept { ub_ctx_delete(c); }
    };
    struct entry {
        std::shared_ptr<question> what;  // kept alive for the answer
        int id;
    };
    using context_ptr = std::unique_ptr<ub_ctx, deleter>;

    unbound_context(boost::asio::any_io_executor const& executor, context_ptr context, std::chrono::seconds limit);
    void wait_for_answers();

    boost::asio::any_io_executor executor_;
    std::chrono::seconds limit_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::vector<entry> ids_;
    context_ptr context_;
    boost::asio::posix::stream_descriptor answers_;
};

/// "TLSA"
char const* type_name(int type);

}  // namespace postern::dns
