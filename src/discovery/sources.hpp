// The places that are asked, one function each. What they find is put together by `merge`.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "discovery/discovery.hpp"
#include "discovery/web.hpp"

namespace postern::discovery {

/// What one place said.
struct report {
    inquiry about;
    std::vector<setting> settings;
    std::vector<problem> problems;
    std::string display_name;
    providers::provider const* provider = nullptr;
};

/// What all of them need.
struct subject {
    std::string address, local_part, domain;
    dns::resolver* names = nullptr;
    std::shared_ptr<web> pages;
    options o;
    bool over = false;  // nobody waits for answers any more

    /// The domain itself, or below it.
    bool is_own(std::string const& host) const { return host == domain || host.ends_with('.' + domain); }
};
inline void note_time(report& r, steady_time since)
{
    r.about.took = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - since);
}
using subject_ptr = std::shared_ptr<subject>;
using reports = std::vector<report>;
/// Of a place that says one thing.
inline reports only(report r)
{
    reports one;
    one.push_back(std::move(r));
    return one;
}

report ask_provider_list(subject const& s);
/// `way`: 0 to 3, the four URLs of autoconfig in the order of preference.
awaitable<reports> ask_autoconfig(subject_ptr s, int way);
awaitable<reports> ask_pacc(subject_ptr s);
awaitable<reports> ask_srv(subject_ptr s, bool implicit_tls);
awaitable<reports> ask_ispdb(subject_ptr s);
/// `way`: 0 the domain, 1 autodiscover. of it, 2 the host of its SRV record, 3 where autodiscover. of it leads to
/// over http.
awaitable<reports> ask_autodiscover(subject_ptr s, int way);
/// The domain's mail exchangers: whether it takes mail, whose they are, and autoconfig at their domain.
awaitable<reports> ask_exchangers(subject_ptr s);
awaitable<reports> ask_guesses(subject_ptr s);

/// The user name for a form as documents have it: "%EMAILADDRESS%".
void set_user(setting& to, subject const& s, std::string_view form);

/// All of them as one: sorted, each setting once, with what is wrong on the whole.
void merge(findings& into, reports const& said);

}  // namespace postern::discovery
