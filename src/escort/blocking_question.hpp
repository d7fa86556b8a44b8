// A question to the DNS that a thread waits for, with a resolver made for it alone. For threads
// that have nothing else to do.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "dns/resolver.hpp"

namespace postern::escort {

using resolver_maker = std::function<result<std::unique_ptr<dns::resolver>>(boost::asio::any_io_executor)>;

/// All give up when `stop` becomes true.
dns::txt_answer ask_for_texts(resolver_maker const& make_resolver, std::string const& name,
                              std::atomic<bool> const& stop);
dns::address_answer ask_for_addresses(resolver_maker const& make_resolver, std::string const& name,
                                      std::atomic<bool> const& stop);
dns::tlsa_answer ask_for_tlsa(resolver_maker const& make_resolver, std::string const& name,
                              std::atomic<bool> const& stop);

}  // namespace postern::escort
