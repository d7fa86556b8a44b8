// The client session's login, RFC 4954: between the last EHLO and the first message. What is
// proven and how is the mechanism's; that nothing is proven to the wrong one is decided here.
#include <algorithm>
#include <utility>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "smtp/client_session.hpp"

namespace postern::smtp {

namespace {

// RFC 4954 section 4: an initial response that makes the command longer goes without it.
constexpr std::size_t longest_command = 512;
// No mechanism of ours has more than three.
constexpr unsigned most_challenges = 8;

}  // namespace

void client_session::on_ready_to_log_in()
{
    if (!settings_.logs_in) {
        up_ = true;
        return;
    }
    if (!(tls_ && tls_verified_) && !settings_.logs_in_clear) {
        return fail(failure::login_impossible, "the connection is not encrypted well enough to log in");
    }
    if (announced_.mechanisms.empty()) return fail(failure::login_impossible, "the server offers no log-ins (AUTH)");
    login_due_ = true;
}

std::vector<std::string> client_session::usable_mechanisms() const
{
    auto list = announced_.mechanisms;
    std::erase_if(list, [&](auto const& name) {
        return std::find(turned_down_.begin(), turned_down_.end(), name) != turned_down_.end();
    });
    return list;
}

void client_session::begin_login(std::unique_ptr<sasl::client_mechanism> m)
{
    login_due_ = false;
    mechanism_ = std::move(m);
    challenge_.reset();
    challenges_ = 0;
    answer_due_ = true;
}

void client_session::give_up_login(std::string_view why) { fail(failure::login_impossible, std::string{why}); }

void client_session::on_answer(sasl::client_action answer)
{
    answer_due_ = false;
    bool const first = !challenge_;
    if (auto const* const no = std::get_if<sasl::abandon>(&answer)) {
        if (first && challenges_ == 0) return fail(failure::login_impossible, no->why);
        return abandon_login(no->why);
    }
    auto* const said = std::get_if<sasl::respond>(&answer);
    std::string text = said != nullptr ? base64_encode(said->octets) : std::string{};
    // Made at once as large as it gets: growing would leave what is in it behind.
    output_.reserve(output_.size() + text.size() + longest_command);
    if (challenges_ != 0) {
        output_ += text;
    } else {
        std::string_view const name = mechanism_->name();
        output_.append("AUTH ").append(name);
        bool const fits = output_.size() + text.size() + 3 <= longest_command;
        if (said != nullptr && fits) output_.append(" ").append(text.empty() ? std::string_view{"="} : text);
        if (said != nullptr && !fits) initial_response_.emplace(text);
    }
    output_ += "\r\n";
    if (said != nullptr) wipe(said->octets.data(), said->octets.size());
    wipe(text.data(), text.size());
    expected_.push_back({phase::auth, 0, {}});
}

// RFC 4954 section 4: "*" ends the exchange; the server says 501.
void client_session::abandon_login(std::string_view why)
{
    abandoned_ = why;
    output_ += "*\r\n";
    expected_.push_back({phase::auth, 0, {}});
}

void client_session::on_auth(reply const& r)
{
    if (!abandoned_.empty()) return fail(failure::login_impossible, abandoned_, r);
    if (r.code == 334) {
        auto challenge = base64_decode(r.text);
        if (!challenge) return abandon_login("a challenge that is not base64");
        if (++challenges_ > most_challenges) return abandon_login("the server never stops asking");
        if (initial_response_) {
            if (!challenge->empty()) return abandon_login("a challenge before the first message");
            output_.reserve(output_.size() + initial_response_->size() + 2);
            output_.append(initial_response_->reveal()).append("\r\n");
            initial_response_.reset();
            expected_.push_back({phase::auth, 0, {}});
            return;
        }
        challenge_ = std::move(*challenge);
        answer_due_ = true;
        return;
    }
    if (r.code == 235) {
        if (!mechanism_->finished()) {
            return fail(failure::login_impossible, "the server took the login before it had proven itself, or us", r);
        }
        logged_in_by_ = mechanism_->name();
        mechanism_.reset();
        up_ = true;
        return;
    }
    if (r.positive() || r.intermediate()) return fail(failure::malformed, "AUTH was answered with " + r.to_string(), r);
    std::string const name{mechanism_->name()};
    // RFC 4954 section 4: the mechanism itself, and not what was proven with it.
    if (r.code == 504 && challenges_ == 0) {
        turned_down_.push_back(name);
        initial_response_.reset();
        login_due_ = true;
        return;
    }
    std::string text = r.to_string();
    if (auto const more = mechanism_->server_error(); !more.empty()) text += " (" + printable(more, 200) + ')';
    fail(failure::login_refused, name + ": " + text, r);
}

}  // namespace postern::smtp
