// What the parts of the plan share. Only plan*.cpp include it; each part takes what it
// understands, and plan_rest.cpp tells of everything that nobody took.
#pragma once

#include <set>

#include "moving/lines.hpp"
#include "moving/plan.hpp"
#include "moving/tables.hpp"

namespace postern::moving {

struct planner {
    sources& from;
    files& disk;
    wishes const& wish;
    draft out;
    std::set<void const*> seen;          // settings and sections of Dovecot that were taken care of
    std::vector<std::string> domains{};  // local ones
    bool submission_tls_only = false;    // every listener for mail programs wants TLS before a log-in
    std::vector<row> backends{};

    main_cf& main() { return from.postfix->main; }
    section& dovecot() { return from.dovecot->root; }
    bool has_postfix() const { return from.postfix.has_value(); }
    bool has_dovecot() const { return from.dovecot.has_value(); }

    /// Dovecot's setting at the top, counted as taken care of; else nullptr.
    setting const* take(std::string_view key);
    /// For a comment: where a value of main.cf comes from.
    std::string origin(std::string_view parameter) const;
    place where(std::string_view parameter) const;
    void tell_parameter(weight w, std::string_view name, std::string why);
    void tell_setting(weight w, setting const& s, std::string why);
    /// The rows of a table of main.cf ("hash:/etc/postfix/virtual"); nothing, and a finding, when it
    /// can't be read. `what` says what is lost then, `act` what to do.
    std::optional<std::vector<table_row>> rows_of(std::string_view table, std::string_view parameter,
                                                  std::string const& if_not);
    std::string queue_directory() { return main().take("queue_directory"); }
    std::string dovecot_base();
    /// $myorigin, with the file behind it read.
    std::string origin_domain();
    /// The domain of users whose names have none; "" when there is no good guess.
    std::string users_domain();
};

bool is_local_name(std::string_view domain);
/// What may be shown of a value.
std::string blanked(std::string_view name, std::string_view value);

// The parts, in the order in which they run.
void plan_domains(planner& p);
void plan_listeners(planner& p);
void plan_access(planner& p);
void plan_tls(planner& p);
void plan_limits(planner& p);
void plan_delivery(planner& p);  // with plan_relays()
void plan_relays(planner& p);
void plan_users(planner& p);
void plan_aliases(planner& p);
void plan_rest(planner& p);
void drop_what_is_refused(planner& p);

}  // namespace postern::moving
