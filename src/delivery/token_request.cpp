#include "delivery/token_request.hpp"

#include <utility>

#include "base/whole_file.hpp"

namespace postern::delivery {

namespace {

constexpr std::size_t longest_answer = 64u << 10;

}  // namespace

result<token_request> token_request::make(identity const& who)
{
    auto const& s = who.settings;
    token_request r;
    r.add("client_id", s.client_id);
    if (s.client_secret_file.empty()) return r;
    auto const client_secret = read_secret_line(s.client_secret_file);
    if (!client_secret) return client_secret.error();
    r.add("client_secret", client_secret->reveal());
    return r;
}

token_request& token_request::add(std::string_view name, std::string_view value)
{
    std::string longer;
    // What a string leaves behind when it grows would not be wiped.
    longer.reserve(form_.size() + name.size() + value.size() * 3 + 2);
    longer.append(form_.reveal());
    if (!longer.empty()) longer += '&';
    longer.append(name).append("=");
    directory::append_form_encoded(longer, value);
    form_ = secret::take(longer);
    return *this;
}

result<directory::web_client::answer> token_request::send(directory::web_client& web, identity const& who,
                                                          std::string const& url, std::atomic<bool> const& stop)
{
    directory::web_client::request r;
    r.url = url;
    r.authorities = who.authorities;
    r.form = std::move(form_);
    r.longest = longest_answer;
    return web.ask(r, stop);
}

}  // namespace postern::delivery
