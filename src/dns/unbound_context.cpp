#include "dns/unbound_context.hpp"

#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace postern::dns {

namespace {

namespace asio = boost::asio;

constexpr int class_in = 1;

void on_answer(void* data, int error, ub_result* answer)
{
    auto* q = static_cast<question*>(data);
    q->answered = true;
    q->error = error;
    q->answer.reset(answer);
    q->wake.cancel();
}

error unusable(std::string what) { return {{4, 4, 3}, "Names can't be looked up", std::move(what)}; }

}  // namespace

char const* type_name(int type)
{
    switch (type) {
        case type_mx: return "MX";
        case type_ptr: return "PTR";
        case type_srv: return "SRV";
        case type_a: return "A";
        case type_txt: return "TXT";
        case type_cname: return "CNAME";
        case type_tlsa: return "TLSA";
        case type_caa: return "CAA";
        case type_dnskey: return "DNSKEY";
        default: return "AAAA";
    }
}

result<std::unique_ptr<unbound_context>> unbound_context::make(asio::any_io_executor const& executor, options const& o,
                                                               bool validates)
{
    context_ptr context{ub_ctx_create()};
    if (!context) return unusable("libunbound can't be started");
    // It would write to standard error, past our log.
    ub_ctx_debugout(context.get(), nullptr);
    // A thread of the library's own does the work; it hands answers over through a pipe.
    if (int const e = ub_ctx_async(context.get(), 1); e != 0) return unusable(ub_strerror(e));
    // A name server on this machine (systemd-resolved, a local cache) is as good as any.
    if (int const e = ub_ctx_set_option(context.get(), "do-not-query-localhost:", "no"); e != 0) {
        return unusable(ub_strerror(e));
    }
    // Or the library would say of itself that private addresses have no names.
    if (int const e = ub_ctx_set_option(context.get(), "unblock-lan-zones:", "yes"); e != 0) {
        return unusable(ub_strerror(e));
    }
    for (endpoint const& server : o.servers) {
        std::string const text = server.address.to_string() + '@' + std::to_string(server.port);
        if (int const e = ub_ctx_set_fwd(context.get(), text.c_str()); e != 0) {
            return unusable(text + ": " + ub_strerror(e));
        }
    }
    // No file: the root servers are asked.
    std::error_code none;
    if (o.servers.empty() && !o.resolv_conf.empty() && std::filesystem::exists(o.resolv_conf, none)) {
        if (int const e = ub_ctx_resolvconf(context.get(), o.resolv_conf.c_str()); e != 0) {
            return unusable(o.resolv_conf.string() + ": " + ub_strerror(e));
        }
    }
    if (!o.hosts.empty() && std::filesystem::exists(o.hosts, none)) {
        if (int const e = ub_ctx_hosts(context.get(), o.hosts.c_str()); e != 0) {
            return unusable(o.hosts.string() + ": " + ub_strerror(e));
        }
    }
    if (validates) {
        // The library would find out only at the first question.
        if (!std::filesystem::is_regular_file(o.trust_anchor, none)) {
            return unusable("dns.trust_anchor: there is no file " + o.trust_anchor.string());
        }
        if (int const e = ub_ctx_add_ta_file(context.get(), o.trust_anchor.c_str()); e != 0) {
            return unusable(o.trust_anchor.string() + ": " + ub_strerror(e));
        }
    }
    if (ub_fd(context.get()) < 0) return unusable("libunbound gives no descriptor");
    return std::unique_ptr<unbound_context>{new unbound_context{executor, std::move(context), o.limit}};
}

unbound_context::unbound_context(asio::any_io_executor const& executor, context_ptr context, std::chrono::seconds limit)
    : executor_(executor), limit_(limit), context_(std::move(context)), answers_(executor, ub_fd(context_.get()))
{
    wait_for_answers();
}

unbound_context::~unbound_context()
{
    *alive_ = false;
    answers_.release();  // the descriptor is the library's
}

std::shared_ptr<question> unbound_context::ask(std::string const& name, int type)
{
    auto q = std::make_shared<question>(executor_, limit_);
    int id = 0;
    // A final dot: no search list is ever applied to it.
    if (int const error =
            ub_resolve_async(context_.get(), (name + '.').c_str(), type, class_in, q.get(), on_answer, &id);
        error != 0) {
        q->answered = true;
        q->error = error;
        return q;
    }
    ids_.push_back({q, id});
    return q;
}

awaitable<void> unbound_context::wait(std::shared_ptr<question> q)
{
    auto const alive = alive_;
    if (!q->answered) {
        boost::system::error_code ignored;
        co_await q->wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    if (!*alive) co_return;
    auto const mine = std::find_if(ids_.begin(), ids_.end(), [&](auto const& e) { return e.what == q; });
    if (mine != ids_.end()) {
        if (!q->answered) ub_cancel(context_.get(), mine->id);
        ids_.erase(mine);
    }
}

void unbound_context::wait_for_answers()
{
    answers_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [this, alive = alive_](boost::system::error_code const& error) {
                            if (!*alive || error) return;
                            ub_process(context_.get());
                            wait_for_answers();
                        });
}

}  // namespace postern::dns
