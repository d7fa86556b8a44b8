// Keeps the certificates: asks the authority for those that are missing or old, and watches the files that others
// renew (certbot, lego). A thread of its own; whatever fails there, mail goes on with the certificates that there are.
// What it says of them is safe from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "acme/file_watch.hpp"
#include "acme/good_pairs.hpp"
#include "acme/names.hpp"
#include "acme/shelf.hpp"
#include "config/settings.hpp"
#include "directory/web_client.hpp"
#include "escort/blocking_question.hpp"

namespace postern::acme {

struct office_options {
    std::function<std::shared_ptr<config::settings const>()> settings;  // those in force
    std::function<result<std::vector<std::string>>()> local_domains;    // all that are served; may take its time
    escort::resolver_maker make_resolver;
    std::function<void()> changed;  // the mail ports have new certificates to take up
};

/// A certificate as it is, and what is to become of it.
struct certificate_state {
    std::string id;
    std::string source;  // "acme", "file" or "self-signed"
    bool for_mail = false;
    std::string file;
    std::vector<std::string> names;                               // in it; those wished for while there is none
    std::optional<wall_time> not_after, renewal;                  // none: there is none yet; nobody here renews it
    std::optional<attempts> failed{};                             // the last attempt, when it failed
    std::string problem{};                                        // of files that can't be taken up
    std::vector<std::pair<std::string, std::string>> left_out{};  // names, and why
};

/// The authority of [acme], as CAA records speak of it (RFC 8659, RFC 8657).
struct authority_state {
    std::vector<std::string> names;  // as it says itself; empty: it was not asked yet, or does not say
    std::string account;             // URL of ours with it; empty: there is none
};

/// For the process that serves the web pages.
struct web_bundle {
    struct pair {
        std::vector<std::string> names;
        std::string chain;
        secret key;
    };
    std::string version;
    bool changed = false;  // else the rest is empty
    std::vector<pair> certificates;
    std::vector<pair> proofs;  // for tls-alpn-01, one name each
};

class office {
public:
    static result<std::unique_ptr<office>> open(office_options o);
    ~office();
    office(office const&) = delete;
    office& operator=(office const&) = delete;

    /// Settings or domains may have changed.
    void wake();
    void stop();

    std::vector<certificate_state> list();
    /// Now, whatever the plan was: of all, or of the certificate with this id or name. Waits until it is done, `limit` at
    /// most. Gives the ids; none: no certificate of ours has that name.
    std::vector<std::string> renew(std::string const& name, std::chrono::seconds limit);

    authority_state authority() const;

    /// What to answer at /.well-known/acme-challenge/TOKEN.
    std::optional<std::string> key_authorization(std::string_view token) const;
    /// `known`: the version that the asker has.
    web_bundle for_web(std::string_view known);

private:
    /// A group, and which of its names lead to us.
    struct planned {
        group what;
        std::vector<std::string> wanted{};
        bool looked_up = false;
    };
    enum class leads : std::uint8_t { here, elsewhere, unknown };

    office(office_options o, shelf s);
    void work();
    void turn();
    bool wait(std::chrono::milliseconds time);
    void look_at_files(config::settings const& s);
    void forget_failures_of_others(config::settings const& s);

    // office_plan.cpp: what is to be asked for
    void plan(config::settings const& s);
    void ask_for_domains();
    void find_our_addresses(config::settings const& s);
    void ask_for_suggestions(config::settings const& s);
    void remember_authority(service_urls const& urls);
    wall_time renewal_of_certificate(std::string const& id, net::certificate_summary const& c) const;
    leads where_leads(std::string const& name, std::string& why) const;
    std::vector<std::string> names_for(group const& g, bool all_anew);
    void leave_out(std::string const& name, std::string const& why);
    bool is_due(planned const& p, wall_time now) const;

    // office_order.cpp: asking
    void try_due(config::settings const& s);
    void try_one(config::settings const& s, planned& p);
    std::optional<trouble> order(config::settings const& s, group const& g, std::vector<std::string> const& names);
    result<kept_order> order_for(config::settings const& s, group const& g, std::vector<std::string> const& names);
    void keep_order(group const& g, kept_order& under_way, std::string const& url);
    step follow(config::settings const& s, issuance& machine, group const& g, kept_order& under_way);
    answer ask(config::settings const& s, call const& c);
    std::optional<ec_key> pinned_key(group const& g);
    std::optional<trouble> show_proofs(std::vector<proof> const& proofs);
    void hide_proofs();
    void on_trouble(group const& g, std::vector<std::string> const& names, trouble const& t);

    // office_tell.cpp
    void tell_of_files(config::settings const& s, std::vector<certificate_state>& to) const;
    certificate_state state_of(planned const& p) const;
    void bundle_anew(config::settings const& s);

    office_options options_;
    shelf shelf_;
    std::atomic<bool> stopping_ = false;
    directory::web_client web_;
    std::set<ip_address> our_addresses_;

    mutable std::mutex lock_;  // of all that follows
    std::condition_variable wake_, done_;
    bool woken_ = false;
    file_watch files_;
    std::vector<std::string> domains_;  // all that are served
    std::vector<planned> plan_;
    std::optional<steady_time> planned_at_;
    std::string asked_as_;                                          // whom, as whom and how, of [acme]
    std::map<std::string, attempts> attempts_;                      // by id
    std::map<std::string, net::certificate_summary> certificates_;  // by id
    std::map<std::string, wall_time> suggested_;                    // by id: when the authority wants it renewed
    std::optional<steady_time> suggestions_at_;
    std::vector<std::string> authority_names_;
    std::map<std::string, std::string> left_out_;  // by name: why
    std::map<std::string, wall_time> refused_;     // names that are left out until then
    std::set<std::string> forced_;                 // ids
    wall_time all_not_before_{};                   // the authority is left alone until then
    std::vector<proof> proofs_;
    std::vector<web_bundle::pair> proof_certificates_;
    std::optional<web_bundle> bundle_;  // none: to be made
    good_pairs pairs_;                  // of the pages
    std::string seen_by_web_;           // the last version that it has
    std::thread thread_;
};

}  // namespace postern::acme
